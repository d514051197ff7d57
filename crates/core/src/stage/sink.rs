//! Stages that make files of finished rows.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClipRef, StageInfo};
use crate::deliver::{AtomicFile, Existing};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Band, FrameFormat, ImageState};
use crate::media::{Digest, Finding, FrameRange};

/// Where and for what a sink works.
#[derive(Debug, Clone)]
pub struct SinkContext {
    /// The clip that is being made.
    pub clip: ClipRef,
    /// The frames of this unit.
    pub range: FrameRange,
    /// The frames that will come: the unit's, without those whose outputs stand already.
    pub to_make: Vec<FrameRange>,
    /// The folder outputs go to; a sink makes its own sub-folder where it wants one.
    pub out: PathBuf,
    /// What becomes of files that have the names of outputs.
    pub existing: Existing,
}

/// One finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputFile {
    /// What it is: `plate`, `proxy`, `still`.
    pub role: String,
    /// Its path below the output folder, with forward slashes.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
    /// The frames it holds.
    pub frames: FrameRange,
}

/// Makes files of frames.
pub trait Sink: StageInfo {
    /// The state it takes.
    fn input(&self) -> ImageState;

    /// Checks at plan time that frames of `input` of this clip can be written; says why not. What it needs of the machine
    /// is the matter of [`Sink::check_here`].
    fn check(&self, clip: &ClipRef, input: &FrameFormat) -> Result<()>;

    /// Checks at plan time that this machine has what the sink runs, such as a program; says what is missing. Asked for
    /// clips that this machine decodes ([`Source::decodes_here`](super::Source::decodes_here)): the outputs of others
    /// are made elsewhere. Default: it needs nothing.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    fn check_here(&self) -> Result<()> {
        Ok(())
    }

    /// What somebody should know before outputs of this clip are made: a movie without timecode
    /// will not relink. Default: nothing.
    fn findings(&self, clip: &ClipRef) -> Vec<Finding> {
        let _ = clip;
        Vec::new()
    }

    /// The frames of `range` it wants; a still may want one of many. Default: all.
    fn wants(&self, clip: &ClipRef, range: FrameRange, frame: i64) -> bool {
        let _ = (clip, range, frame);
        true
    }

    /// True when all frames of a clip must go through one unit (a movie), false when a unit
    /// may hold any part of it (a file sequence).
    fn whole_clip(&self) -> bool;

    /// The paths it will write for `range`, below the output folder, with forward slashes.
    fn outputs(&self, clip: &ClipRef, range: FrameRange) -> Vec<String>;

    /// Bytes it holds per frame in flight.
    fn bytes_needed(&self, input: &FrameFormat) -> u64;

    /// Opens the outputs of a unit under temporary names. `first` is the format of the first
    /// frame; later frames have the same size.
    fn open(&self, cx: &SinkContext, first: &FrameFormat) -> Result<Box<dyn SinkWriter>>;
}

/// An open sink. Frames are encoded side by side by [`SinkWriter::frame`] and committed in order.
pub trait SinkWriter: Send + Sync {
    /// Starts a frame.
    fn frame(&self, format: &FrameFormat) -> Result<Box<dyn FrameSink>>;

    /// Takes what [`FrameSink::finish`] gave. Called once per frame, in frame order, from one thread at a time.
    fn commit(&mut self, frame: i64, encoded: Encoded) -> Result<Vec<OutputFile>>;

    /// Ends the unit: writes what remains, syncs, and gives the outputs their final names.
    fn finish(self: Box<Self>) -> Result<Vec<OutputFile>>;

    /// Ends the unit without result and removes every temporary file.
    fn abort(self: Box<Self>);
}

/// A finished frame that waits for its turn.
#[derive(Debug)]
pub enum Encoded {
    /// The bytes of a frame, for a file that holds many.
    Bytes(Vec<u8>),
    /// A file of its own, complete and synced, that only wants its name. Dropped, it vanishes.
    File(AtomicFile),
}

impl Encoded {
    /// The bytes, for a writer whose frames give nothing else.
    ///
    /// # Errors
    /// When it is a file.
    pub fn bytes(self) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File(_) => {
                Err(Error::new(ErrorKind::Invalid, "a file came where the bytes of a frame were expected"))
            }
        }
    }
}

/// One frame on its way into a file.
pub trait FrameSink: Send {
    /// Takes the next rows, top to bottom.
    fn rows(&mut self, band: &Band<'_>) -> Result<()>;

    /// Ends the frame and gives what its sink's writer will take.
    fn finish(self: Box<Self>) -> Result<Encoded>;
}
