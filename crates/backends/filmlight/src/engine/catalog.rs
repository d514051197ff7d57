//! What a server can write, and what it calls things. Looked up once.

use serde_json::{Value, json};

use rushes_core::{Error, ErrorKind, Result};

use super::ask::find;
use super::failure::as_core;
use super::recipe::{Kind, Recipe, Space};
use super::settings::Settings;
use crate::api::{FormatSet, RenderSetup};
use crate::types::{RenderCodecInfo, RenderDeliverable, RenderFileTypeInfo, Short};
use crate::{Connection, types::Struct};

/// What was looked up.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    spaces: Vec<String>,
    drts: Vec<String>,
    images: Vec<RenderFileTypeInfo>,
    /// Types of movies and their codecs; why there are none, where the server says so.
    movies: std::result::Result<Vec<(RenderFileTypeInfo, Vec<RenderCodecInfo>)>, crate::Error>,
}

impl Catalog {
    pub(crate) async fn of(flapi: &Connection) -> crate::Result<Self> {
        let spaces = FormatSet::factory(flapi).await?.colour_space_names().await?;
        let drts = FormatSet::drt_names(flapi).await?;
        let images = RenderSetup::image_types(flapi).await?;
        let movies = match Self::movies(flapi).await {
            // A licence may be missing for movies alone.
            Err(e) if e.may_pass() => return Err(e),
            other => other,
        };
        Ok(Self { spaces, drts, images, movies })
    }

    /// False when something was not told for want of a licence.
    pub(crate) fn is_whole(&self) -> bool {
        self.movies.is_ok()
    }

    async fn movies(flapi: &Connection) -> crate::Result<Vec<(RenderFileTypeInfo, Vec<RenderCodecInfo>)>> {
        let mut movies = Vec::new();
        for kind in RenderSetup::movie_types(flapi).await? {
            // Others are packages, or cannot be opened by an editor.
            if kind.extensions.iter().any(|e| e.trim_start_matches('.').eq_ignore_ascii_case("mov")) {
                let codecs = RenderSetup::movie_codecs(flapi, &kind.key).await?;
                movies.push((kind, codecs));
            }
        }
        Ok(movies)
    }

    /// The display rendering transform that `recipe` needs, if it needs one.
    ///
    /// # Errors
    /// When the server does not have it.
    pub(crate) fn drt(&self, recipe: &Recipe, settings: &Settings) -> Result<Option<String>> {
        if recipe.outputs.iter().all(|o| o.space != Space::Rec709) {
            return Ok(None);
        }
        let found = match &settings.drt {
            Some(name) => self.drts.iter().find(|d| *d == name),
            None => find(&self.drts, &["aces20", "acesv2", "aces2"], |d| vec![d.clone()]),
        };
        let wanted = settings.drt.as_deref().unwrap_or("an ACES 2.0");
        found.cloned().map(Some).ok_or_else(|| lacks("display rendering transform", wanted, &self.drts))
    }

    /// The server's name for a space.
    ///
    /// # Errors
    /// When the server does not have it.
    pub(crate) fn space<'a>(&self, space: Space, settings: &'a Settings) -> Result<&'a str> {
        self.named(match space {
            Space::Aces2065_1 => &settings.aces2065_1,
            Space::AcesCg => &settings.acescg,
            Space::Rec709 => &settings.rec709,
        })
    }

    /// The server's name for the working space of layers, or of a scene without any.
    ///
    /// # Errors
    /// When the server does not have it.
    pub(crate) fn working_space<'a>(&self, recipe: &Recipe, settings: &'a Settings) -> Result<&'a str> {
        self.named(match recipe.working_space.as_deref() {
            Some("ACEScct") => &settings.acescct,
            Some("ACEScg") => &settings.acescg,
            _ => &settings.aces2065_1,
        })
    }

    fn named<'a>(&self, name: &'a str) -> Result<&'a str> {
        if self.spaces.iter().any(|s| s == name) { Ok(name) } else { Err(lacks("colour space", name, &self.spaces)) }
    }

    /// The part of a deliverable that says what kind of file it is.
    ///
    /// # Errors
    /// When the server writes no such files, or has no licence for them.
    pub(crate) fn deliverable(&self, kind: &Kind) -> Result<RenderDeliverable> {
        let keys = |t: &RenderFileTypeInfo| vec![t.key.clone(), t.text.clone()];
        let image = |words: &[&str]| {
            let known: Vec<String> = self.images.iter().map(|t| t.key.clone()).collect();
            find(&self.images, words, keys).ok_or_else(|| lacks("type of images", words[0], &known))
        };
        let still = |found: &RenderFileTypeInfo, extension: &str, options: Option<Struct>| RenderDeliverable {
            file_type: Some(found.key.clone()),
            file_name_extension: Some(found.extensions.first().cloned().unwrap_or_else(|| extension.into())),
            image_options: options,
            ..RenderDeliverable::default()
        };
        match kind {
            Kind::Exr { compression } => {
                let found = image(&["exr", "openexr"])?;
                Ok(still(found, ".exr", Some(compression_option(found, compression)?)))
            }
            Kind::Still { png: false } => Ok(still(image(&["jpeg", "jpg"])?, ".jpg", None)),
            Kind::Still { png: true } => Ok(still(image(&["png"])?, ".png", None)),
            Kind::Movie { codec, timecode } => {
                let movies = self.movies.clone().map_err(as_core)?;
                let words: Vec<&str> = codec.iter().map(String::as_str).collect();
                let names = |c: &RenderCodecInfo| vec![c.key.clone(), c.text.clone()];
                let found = movies.iter().find_map(|(t, codecs)| Some((t, find(codecs, &words, names)?)));
                let known = || movies.iter().flat_map(|(_, c)| c.iter().map(|c| c.key.clone())).collect::<Vec<_>>();
                let (kind, codec) = found.ok_or_else(|| lacks("QuickTime codec", words[0], &known()))?;
                Ok(RenderDeliverable {
                    is_movie: true,
                    movie_codec: Some(codec.key.clone()),
                    embed_timecode: *timecode,
                    ..still(kind, ".mov", None)
                })
            }
        }
    }
}

