//! Single frames in memory, as fast as they come: what a viewer or a plug-in asks for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::Array3;
use rushes_core::error::{guarded, panic_message};
use rushes_core::frame::{Band, FrameFormat, ImageState, Pool};
use rushes_core::graph::{AnyStage, Port, Registry};
use rushes_core::media::FrameRange;
use rushes_core::plan::{PreparedTree, Tree, UnitNode};
use rushes_core::stage::{ClipReader, ClipRef, Sink, SinkContext, SinkWriter, SourceFrame, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::walk::{RowTaker, Walk};

/// An open clip and the stages its frames go through, of which the last gives pictures in memory.
///
/// The rows of a frame are shared among threads: the shortest time to one frame, not the most frames a
/// second. Between calls nothing is kept but the open clip and some rows of memory; frames may be asked for in any order and from
/// several threads.
#[derive(Debug)]
pub struct Preview {
    tree: Tree,
    reader: Reader,
    threads: usize,
    clip: String,
    memory: Pool<f32>,
}

/// A decoded frame and the stages before it.
pub struct Decoded {
    /// Its rows.
    pub rows: Box<dyn SourceFrame>,
    /// The preview's stages, readied for it. The last node takes the picture.
    pub tree: PreparedTree,
}

struct Reader(Box<dyn ClipReader>);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Preview {
    /// Opens `clip` with the stages of `chain`: their names in `registry` and their parameters, a source first, then
    /// frame stages, each of which takes what the one before it gives.
    ///
    /// # Errors
    /// When a stage is not registered, its parameters do not fit or neighbours do not; and when the source does not
    /// take the clip.
    pub fn open(registry: &Registry, clip: &ClipRef, chain: &[(&str, Value)]) -> Result<Self> {
        let doing = |e: Error| e.doing("opening a preview").clip(&clip.name);
        let mut nodes = Vec::with_capacity(chain.len() + 1);
        let mut state = None;
        for (i, (name, params)) in chain.iter().enumerate() {
            let stage = registry.make(name, params.clone()).map_err(doing)?;
            state = match stage.gives() {
                Port::Frames(state) => Some(state),
                _ => None,
            };
            nodes.push(node(i, name, stage.info().version(), params.clone()));
        }
        let Some(state) = state else {
            return Err(doing(Error::new(ErrorKind::Invalid, "the last stage gives no picture"))
                .advice("end the chain with a frame stage"));
        };
        let mut registry = registry.clone();
        registry.with(KEPT, move |_| Ok(AnyStage::sink(Kept(state))));
        nodes.push(node(chain.len(), KEPT, 1, Value::Null));
        let tree = Tree::make(&nodes, &registry).map_err(doing)?;
        tree.source().accepts(clip).map_err(doing)?;
        let reader = Reader(tree.source().open(clip).map_err(doing)?);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { tree, reader, threads, clip: clip.name.clone(), memory: Pool::default() })
    }

    /// Threads that share the rows of a frame, at least one; one for each core if not said.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The clip's name.
    pub fn clip(&self) -> &str {
        &self.clip
    }

    /// The picture of `frame`: its format, and its samples as (planes, rows, columns).
    ///
    /// # Errors
    /// When the frame is not there, is damaged, or lacks a fact that a stage needs.
    pub fn frame(&self, frame: i64) -> Result<(FrameFormat, Array3<f32>)> {
        let mut picture = Array3::default((0, 0, 0));
        Ok((self.frame_into(frame, &mut picture)?, picture))
    }

    /// As [`Preview::frame`], into a picture that was used before: its memory is taken over where the size is the
    /// same, which is faster than fresh memory. What it holds after an error is unspecified.
    ///
    /// # Errors
    /// As [`Preview::frame`].
    pub fn frame_into(&self, frame: i64, picture: &mut Array3<f32>) -> Result<FrameFormat> {
        let run = || {
            let Decoded { rows, tree } = self.decoded(frame)?;
            self.picture(&tree, &[(0, rows.as_ref())], picture)
        };
        guarded("a stage of the preview", run).map_err(|e| self.context(e, frame))
    }

    /// A frame before its stages, for those that compute some of them elsewhere; then comes [`Preview::finish`].
    ///
    /// # Errors
    /// As [`Preview::frame`].
    pub fn decode(&self, frame: i64) -> Result<Decoded> {
        guarded("a stage of the preview", || self.decoded(frame)).map_err(|e| self.context(e, frame))
    }

    /// The picture of `frame` by the rows of some nodes of its tree, as [`Walk::from_given`] takes them.
    ///
    /// # Errors
    /// As [`Preview::frame`].
    pub fn finish(
        &self,
        frame: i64,
        tree: &PreparedTree,
        rows: &[(usize, &dyn SourceFrame)],
        picture: &mut Array3<f32>,
    ) -> Result<FrameFormat> {
        let run = || self.picture(tree, rows, picture);
        guarded("a stage of the preview", run).map_err(|e| self.context(e, frame))
    }

    fn decoded(&self, frame: i64) -> Result<Decoded> {
        let rows = self.reader.0.decode(frame)?;
        let tree = self.tree.prepare(&rows.format(), |_| true)?;
        Ok(Decoded { rows, tree })
    }

    fn context(&self, e: Error, frame: i64) -> Error {
        e.doing("making a preview").clip(&self.clip).frame(frame)
    }

    fn picture(
        &self,
        prepared: &PreparedTree,
        rows: &[(usize, &dyn SourceFrame)],
        picture: &mut Array3<f32>,
    ) -> Result<FrameFormat> {
        let format = prepared.nodes.last().map(|n| n.format.clone());
        let format = format.ok_or_else(|| Error::new(ErrorKind::Invalid, "a chain without stages"))?;
        let (planes, height, width) = (format.planes(), format.height, format.width);
        if picture.dim() != (planes, height, width) || !picture.is_standard_layout() {
            *picture = Array3::default((planes, height, width));
        }
        // It is in standard layout.
        let data = picture.as_slice_mut().unwrap_or_default();
        let shares = self.threads.min(height);
        // Each share has its rows of every plane.
        let mut parts: Vec<Part<'_>> = (0..shares).map(|_| Part::default()).collect();
        for mut plane in data.chunks_exact_mut(height * width) {
            for (share, part) in parts.iter_mut().enumerate() {
                let rows = height * (share + 1) / shares - height * share / shares;
                let (mine, rest) = plane.split_at_mut(rows * width);
                part.first = height * share / shares;
                part.planes.push(mine);
                plane = rest;
            }
        }
        std::thread::scope(|scope| {
            let work =
                |(share, mut part): (usize, Part<'_>)| walked(prepared, rows, &self.memory, (share, shares), &mut part);
            let mut parts = parts.into_iter().enumerate();
            let first = parts.next();
            let others: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
            let mine = first.map_or(Ok(()), work);
            others.into_iter().map(|t| t.join().unwrap_or_else(|p| Err(panicked(p.as_ref())))).fold(mine, Result::and)
        })?;
        Ok(format)
    }
}

fn node(i: usize, stage: &str, version: u32, params: Value) -> UnitNode {
    UnitNode { id: format!("{stage}-{i}"), stage: stage.to_owned(), version, from: i.checked_sub(1), params }
}

fn walked(
    prepared: &PreparedTree,
    rows: &[(usize, &dyn SourceFrame)],
    memory: &Pool<f32>,
    share: (usize, usize),
    part: &mut Part<'_>,
) -> Result<()> {
    let mut walk = Walk::from_given(prepared, rows, memory, share);
    let walked = catch_unwind(AssertUnwindSafe(|| walk.run(part, &|| true)));
    walked.unwrap_or_else(|p| Err(panicked(p.as_ref())))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    Error::new(ErrorKind::Panicked, format!("a stage panicked: {}", panic_message(panic)))
        .advice("this is a bug of the stage: report it with the frame")
}

/// Rows of a picture, plane by plane, from row `first` on.
#[derive(Default)]
struct Part<'a> {
    first: usize,
    planes: Vec<&'a mut [f32]>,
}

