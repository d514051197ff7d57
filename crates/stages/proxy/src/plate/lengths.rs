//! How long the code of each value is: Huffman's rule.

/// The longest code that can be asked for.
pub(super) const LONGEST: usize = 27;

/// What codes are made from: values and how often they come.
pub(super) struct Lengths {
    /// How often in the upper half, value in the lower; `spare` has the same room.
    keys: Vec<u64>,
    spare: Vec<u64>,
    nodes: Vec<u32>,
}

impl Lengths {
    pub(super) fn new() -> Self {
        Self { keys: Vec::new(), spare: Vec::new(), nodes: Vec::new() }
    }

    /// Gives each of `counted`, at least two values with how often they come (once or more, together below 2^31),
    /// the length of its code, 1 to `longest` bits, such that all together take the fewest bits. Gives the number
    /// of codes of each length. `longest` is at most [`LONGEST`], and enough to tell all values apart.
    pub(super) fn find(
        &mut self,
        longest: usize,
        counted: impl Iterator<Item = (u32, u32)>,
        mut give: impl FnMut(u32, usize),
    ) -> [u32; LONGEST + 1] {
        self.keys.clear();
        self.keys.extend(counted.map(|(value, count)| u64::from(count) << 32 | u64::from(value)));
        self.sort();
        self.nodes.clear();
        self.nodes.extend(self.keys.iter().map(|key| (key >> 32) as u32));
        let mut of_length = depths(&mut self.nodes);
        // That long are codes of counts that grow like Fibonacci's numbers. Halved and rounded up, they grow slower.
        let mut halved = 0;
        while of_length.iter().skip(longest + 1).any(|n| *n > 0) {
            halved += 1;
            self.nodes.clear();
            self.nodes.extend(self.keys.iter().map(|key| ((key >> 32) >> halved) as u32 + 1));
            of_length = depths(&mut self.nodes);
        }
        let mut rising = self.keys.iter();
        for len in (1..=longest).rev() {
            rising.by_ref().take(of_length[len] as usize).for_each(|key| give(*key as u32, len));
        }
        std::array::from_fn(|len| of_length[len])
    }

    /// By count, equal ones in the order they came in: digit by digit from the lowest, 11 bits each.
    fn sort(&mut self) {
        const BITS: usize = 11;
        let most = self.keys.iter().map(|key| key >> 32).max().unwrap_or(0);
        self.spare.resize(self.keys.len(), 0);
        let mut shift = 32;
        while most >> (shift - 32) > 0 {
            let digit = |key: u64| (key >> shift) as usize & ((1 << BITS) - 1);
            let mut next = [0u32; 1 << BITS];
            for key in &self.keys {
                next[digit(*key)] += 1;
            }
            let mut sum = 0;
            for n in &mut next {
                (*n, sum) = (sum, sum + *n);
            }
            for key in &self.keys {
                let to = &mut next[digit(*key)];
                self.spare[*to as usize] = *key;
                *to += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.spare);
            shift += BITS;
        }
    }
}

/// The number of leaves at each depth of the tree that Huffman's rule makes of `counts`, at least two, rising.
///
/// In place (A. Moffat and J. Katajainen, "In-place calculation of minimum-redundancy codes", 1995): the counts of
/// inner nodes rise as well, so the two least of all are at the heads of two queues, and the count of a node that has
/// its parent is needed no more. Of equals the leaf is taken, which keeps the tree low.
fn depths(counts: &mut [u32]) -> [u32; 64] {
    let n = counts.len();
    let (mut inner, mut leaf) = (0, 0);
    for made in 0..n - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf < n && (inner == made || counts[leaf] <= counts[inner]) {
                sum += counts[leaf];
                leaf += 1;
            } else {
                sum += counts[inner];
                // Its parent from here on.
                counts[inner] = made as u32;
                inner += 1;
            }
        }
        counts[made] = sum;
    }
    // The root is the last that was made; parents stand behind their children.
    counts[n - 2] = 0;
    for node in (0..n - 2).rev() {
        counts[node] = counts[counts[node] as usize] + 1;
    }
    // Places of a depth that are not inner nodes are leaves.
    let mut leaves = [0; 64];
    let (mut places, mut node) = (1u32, n - 1);
    for (depth, leaves) in leaves.iter_mut().enumerate() {
        let first = counts[..node].iter().rposition(|d| *d as usize > depth).map_or(0, |p| p + 1);
        let nodes = (node - first) as u32;
        *leaves = places - nodes;
        (places, node) = (2 * nodes, first);
    }
    leaves
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    /// Bits of all codes, by the rule: the two least become one, and each of their values a bit longer.
    fn fewest(counts: &[u32]) -> u64 {
        let mut heap: BinaryHeap<Reverse<u64>> = counts.iter().map(|n| Reverse(u64::from(*n))).collect();
        let mut bits = 0;
        while let (Some(Reverse(a)), Some(Reverse(b))) = (heap.pop(), heap.pop()) {
            bits += a + b;
            if heap.is_empty() {
                break;
            }
            heap.push(Reverse(a + b));
        }
        bits
    }

    /// Values are numbers of `counts`. Gives the bits of all codes, after a look at what decoders rely on.
    fn bits_of(longest: usize, counts: &[u32]) -> u64 {
        let mut lengths = vec![0; counts.len()];
        let counted = counts.iter().enumerate().map(|(value, count)| (value as u32, *count));
        let of_length = Lengths::new().find(longest, counted, |value, len| lengths[value as usize] = len);
        // Kraft's sum: every string of bits begins with exactly one code.
        assert_eq!(lengths.iter().map(|len| 1u64 << (LONGEST - len)).sum::<u64>(), 1 << LONGEST);
        for (len, n) in of_length.iter().enumerate() {
            assert_eq!(lengths.iter().filter(|l| **l == len).count(), *n as usize);
        }
        counts.iter().zip(lengths).map(|(n, len)| u64::from(*n) * len as u64).sum()
    }

    #[test]
    fn codes_that_would_be_too_long_are_cut_short() {
        let mut counts = vec![1u32, 1];
        while counts.len() < 38 {
            counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
        }
        let (bits, fewest) = (bits_of(LONGEST, &counts), fewest(&counts));
        assert!(fewest < bits && bits < fewest + fewest / 1000, "{bits} bits, {fewest} at best");
        for longest in [6, 14] {
            assert!(bits_of(longest, &counts[..38]) > fewest);
        }
        assert_eq!(bits_of(LONGEST, &counts[..LONGEST + 1]), self::fewest(&counts[..LONGEST + 1]));
    }

    proptest! {
        #[test]
        fn no_codes_take_fewer_bits(counts in prop::collection::vec(prop_oneof![1u32..5, 1u32..100_000], 2..300)) {
            prop_assert_eq!(bits_of(LONGEST, &counts), fewest(&counts));
        }
    }
}
