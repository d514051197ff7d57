//! What a server makes of a clip: whether it opens it, and what its decoder can be asked.

use rushes_core::media::{ClipMedia, FileSequence};
use rushes_core::stage::ClipRef;
use rushes_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::ask::{find, plain};
use super::failure::{Failure, as_core};
use super::recipe::Recipe;
use super::settings::Settings;
use crate::Connection;
use crate::api::{Scene, SequenceDescriptor, Shot};
use crate::types::{DecodeParameterDefinition, DecodeParameterType, InsertPosition, NewSceneOptions, Short, Struct};

/// What was found out about a clip.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// The decoder's name for the media.
    pub(crate) codec: String,
    /// What can be asked of it.
    pub(crate) parameters: Vec<DecodeParameterDefinition>,
}

/// A path as text, which is all the wire has.
fn text(path: &std::path::Path) -> Result<String> {
    let whole = std::path::absolute(path).map_err(|e| Error::io(path, e))?;
    whole.to_str().map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the path is no UTF-8, which a FilmLight server needs").path(path)
    })
}

/// FilmLight's form of a sequence's name: `/card/A001_%.7F.ari`.
fn template(s: &FileSequence) -> Result<String> {
    let before = text(&s.folder.join(&s.prefix))?;
    if before.contains('%') || s.suffix.contains('%') {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a % in the name of a sequence has a meaning of its own to FilmLight",
        )
        .path(&s.folder));
    }
    Ok(format!("{before}%.{}F{}", s.padding.max(1), s.suffix))
}

/// Opens the media of `clip`.
///
/// # Errors
/// When the server cannot, or finds something else than Rushes did.
pub(crate) async fn open(flapi: &Connection, clip: &ClipRef) -> Result<SequenceDescriptor> {
    let doing = "opening the clip on the FilmLight server";
    match &clip.media {
        ClipMedia::Files(files) => {
            let first = files.first().ok_or_else(|| Error::new(ErrorKind::BadMedia, "the clip has no file"))?;
            SequenceDescriptor::get_for_file(flapi, &text(first)?)
                .await
                .map_err(|e| as_core(e).doing(doing).path(first))
        }
        ClipMedia::Sequence(s) => {
            let range = s.range().ok_or_else(|| Error::new(ErrorKind::BadMedia, "the clip has no frame"))?;
            let template = template(s)?;
            let (start, end) = (Some(range.first), Some(range.last));
            let mut found = SequenceDescriptor::get_for_template(flapi, &template, start, end)
                .await
                .map_err(|e| as_core(e).doing(doing).path(&template))?;
            if found.len() != 1 {
                let what = format!("it finds {} sequences where there is one", found.len());
                return Err(Error::new(ErrorKind::BadMedia, what).doing(doing).path(&template));
            }
            Ok(found.remove(0))
        }
    }
}

impl Probe {
    /// Looks at `clip` in a scene in memory, which is closed again.
    ///
    /// # Errors
    /// When the server cannot open it.
    pub(crate) async fn of(flapi: &Connection, clip: &ClipRef, settings: &Settings) -> Result<Self, Failure> {
        let sequence = open(flapi, clip).await?;
        let options = NewSceneOptions::new("HD 1920x1080", &settings.aces2065_1, 24.0);
        let scene = Scene::temporary(flapi, &options).await?;
        let looked = Self::looked(flapi, &scene, &sequence).await;
        // What was asked is known; a scene that does not close goes with the connection.
        let _ = scene.close().await;
        Ok(looked?)
    }

    async fn looked(flapi: &Connection, scene: &Scene, sequence: &SequenceDescriptor) -> crate::Result<Self> {
        scene.start_delta("Look").await?;
        let shot = scene.insert_sequence(sequence, InsertPosition::End, None).await?;
        scene.end_delta().await?;
        let codec = shot.codec().await?;
        let kind = Shot::decode_parameter_type(flapi, &codec).await?;
        let parameters =
            if kind.is_empty() { Vec::new() } else { Shot::decode_parameter_definitions(flapi, &kind).await? };
        Ok(Self { codec, parameters })
    }

