//! How large the buffers of a layout are, and what is written into them once.

use std::ops::Range;

use crate::layout::{Layout, Placed, Span, Strip};

/// Sizes in bytes, and which buffers are shared by what is not needed at the same time.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    /// Of each strip: its rows, with the first the words of all nodes, and its number.
    pub(crate) uploads: Vec<u64>,
    /// Of each strip: the rows that come back, and its number.
    pub(crate) reads: Vec<u64>,
    /// Where the words of each node begin, and how many bytes there are in all.
    pub(crate) words_at: Vec<u64>,
    pub(crate) words: u64,
    pub(crate) geometry: u64,
    /// The buffers that rows lie in.
    pub(crate) shared: Vec<u64>,
    /// Which of them hold the frame's rows, those of each node, and the scratch planes of each of its passes.
    pub(crate) source: usize,
    pub(crate) outputs: Vec<usize>,
    pub(crate) scratch: Vec<Vec<usize>>,
}

/// Bytes between the geometries of two passes: as far as any GPU wants them apart.
const GEOMETRY_STEP: u64 = 256;

/// Bytes of the number of a strip: the last of what it brings, and of what it gives back.
pub(crate) const NUMBER_BYTES: u64 = 8;

impl Sizes {
    pub(crate) fn of(layout: &Layout, limits: &wgpu::Limits) -> Self {
        let mut sizes = Self::default();
        let step = u64::from(limits.min_storage_buffer_offset_alignment).max(4);
        for node in &layout.nodes {
            sizes.words_at.push(sizes.words);
            sizes.words += (node.words.max(1) as u64 * 4).next_multiple_of(step);
        }
        let rows = |s: &Strip| layout.source.bytes(s.source.len());
        sizes.uploads = layout.strips.iter().map(|s| rows(s) + NUMBER_BYTES).collect();
        if let Some(first) = sizes.uploads.first_mut() {
            *first += sizes.words;
        }
        let read = |s: &Strip| Some(s.read_bytes(layout)).filter(|b| *b > 0).map_or(0, |b| b + NUMBER_BYTES);
        sizes.reads = layout.strips.iter().map(read).collect();
        let passes: usize = layout.nodes.iter().map(|n| n.compiled.passes.len()).sum();
        sizes.geometry = (layout.strips.len() * passes) as u64 * GEOMETRY_STEP;
        sizes.share(layout);
        sizes
    }

    /// All of them together.
    pub(crate) fn bytes(&self) -> u64 {
        let sums = [&self.uploads, &self.reads, &self.shared].map(|s| s.iter().sum::<u64>());
        sums.iter().sum::<u64>() + self.words + self.geometry
    }

    /// The largest.
    pub(crate) fn largest(&self) -> u64 {
        self.uploads.iter().chain(&self.reads).chain(&self.shared).copied().max().unwrap_or(0)
    }

    /// Follows the order of the work: a buffer is free again when the last that reads it is done.
    fn share(&mut self, layout: &Layout) {
        let most = |bytes: &dyn Fn(&Strip) -> u64| layout.strips.iter().map(bytes).max().unwrap_or(0);
        let mut free: Vec<usize> = Vec::new();
        let mut readers: Vec<usize> =
            (0..layout.nodes.len()).map(|i| layout.nodes.iter().filter(|n| n.from == Some(i)).count()).collect();
        let mut of_source = layout.nodes.iter().filter(|n| n.from.is_none()).count();
        self.source = self.take(&mut free, most(&|s| layout.source.bytes(s.source.len())));
        for (i, node) in layout.nodes.iter().enumerate() {
            let size = |pass: usize| most(&|s: &Strip| s.passes[i].get(pass).map_or(0, Span::bytes));
            let last = node.compiled.passes.len() - 1;
            let mut scratch: Vec<usize> = Vec::new();
            for pass in 0..last {
                scratch.push(self.take(&mut free, size(pass)));
                // The one before the one before is done with.
                free.extend(pass.checked_sub(2).map(|p| scratch[p]));
            }
            let out = self.take(&mut free, size(last));
            free.extend(scratch.iter().skip(last.saturating_sub(2)));
            self.outputs.push(out);
            self.scratch.push(scratch);
            let left = node.from.map_or(&mut of_source, |f| &mut readers[f]);
            *left -= 1;
            if *left == 0 {
                free.push(node.from.map_or(self.source, |f| self.outputs[f]));
            }
            if readers[i] == 0 {
                free.push(out);
            }
        }
    }

    fn take(&mut self, free: &mut Vec<usize>, size: u64) -> usize {
        // The smallest that is large enough, else the largest, made larger.
        let fits = (0..free.len()).filter(|i| self.shared[free[*i]] >= size).min_by_key(|i| self.shared[free[*i]]);
        let best = fits.or_else(|| (0..free.len()).max_by_key(|i| self.shared[free[*i]]));
        let taken = match best {
            Some(i) => free.swap_remove(i),
            None => {
                self.shared.push(0);
                self.shared.len() - 1
            }
        };
        self.shared[taken] = self.shared[taken].max(size);
        taken
    }
}

/// The prelude's `Geometry` for every strip, node and pass.
pub(crate) fn geometries(layout: &Layout) -> Vec<u8> {
    let mut all = Vec::new();
    for strip in &layout.strips {
        for (i, node) in layout.nodes.iter().enumerate() {
            for pass in 0..node.compiled.passes.len() {
                let nothing = Span { planes: 0, width: 0, height: 0, rows: 0..0 };
                let span = |pass: Option<usize>| pass.and_then(|p| strip.passes[i].get(p)).unwrap_or(&nothing);
                let (dst, earlier) = (span(Some(pass)), span(pass.checked_sub(1)));
                let from = layout.size(node.from);
                let frame = |width: usize, rows: &Range<usize>, height: usize| [width, rows.start, rows.len(), height];
                let mut numbers: Vec<usize> = Vec::with_capacity(24);
                numbers.extend(frame(from.width, strip.of(node.from), from.height));
                numbers.extend(frame(dst.width, &dst.rows, dst.height));
                numbers.extend(frame(earlier.width, &earlier.rows, earlier.height));
                numbers.extend([from.planes, dst.planes, earlier.planes, node.tables.len()]);
                let starts = node.tables.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n)));
                numbers.extend(starts);
                let begun = all.len();
                all.extend(numbers.iter().flat_map(|n| (*n as u32).to_ne_bytes()));
                all.resize(begun + GEOMETRY_STEP as usize, 0);
            }
        }
    }
    all
}

/// Where the geometry of a pass lies.
pub(crate) fn geometry_at(layout: &Layout, strip: usize, node: usize, pass: usize) -> u32 {
    let of = |n: &Placed| n.compiled.passes.len();
    let a_strip: usize = layout.nodes.iter().map(of).sum();
    let before: usize = layout.nodes[..node].iter().map(of).sum();
    ((strip * a_strip + before + pass) as u64 * GEOMETRY_STEP) as u32
}

impl Strip {
    /// Bytes that come back.
    fn read_bytes(&self, layout: &Layout) -> u64 {
        layout.nodes.iter().zip(&self.read).map(|(n, rows)| n.size.bytes(rows.len())).sum()
    }

    /// Where among them those of `node` begin, in bytes.
    pub(crate) fn read_at(&self, layout: &Layout, node: usize) -> u64 {
        layout.nodes[..node].iter().zip(&self.read).map(|(n, rows)| n.size.bytes(rows.len())).sum()
    }
}
