//! Levels into codes (RDD 36, 7.1.1).

use super::bits::BitWriter;
use super::transform::Tile;

/// Codes the first `blocks` blocks of `tile`: the lowest coefficient of each, then the others, coefficient by
/// coefficient, as runs of zeros and what ends them. Zeros at the end are not coded.
pub(super) fn component(tile: &Tile, blocks: usize, out: &mut BitWriter) {
    lowest(&tile.levels[0][..blocks], out);
    let lanes = u32::MAX >> (32 - blocks);
    let (mut run, mut run_book, mut level_book) = (0, RUN_BOOKS[4], LEVEL_BOOKS[1]);
    for (levels, set) in tile.levels.iter().zip(&tile.set).skip(1) {
        let (mut set, mut next) = (set & lanes, 0);
        while set != 0 {
            let lane = set.trailing_zeros();
            set &= set - 1;
            run += lane - next;
            next = lane + 1;
            let level = levels[lane as usize];
            let symbol = u32::from(level.unsigned_abs()) - 1;
            put(run_book, run, out);
            put(level_book, symbol, out);
            out.put(u32::from(level < 0), 1);
            run_book = RUN_BOOKS[run.min(15) as usize];
            level_book = LEVEL_BOOKS[symbol.min(8) as usize];
            run = 0;
        }
        run += blocks as u32 - next;
    }
}

/// The first as it is, the others as differences; a difference is coded with its sign turned when the one before
/// was negative.
fn lowest(levels: &[i16], out: &mut BitWriter) {
    let Some((&first, rest)) = levels.split_first() else { return };
    put(Book::EXP5, folded(i32::from(first)), out);
    let (mut before, mut size, mut turned) = (i32::from(first), 3, false);
    for &level in rest {
        let difference = i32::from(level) - before;
        put(LOWEST_BOOKS[size], folded(if turned { -difference } else { difference }), out);
        // Nothing has no sign.
        turned = difference < 0;
        size = (difference.unsigned_abs() as usize).min(3);
        before = i32::from(level);
    }
}

/// 0, -1, 1, -2, 2, ... as 0, 1, 2, 3, 4, ...
fn folded(v: i32) -> u32 {
    (v << 1 ^ v >> 31) as u32
}

#[inline(always)]
fn put(book: Book, value: u32, out: &mut BitWriter) {
    let (bits, len) = match CODES[book.0 as usize].get(value as usize) {
        Some(code) => *code,
        None => book.code(value),
    };
    out.put(bits, u32::from(len));
}

/// A code for small numbers: Golomb-Rice of order `rice` while the quotient is at most `last`, then exponential
/// Golomb of order `exp` (RDD 36, 7.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Book(u8);

impl Book {
    /// `(last, rice, exp)`. Exponential Golomb codes of order k are those that change over at once, of orders k and k + 1.
    #[rustfmt::skip]
    const ALL: [(u32, u32, u32); 10] = [
        (0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 5, 6),
        (2, 0, 1), (1, 0, 1), (1, 1, 2), (2, 0, 2), (1, 2, 3),
    ];
    const EXP0: Self = Self(0);
    const EXP1: Self = Self(1);
    const EXP2: Self = Self(2);
    const EXP3: Self = Self(3);
    const EXP5: Self = Self(4);
    const RICE_2_0_1: Self = Self(5);
    const RICE_1_0_1: Self = Self(6);
    const RICE_1_1_2: Self = Self(7);
    const RICE_2_0_2: Self = Self(8);
    const RICE_1_2_3: Self = Self(9);

    /// The bits of `value` and how many they are.
    const fn code(self, value: u32) -> (u32, u8) {
        let (last, rice, exp) = Self::ALL[self.0 as usize];
        let limit = (last + 1) << rice;
        if value < limit {
            // So many zeros, a one, and the remainder.
            let zeros = value >> rice;
            return (1 << rice | value & ((1 << rice) - 1), (zeros + 1 + rice) as u8);
        }
        let beyond = value - limit + (1 << exp);
        let size = beyond.ilog2();
        (beyond, (size - exp + last + 1 + size + 1) as u8)
    }
}

/// The codes of the first numbers of each book.
static CODES: [[(u32, u8); 64]; 10] = {
    let mut codes = [[(0, 0); 64]; 10];
    let mut book = 0;
    while book < 10 {
        let mut value = 0;
        while value < 64 {
            codes[book][value] = Book(book as u8).code(value as u32);
            value += 1;
        }
        book += 1;
    }
    codes
};

/// By the size of the difference before, up to 3 (table 9).
const LOWEST_BOOKS: [Book; 4] = [Book::EXP0, Book::EXP1, Book::RICE_1_2_3, Book::EXP3];

/// By the run before, up to 15 (table 10).
const RUN_BOOKS: [Book; 16] = {
    let (a, b, c) = (Book::RICE_2_0_1, Book::RICE_1_0_1, Book::RICE_1_1_2);
    let (d, e, f) = (Book::EXP0, Book::EXP1, Book::EXP2);
    [a, a, b, b, d, c, c, c, c, e, e, e, e, e, e, f]
};

/// By the level before less 1, up to 8 (table 11).
const LEVEL_BOOKS: [Book; 9] = {
    let (a, b, c) = (Book::RICE_2_0_2, Book::RICE_1_0_1, Book::RICE_2_0_1);
    let (d, e, f) = (Book::EXP0, Book::EXP1, Book::EXP2);
    [a, b, c, d, e, e, e, e, f]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_definition() {
        // Exponential Golomb of order 0: 1, 010, 011, 00100; of order 2: 100, 101, 110, 111, 01000.
        let text = |book: Book, value| {
            let (bits, len) = book.code(value);
            format!("{bits:0len$b}", len = usize::from(len))
        };
        let some =
            |book: Book, values: std::ops::Range<u32>| values.map(|v| text(book, v)).collect::<Vec<_>>().join(" ");
        assert_eq!(some(Book::EXP0, 0..5), "1 010 011 00100 00101");
        assert_eq!(some(Book::EXP2, 0..6), "100 101 110 111 01000 01001");
        // Up to a quotient of 2 in ones, then of order 1 behind three zeros.
        assert_eq!(some(Book::RICE_2_0_1, 0..6), "1 01 001 00010 00011 0000100");
        assert_eq!(some(Book::RICE_1_1_2, 0..6), "10 11 010 011 00100 00101");
    }

    #[test]
    fn no_code_begins_another() {
        for book in (0..10).map(Book) {
            let codes: Vec<String> = (0..200)
                .map(|v| {
                    let (bits, len) = book.code(v);
                    format!("{bits:0len$b}", len = usize::from(len))
                })
                .collect();
            for (i, a) in codes.iter().enumerate() {
                assert!(codes.iter().enumerate().all(|(j, b)| i == j || !b.starts_with(a.as_str())), "{book:?} {i}");
            }
        }
    }
}
