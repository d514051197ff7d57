//! What a kernel computes, told to devices that cannot call it.

use std::sync::Arc;

/// The work of a kernel as data: the name of a program, and what it is to work with. A backend that has a program
/// of that name runs it in the kernel's place; one that has none leaves the stage to the CPU.
///
/// The words and tables of each program are documented where the kernel describes itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceWork {
    /// The program: the name of the stage, and of the method where there are several, `debayer-rcd`. It changes
    /// when words or tables change their meaning.
    pub program: &'static str,
    /// Numbers, one word each: integers, or the bits of an `f32`.
    pub words: Vec<u32>,
    /// Tables. Kernels share them from frame to frame, so that a device can tell by the address that it has one.
    pub tables: Vec<Arc<[f32]>>,
}

impl DeviceWork {
    /// For `program`, without words and tables.
    pub const fn new(program: &'static str) -> Self {
        Self { program, words: Vec::new(), tables: Vec::new() }
    }

    /// With one more integer.
    pub fn word(mut self, word: u32) -> Self {
        self.words.push(word);
        self
    }

    /// With more numbers, in their order.
    pub fn numbers(mut self, numbers: impl IntoIterator<Item = f32>) -> Self {
        self.words.extend(numbers.into_iter().map(f32::to_bits));
        self
    }

    /// With one more table.
    pub fn table(mut self, table: impl Into<Arc<[f32]>>) -> Self {
        self.tables.push(table.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_order() {
        let work = DeviceWork::new("test").word(7).numbers([1.0, -2.0]).word(9).table(vec![0.5]);
        assert_eq!(work.words, [7, 1f32.to_bits(), (-2f32).to_bits(), 9]);
        assert_eq!(*work.tables[0], [0.5]);
    }
}
