//! What the tests share: a small synthetic card, and a place for outputs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes::core::frame::FrameFormat;
use rushes::core::graph::{AnyStage, Registry};
use rushes::core::run::Outcome;
use rushes::core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes::recipes::Dailies;
use rushes::stages::ingest::dng::DngSource;
use rushes::{Done, Error, ErrorKind, Job, Result};
use rushes_testcard::{Card, CardSpec};

/// A card in a folder that vanishes with it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) card: Card,
    pub(crate) spec: CardSpec,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = CardSpec::tiny();
        let card = Card::write(&folder.path().join("card"), spec).unwrap();
        Self { folder, card, spec }
    }

    /// A path beside the card.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn job(&self, recipe: &Dailies, out: &str) -> Job {
        Job::new(recipe.workflow(), &self.card.root, self.path(out))
    }
}

/// Small plates, frames held: what most tests want.
pub(crate) fn recipe() -> Dailies {
    Dailies { exr: "zip".into(), on_bad_frame: "hold".into(), ..Dailies::default() }
}

/// Every unit of a job is done.
pub(crate) fn expect_done(done: &Done) {
    for unit in &done.report.units {
        assert_eq!(unit.outcome, Outcome::Done, "{}: {:?}", unit.unit, unit.findings);
    }
    assert!(!done.report.units.is_empty(), "{:?}", done.report.findings);
}

/// The stock decoder, with frames that look whole and are not.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Damaged {
    frames: Vec<i64>,
    panics: bool,
    kind: Option<ErrorKind>,
    /// Set once the frames are whole.
    #[serde(skip)]
    healed: Arc<AtomicBool>,
}

struct DamagedReader(Damaged, Box<dyn ClipReader>);

/// The stock stages with [`Damaged`] in the decoder's place.
pub(crate) fn damaged(frames: &[i64], panics: bool) -> Registry {
    with_decoder(Damaged { frames: frames.to_vec(), panics, ..Damaged::default() })
}

/// The same with errors of a kind.
pub(crate) fn damaged_by(frames: &[i64], kind: ErrorKind) -> Registry {
    with_decoder(Damaged { frames: frames.to_vec(), kind: Some(kind), ..Damaged::default() })
}

/// The same until `healed` is set.
pub(crate) fn damaged_until(frames: &[i64], healed: &Arc<AtomicBool>) -> Registry {
    with_decoder(Damaged { frames: frames.to_vec(), healed: Arc::clone(healed), ..Damaged::default() })
}

fn with_decoder(damaged: Damaged) -> Registry {
    let mut registry = rushes::registry();
    registry.with("decode", move |_| Ok(AnyStage::source(damaged.clone())));
    registry
}

impl StageInfo for Damaged {
    fn name(&self) -> &'static str {
        "decode"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Source for Damaged {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        DngSource::default().accepts(clip)
    }
    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        Ok(Box::new(DamagedReader(self.clone(), DngSource::default().open(clip)?)))
    }
}

impl ClipReader for DamagedReader {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        self.1.format(frame)
    }
    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        self.1.bytes_needed(frame)
    }
    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        if self.0.frames.contains(&frame) && !self.0.healed.load(Ordering::Relaxed) {
            assert!(!self.0.panics, "the decoder panics on purpose");
            let kind = self.0.kind.unwrap_or(ErrorKind::BadMedia);
            return Err(Error::new(kind, "a Huffman code that is in no table"));
        }
        self.1.decode(frame)
    }
}
