//! Programs: what a stage computes, as WGSL.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rushes_core::media::Digest;

/// The computation of a stage as WGSL text, and the passes it takes.
///
/// A text stands after the prelude ([`PRELUDE`]), which declares the bindings and how samples are addressed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program {
    /// The text, without the prelude.
    pub wgsl: Cow<'static, str>,
    /// Invocations of a workgroup, columns and rows: `WG_X` and `WG_Y` of the text.
    pub workgroup: [u32; 2],
    /// The passes, in their order; the last writes the output.
    pub passes: Vec<Pass>,
}

/// One dispatch over the rows of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pass {
    /// The entry point.
    pub entry: &'static str,
    /// Planes that it writes for the pass after it; 0 when it writes the stage's output.
    pub scratch_planes: usize,
    /// The rows that it writes.
    pub rows: Rows,
    /// How wide they are.
    pub columns: Columns,
    /// Pixels that one invocation computes, columns and rows. Blocks are aligned to the frame.
    pub block: [u32; 2],
}

/// The rows that a pass writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Those of the output.
    Output,
    /// Those of the output and this many above and below, as far as the output's frame goes.
    Halo(usize),
    /// Those of the input, by its kernel's `input_rows`.
    Input,
}

/// How wide the rows are that a pass writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Columns {
    /// As wide as the output's.
    Output,
    /// As wide as the input's.
    Input,
}

/// What stands before the text of every program, after the constants `WG_X` and `WG_Y`.
pub const PRELUDE: &str = include_str!("prelude.wgsl");

impl Program {
    /// A program of one pass, `main`, in workgroups of 16 x 16.
    pub fn new(wgsl: impl Into<Cow<'static, str>>) -> Self {
        Self { wgsl: wgsl.into(), workgroup: [16, 16], passes: Vec::new() }
    }

    /// In workgroups of `columns` x `rows` invocations.
    pub fn workgroup(mut self, columns: u32, rows: u32) -> Self {
        self.workgroup = [columns, rows];
        self
    }

    /// With `pass` after those it has. Without any it has one, `Pass::output("main")`.
    pub fn pass(mut self, pass: Pass) -> Self {
        self.passes.push(pass);
        self
    }

    /// Its passes.
    pub(crate) fn all_passes(&self) -> Cow<'_, [Pass]> {
        if self.passes.is_empty() { Cow::Owned(vec![Pass::output("main")]) } else { Cow::Borrowed(&self.passes) }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let [x, y] = self.workgroup;
        format!("const WG_X: u32 = {x}u;\nconst WG_Y: u32 = {y}u;\n{PRELUDE}\n{}", self.wgsl)
    }
}

impl Pass {
    /// A pass that writes the output.
    pub const fn output(entry: &'static str) -> Self {
        Self { entry, scratch_planes: 0, rows: Rows::Output, columns: Columns::Output, block: [1, 1] }
    }

    /// A pass that writes `planes` planes for the one after it.
    pub const fn scratch(entry: &'static str, planes: usize, rows: Rows) -> Self {
        Self { entry, scratch_planes: planes, rows, columns: Columns::Output, block: [1, 1] }
    }

    /// As wide as `columns` says.
    pub const fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }

    /// With invocations that compute `columns` x `rows` pixels each.
    pub const fn block(mut self, columns: u32, rows: u32) -> Self {
        self.block = [columns, rows];
        self
    }
}

/// Programs by the name that [`rushes_core::stage::DeviceWork`] gives. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Programs(BTreeMap<Cow<'static, str>, Arc<Program>>);

impl Programs {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of the stages that come with Rushes.
    pub fn stock() -> Self {
        crate::programs::all().into_iter().fold(Self::none(), |all, (name, program)| all.with(name, program))
    }

    /// With `program` under `name`, in place of one of the same name.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, program: Program) -> Self {
        self.0.insert(name.into(), Arc::new(program));
        self
    }

    /// The program called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<Program>> {
        self.0.get(name)
    }

    /// A digest of all texts: programs of another digest may give other numbers.
    pub fn digest(&self) -> Digest {
        let texts = self.0.iter().map(|(name, program)| format!("{name}\n{}\n{:?}\n", program.text(), program.passes));
        Digest::xxh64(texts.collect::<String>().as_bytes())
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }
}