impl RowTaker for Part<'_> {
    fn take(&mut self, _: usize, band: &Band<'_>) -> Result<()> {
        for (plane, to) in self.planes.iter_mut().enumerate() {
            for row in band.rows() {
                let at = (row - self.first) * band.width();
                to[at..at + band.width()].copy_from_slice(band.row(plane, row));
            }
        }
        Ok(())
    }
}

/// The name of the chain's end; no workflow has it.
const KEPT: &str = "(in memory)";

/// Ends a chain; rows are taken from the walk.
#[derive(Debug)]
struct Kept(ImageState);

impl StageInfo for Kept {
    fn name(&self) -> &'static str {
        KEPT
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        Value::Null
    }
}

impl Sink for Kept {
    fn input(&self) -> ImageState {
        self.0
    }
    fn check(&self, _: &ClipRef, _: &FrameFormat) -> Result<()> {
        Ok(())
    }
    fn whole_clip(&self) -> bool {
        false
    }
    fn outputs(&self, _: &ClipRef, _: FrameRange) -> Vec<String> {
        Vec::new()
    }
    fn bytes_needed(&self, input: &FrameFormat) -> u64 {
        input.bytes()
    }
    fn open(&self, _: &SinkContext, _: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        Err(Error::new(ErrorKind::Unsupported, "a picture in memory is no file"))
    }
}

