//! The stages that ship with the engine.

use rushes_core::frame::Mosaic;
use rushes_core::graph::{AnyStage, Clips, Registry, Takes};
use rushes_core::stage::{ClipReader, ClipRef, Source, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

/// A registry with every stock stage; add your own to it.
///
/// `ingest`, `validate`, `normalize`, `decode`, `linearize`, `debayer`, `input-transform`,
/// `convert`, `cdl`, `lut`, `output-transform`, `scale`, `exr`, `still`, `movie`.
pub fn registry() -> Registry {
    let mut r = Registry::new();
    r.clip::<rushes_ingest::Ingest>("ingest")
        .clip::<rushes_validate::Validate>("validate")
        .clip::<rushes_normalize::Normalize>("normalize")
        .with("decode", |v| {
            let Decode {} = serde_json::from_value(v)?;
            Ok(Decode {}.into_stage())
        })
        .frame::<rushes_color::Linearize>("linearize")
        .frame::<rushes_debayer::Debayer>("debayer")
        .frame::<rushes_color::InputTransform>("input-transform")
        .frame::<rushes_color::Convert>("convert")
        .frame::<rushes_color::Cdl>("cdl")
        .frame::<rushes_color::Lut>("lut")
        .frame::<rushes_color::OutputTransform>("output-transform")
        .frame::<rushes_proxy::Scale>("scale")
        .sink::<rushes_proxy::ExrPlate>("exr")
        .sink::<rushes_proxy::Still>("still")
        .sink::<rushes_proxy::movie::Movie>("movie");
    r
}

/// The source `decode`: every decoder of this build. It has no parameters.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decode {}

impl Takes<Clips> for Decode {
    type Gives = Mosaic;

    fn into_stage(self) -> AnyStage {
        AnyStage::source(Decoders::stock())
    }
}

/// The version of `decode`: raised when a decoder's is, as the test below demands.
const VERSION: u32 = 1;

/// Every decoder of this build; a clip goes to the first that takes it.
#[derive(Debug)]
struct Decoders(Vec<Box<dyn Source>>);

impl Decoders {
    fn stock() -> Self {
        Self(vec![
            Box::new(rushes_ingest::dng::DngSource::default()),
            Box::new(rushes_ingest::mlv::MlvSource::default()),
            #[cfg(feature = "rawloader")]
            Box::new(rushes_rawloader::RawloaderSource::default()),
        ])
    }

    fn find(&self, clip: &ClipRef) -> Result<&dyn Source> {
        if let Some(source) = self.0.iter().find(|source| source.accepts(clip).is_ok()) {
            return Ok(source.as_ref());
        }
        let format = serde_json::to_value(clip.format).unwrap_or_default();
        let what = format!("no decoder of this build takes {}", format.as_str().unwrap_or("it"));
        Err(Error::new(ErrorKind::Unsupported, what).clip(&clip.name))
    }
}

impl StageInfo for Decoders {
    fn name(&self) -> &'static str {
        "decode"
    }

    /// Counts every change of any decoder, also of those that this build leaves out: builds with
    /// and without them understand each other's units.
    fn version(&self) -> u32 {
        VERSION
    }

    fn params(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }
}

impl Source for Decoders {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        self.find(clip).map(drop)
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        self.find(clip)?.open(clip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_follows_those_of_the_decoders() {
        // Raise the number here, and `VERSION` with it.
        for source in Decoders::stock().0 {
            assert_eq!(source.version(), 1, "{source:?}");
        }
    }
}
