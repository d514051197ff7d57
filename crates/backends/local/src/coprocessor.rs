//! What computes stages in the CPU's place.

use rushes_core::Result;
use rushes_core::media::Finding;
use rushes_core::plan::PreparedTree;
use rushes_core::stage::SourceFrame;

/// A device that computes some stages of each frame. Decoding, the other stages and the sinks stay where they are,
/// and so does all that makes frames a unit: order, memory, cancellation, stand-ins, files.
pub trait Coprocessor: Send + Sync + std::fmt::Debug {
    /// A short name for reports: `gpu`. Time spent with it is told under this name.
    fn name(&self) -> &str;

    /// What reports say a unit ran on: `gpu (its model)`.
    fn ran_on(&self) -> String;

    /// Gets ready for a unit, by the tree of its first frame. Which nodes of a frame it computes must hang on nothing
    /// but that frame's tree: the same frame may be made in another unit, too.
    ///
    /// # Errors
    /// When it computes nothing of the first frame, or cannot work now.
    fn open(&self, tree: &PreparedTree) -> Result<Box<dyn OpenCoprocessor>>;
}

/// A device that is ready for the frames of a unit, several at the same time.
pub trait OpenCoprocessor: Send + Sync + std::fmt::Debug {
    /// What should be told about the unit when its frames are made: which of its stages it did not compute.
    fn findings(&self) -> Vec<Finding>;

    /// Computes its nodes of `tree`, readied for `source`, and gives the rows of those that others hang on. `goes_on`
    /// is to be asked while it waits.
    ///
    /// # Errors
    /// When the device fails, or `Cancelled` when `goes_on` is false.
    fn compute(
        &self,
        tree: &PreparedTree,
        source: &dyn SourceFrame,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<GivenRows>>;
}

/// A node and its rows.
pub type GivenRows = (usize, Box<dyn SourceFrame>);