#[cfg(test)]
mod tests {
    use rushes_core::conformance::stages::{self, Pattern};
    use rushes_core::media::{ClipFormat, ClipMedia};
    use serde_json::json;

    use super::*;

    fn clip() -> ClipRef {
        ClipRef {
            name: "CLIP".into(),
            format: ClipFormat::CinemaDng,
            media: ClipMedia::Files(Vec::new()),
            range: None,
            metadata: std::sync::Arc::default(),
            substitutes: Vec::new(),
        }
    }

    fn chain(pattern: &Pattern) -> [(&'static str, Value); 3] {
        let pattern = serde_json::to_value(pattern).unwrap();
        [("test-pattern", pattern), ("test-blur", json!({ "radius": 3 })), ("test-half", json!({}))]
    }

    #[test]
    fn any_number_of_threads_gives_the_same_picture() {
        let pattern = Pattern { width: 21, height: 90, ..Pattern::default() };
        let open = || Preview::open(&stages::registry(), &clip(), &chain(&pattern)).unwrap();
        let (format, one) = open().threads(1).frame(4).unwrap();
        assert_eq!((format.width, format.height, format.facts.frame), (21, 45, 4));
        // The mean of two rows, each of them of seven.
        let mean = |row: usize, col: usize| {
            let of = |r: usize| (r - 3..=r + 3).map(|r| Pattern::sample(4, r, col)).sum::<f32>() / 7.0;
            (of(2 * row) + of(2 * row + 1)) / 2.0
        };
        assert!((one[[0, 20, 7]] - mean(20, 7)).abs() < 1e-2, "{}, not {}", one[[0, 20, 7]], mean(20, 7));
        let mut again = Array3::from_elem((3, 2, 1), 9.0).permuted_axes([2, 0, 1]);
        for threads in [2, 3, 7, 45, 100] {
            assert_eq!(open().threads(threads).frame(4).unwrap().1, one, "{threads}");
            let at = (again.dim() == one.dim()).then(|| again.as_ptr());
            assert_eq!(open().threads(threads).frame_into(4, &mut again).unwrap().height, 45);
            assert_eq!(again, one, "{threads}");
            assert!(at.is_none_or(|at| at == again.as_ptr()), "the memory is taken over");
        }
    }

    #[test]
    fn what_goes_wrong_is_an_error_with_the_frame() {
        let fails = Pattern { fail_at: Some(2), panic_at: Some(3), ..Pattern::default() };
        let preview = Preview::open(&stages::registry(), &clip(), &chain(&fails)).unwrap();
        for (frame, says) in [(2, "damaged on purpose"), (3, "panics on purpose")] {
            let e = preview.frame(frame).unwrap_err();
            assert!(e.to_string().contains(says) && e.frame_number() == Some(frame), "{e}");
        }
        assert!(preview.frame(1).is_ok());
        let e = Preview::open(&stages::registry(), &clip(), &[("no-such-stage", json!({}))]).unwrap_err();
        assert!(e.to_string().contains("no-such-stage"), "{e}");
        assert!(Preview::open(&stages::registry(), &clip(), &[]).is_err());
    }
}