    /// The decode parameters for what `recipe` and `settings` ask of the decoder.
    ///
    /// # Errors
    /// When the decoder cannot be asked for it.
    pub(crate) fn decode(&self, recipe: &Recipe, settings: &Settings) -> Result<Struct> {
        let mut asked = Struct::new();
        for (key, value) in &settings.decode {
            let found = self.parameters.iter().find(|p| p.parameter == *key);
            let found = found.ok_or_else(|| self.lacks(&format!("parameter {key}")))?;
            check(found, value).map_err(|why| self.lacks(&format!("{key} = {value}: {why}")))?;
            asked.insert(key.clone(), value.clone());
        }
        let mut number = |what: &str, words: &[&str], not: &[&str], value: Option<f64>| -> Result<()> {
            let Some(value) = value else { return Ok(()) };
            let numeric = |p: &&DecodeParameterDefinition| {
                matches!(p.kind, DecodeParameterType::Float | DecodeParameterType::Integer)
            };
            let names = |p: &&DecodeParameterDefinition| vec![p.parameter.clone(), p.label.clone()];
            let other = |p: &&DecodeParameterDefinition| {
                names(p).iter().any(|name| not.iter().any(|word| plain(name).contains(word)))
            };
            let meant = |p: &&DecodeParameterDefinition| numeric(p) && !other(p);
            let numbers: Vec<&DecodeParameterDefinition> = self.parameters.iter().filter(meant).collect();
            let found = find(&numbers, words, names).ok_or_else(|| self.lacks(&format!("parameter for {what}")))?;
            let value = Value::from(value);
            check(found, &value).map_err(|why| self.lacks(&format!("{what} = {value}: {why}")))?;
            asked.insert(found.parameter.clone(), value);
            Ok(())
        };
        // An exposure index is a sensitivity and no number of stops.
        number("exposure", &["exposure"], &["index", "asa", "iso"], recipe.exposure)?;
        number("white balance", &["kelvin", "colourtemp", "colortemp"], &[], recipe.white.map(|w| w.0))?;
        number("tint", &["tint"], &[], recipe.white.map(|w| w.1).filter(|t| *t != 0.0))?;
        Ok(asked)
    }

    fn lacks(&self, what: &str) -> Error {
        let known: Vec<&str> = self.parameters.iter().map(|p| p.parameter.as_str()).collect();
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "the server's decoder for {} has no {what}; it has {}",
                Short(&self.codec, 100),
                Short(known.join(", "), 2000)
            ),
        )
    }
}

/// Whether `value` is one that `definition` allows.
fn check(definition: &DecodeParameterDefinition, value: &Value) -> std::result::Result<(), String> {
    match definition.kind {
        DecodeParameterType::Integer | DecodeParameterType::Float => {
            let n = value.as_f64().ok_or("it wants a number")?;
            let (min, max) = (definition.min.unwrap_or(f64::NEG_INFINITY), definition.max.unwrap_or(f64::INFINITY));
            if definition.kind == DecodeParameterType::Integer && n.fract() != 0.0 {
                return Err("it wants a whole number".into());
            }
            if (min..=max).contains(&n) { Ok(()) } else { Err(format!("it allows {min} to {max}")) }
        }
        DecodeParameterType::Choice if !definition.choices.iter().any(|c| c.value == *value) => {
            let known: Vec<String> = definition.choices.iter().map(|c| c.value.to_string()).collect();
            Err(format!("it allows {}", Short(known.join(", "), 1000)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposure_index_is_not_taken_for_exposure() {
        let parameter = |parameter: &str, label: &str| DecodeParameterDefinition {
            parameter: parameter.into(),
            label: label.into(),
            kind: DecodeParameterType::Float,
            default: Value::Null,
            min: None,
            max: None,
            choices: Vec::new(),
        };
        let recipe = Recipe {
            exposure: Some(1.0),
            white: None,
            layers: Vec::new(),
            working_space: None,
            outputs: Vec::new(),
            debayers: false,
        };
        let mut probe = Probe { codec: "ARRIRAW".into(), parameters: vec![parameter("EI", "Exposure Index (ASA)")] };
        let e = probe.decode(&recipe, &Settings::default()).unwrap_err().to_string();
        assert!(e.contains("has no parameter for exposure"), "{e}");
        probe.parameters.push(parameter("Gain", "Exposure Adjust"));
        let asked = probe.decode(&recipe, &Settings::default()).unwrap();
        assert_eq!(asked.keys().collect::<Vec<_>>(), ["Gain"]);
    }
}