/// The option for a compression, under the server's own keys; as FilmLight's examples have it where it names none.
fn compression_option(exr: &RenderFileTypeInfo, compression: &str) -> Result<Struct> {
    let words: &[&str] = match compression {
        "none" => &["none", "uncompressed"],
        other => &[other],
    };
    let parameter = find(&exr.params, &["compression"], |p| vec![p.key.clone(), p.text.clone()]);
    let (key, value) = match parameter {
        None => ("compression".to_owned(), compression.to_uppercase()),
        Some(p) if p.choices.is_empty() => (p.key.clone(), compression.to_uppercase()),
        Some(p) => {
            let known: Vec<String> = p.choices.iter().map(|c| c.key.clone()).collect();
            let names = |c: &crate::types::RenderCodecParameterValue| vec![c.key.clone(), c.text.clone()];
            let choice = find(&p.choices, words, names).ok_or_else(|| lacks("compression of EXR", words[0], &known))?;
            (p.key.clone(), choice.key.clone())
        }
    };
    Ok([(key, Value::from(value))].into_iter().collect())
}

fn lacks(what: &str, name: &str, known: &[String]) -> Error {
    let known = Short(json!(known), 2000);
    Error::new(ErrorKind::Unsupported, format!("the FilmLight server has no {what} {name}; it has {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{RenderCodecParameterInfo, RenderCodecParameterValue};

    fn codec(key: &str, text: &str) -> RenderCodecInfo {
        RenderCodecInfo { key: key.into(), text: text.into(), params: Vec::new() }
    }

    fn kind(key: &str, text: &str, params: Vec<RenderCodecParameterInfo>) -> RenderFileTypeInfo {
        RenderFileTypeInfo { key: key.into(), text: text.into(), extensions: Vec::new(), params }
    }

    /// A server whose keys are none that anybody has seen.
    fn catalog() -> Catalog {
        let choice = |key: &str, text: &str| RenderCodecParameterValue { key: key.into(), text: text.into() };
        let compression = RenderCodecParameterInfo {
            key: "cmp".into(),
            text: "Compression".into(),
            kind: "Choice".into(),
            choices: vec![choice("0", "Uncompressed"), choice("3", "ZIPS"), choice("4", "ZIP"), choice("5", "PIZ")],
        };
        Catalog {
            spaces: vec!["ACES_lin".into()],
            drts: vec!["ACES 1.3".into()],
            images: vec![kind("exr2", "OpenEXR", vec![compression]), kind("JPG", "JPEG", Vec::new())],
            movies: Ok(vec![(
                kind("qt", "QuickTime", Vec::new()),
                vec![codec("aviddnx:lb", "Avid DNxHR LB"), codec("ap4p", "Apple ProRes 422 (Proxy)")],
            )]),
        }
    }

    #[test]
    fn what_is_asked_for_is_found_under_the_servers_own_keys() {
        let of = |kind: Kind| catalog().deliverable(&kind).unwrap();
        for (compression, key) in [("none", "0"), ("zip", "4"), ("zips", "3"), ("piz", "5")] {
            let exr = of(Kind::Exr { compression: compression.into() });
            assert_eq!(exr.file_type.as_deref(), Some("exr2"));
            assert_eq!(exr.image_options.unwrap(), Struct::from([("cmp".to_owned(), Value::from(key))]));
        }
        let movie = |word: &str| of(Kind::Movie { codec: vec![word.into()], timecode: false });
        assert_eq!(movie("dnxhrlb").movie_codec.as_deref(), Some("aviddnx:lb"));
        let proxy = movie("prores422proxy");
        assert_eq!((proxy.movie_codec.as_deref(), proxy.embed_timecode, proxy.is_movie), (Some("ap4p"), false, true));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let e = catalog().deliverable(&Kind::Still { png: true }).unwrap_err().to_string();
        assert!(e.contains("png") && e.contains("exr2"), "{e}");
        let e = catalog().deliverable(&Kind::Exr { compression: "dwab".into() }).unwrap_err().to_string();
        assert!(e.contains("dwab"), "{e}");
        let movie = Kind::Movie { codec: vec!["dnxhrhqx".into()], timecode: true };
        assert!(catalog().deliverable(&movie).unwrap_err().to_string().contains("aviddnx:lb"));
        let licence = crate::Error::Licence { method: "RenderSetup.get_movie_types".into(), message: "none".into() };
        let without = Catalog { movies: Err(licence), ..catalog() };
        assert_eq!(without.deliverable(&movie).unwrap_err().kind(), ErrorKind::InUse);
        assert!(!without.is_whole());
        let settings = Settings::default();
        assert_eq!(catalog().space(Space::Aces2065_1, &settings).unwrap(), "ACES_lin");
        assert!(catalog().space(Space::AcesCg, &settings).is_err());
    }

    #[test]
    fn a_type_that_says_nothing_of_compression_is_asked_as_in_filmlights_examples() {
        let asked = compression_option(&kind("EXR", "OpenEXR", Vec::new()), "piz").unwrap();
        assert_eq!(asked, Struct::from([("compression".to_owned(), Value::from("PIZ"))]));
    }
}
