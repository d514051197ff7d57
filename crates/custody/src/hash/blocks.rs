//! SHA-512 and MD5 under way, of one stream, or of several side by side.

use super::simd;

/// What a digest by blocks is made of.
pub(super) trait Blocks: Copy + Default {
    /// Bytes of a block.
    const BLOCK: usize;

    /// Goes over whole blocks of one stream.
    fn one(&mut self, blocks: &[u8]);

    /// Goes over blocks of several streams; all data have one length.
    fn several(states: &mut [Self], data: &[&[u8]]);
}

/// A digest of one stream under way.
#[derive(Debug, Clone)]
pub(super) struct Stream<B> {
    state: B,
    rest: Vec<u8>,
    bytes: u64,
}

impl<B: Blocks> Stream<B> {
    pub(super) fn new() -> Self {
        Self { state: B::default(), rest: Vec::new(), bytes: 0 }
    }

    pub(super) fn update(&mut self, mut more: &[u8]) {
        self.bytes = self.bytes.wrapping_add(more.len() as u64);
        if !self.rest.is_empty() {
            let (head, tail) = more.split_at(more.len().min(B::BLOCK - self.rest.len()));
            self.rest.extend_from_slice(head);
            if self.rest.len() < B::BLOCK {
                return;
            }
            self.state.one(&self.rest);
            self.rest.clear();
            more = tail;
        }
        let (blocks, rest) = more.split_at(more.len() - more.len() % B::BLOCK);
        self.state.one(blocks);
        self.rest.extend_from_slice(rest);
    }

    /// Goes on with several streams, each by its data; all data have one length of whole blocks.
    pub(super) fn update_several(streams: &mut [&mut Self], data: &[&[u8]]) {
        let whole = data.first().is_some_and(|d| d.len().is_multiple_of(B::BLOCK));
        if streams.len() < simd::FEWEST || !whole || streams.iter().any(|s| !s.rest.is_empty()) {
            streams.iter_mut().zip(data).for_each(|(s, d)| s.update(d));
            return;
        }
        let mut states: Vec<B> = streams.iter().map(|s| s.state).collect();
        B::several(&mut states, data);
        for ((stream, state), data) in streams.iter_mut().zip(states).zip(data) {
            stream.state = state;
            stream.bytes = stream.bytes.wrapping_add(data.len() as u64);
        }
    }

    /// A bit, zeros, and the length in bits, which fills the end of a block (FIPS 180-4, section
    /// 5.1.2; RFC 1321, section 3.1 and 3.2). `length` has the bytes that the algorithm keeps for it.
    fn pad(mut self, length: &[u8]) -> B {
        let filled = (self.bytes % B::BLOCK as u64) as usize;
        let room = B::BLOCK - length.len();
        let zeros = if filled < room { room - filled } else { room + B::BLOCK - filled };
        let mut padding = vec![0u8; zeros];
        padding[0] = 0x80;
        padding.extend_from_slice(length);
        self.update(&padding);
        self.state
    }
}

/// The state of SHA-512.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sha512([u64; 8]);

impl Default for Sha512 {
    fn default() -> Self {
        // FIPS 180-4, section 5.3.5.
        Self([
            0x6a09_e667_f3bc_c908,
            0xbb67_ae85_84ca_a73b,
            0x3c6e_f372_fe94_f82b,
            0xa54f_f53a_5f1d_36f1,
            0x510e_527f_ade6_82d1,
            0x9b05_688c_2b3e_6c1f,
            0x1f83_d9ab_fb41_bd6b,
            0x5be0_cd19_137e_2179,
        ])
    }
}

impl Blocks for Sha512 {
    const BLOCK: usize = 128;

    fn one(&mut self, blocks: &[u8]) {
        sha2::block_api::compress512(&mut self.0, blocks.as_chunks().0);
    }

    fn several(states: &mut [Self], data: &[&[u8]]) {
        let mut words: Vec<[u64; 8]> = states.iter().map(|s| s.0).collect();
        simd::sha512(&mut words, data);
        states.iter_mut().zip(words).for_each(|(s, w)| s.0 = w);
    }
}

impl Stream<Sha512> {
    /// The digest, most significant byte first.
    pub(super) fn finish(self) -> Vec<u8> {
        let bits = u128::from(self.bytes) * 8;
        self.pad(&bits.to_be_bytes()).0.iter().flat_map(|w| w.to_be_bytes()).collect()
    }
}

/// The state of MD5.
#[derive(Debug, Clone, Copy)]
pub(super) struct Md5([u32; 4]);

impl Default for Md5 {
    fn default() -> Self {
        // RFC 1321, section 3.3.
        Self([0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476])
    }
}

impl Blocks for Md5 {
    const BLOCK: usize = 64;

    fn one(&mut self, blocks: &[u8]) {
        md5::block_api::compress(&mut self.0, blocks.as_chunks().0);
    }

    fn several(states: &mut [Self], data: &[&[u8]]) {
        let mut words: Vec<[u32; 4]> = states.iter().map(|s| s.0).collect();
        simd::md5(&mut words, data);
        states.iter_mut().zip(words).for_each(|(s, w)| s.0 = w);
    }
}

impl Stream<Md5> {
    /// The digest, as its bytes are written.
    pub(super) fn finish(self) -> Vec<u8> {
        let bits = self.bytes.wrapping_mul(8);
        self.pad(&bits.to_le_bytes()).0.iter().flat_map(|w| w.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_those_of_another_implementation(
            bytes in proptest::collection::vec(any::<u8>(), 0..900),
            cuts in proptest::collection::vec(0usize..900, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let (mut md5, mut sha512) = (Stream::<Md5>::new(), Stream::<Sha512>::new());
            for cut in cuts.windows(2) {
                md5.update(&bytes[cut[0]..cut[1]]);
                sha512.update(&bytes[cut[0]..cut[1]]);
            }
            prop_assert_eq!(md5.finish(), md5::Md5::digest(&bytes).to_vec());
            prop_assert_eq!(sha512.finish(), sha2::Sha512::digest(&bytes).to_vec());
        }

        #[test]
        fn streams_side_by_side_go_on_as_they_would_alone(
            lengths in proptest::collection::vec(0usize..400, 1..20),
            common in 0usize..4,
        ) {
            let all: Vec<Vec<u8>> = lengths.iter().enumerate()
                .map(|(s, n)| (0..common * 128 + n).map(|i| (i * 3 + s) as u8).collect()).collect();
            let mut streams: Vec<Stream<Sha512>> = all.iter().map(|_| Stream::new()).collect();
            let heads: Vec<&[u8]> = all.iter().map(|a| &a[..common * 128]).collect();
            Stream::update_several(&mut streams.iter_mut().collect::<Vec<_>>(), &heads);
            for (mut stream, bytes) in streams.into_iter().zip(&all) {
                stream.update(&bytes[common * 128..]);
                prop_assert_eq!(stream.finish(), sha2::Sha512::digest(bytes).to_vec());
            }
        }
    }
}
