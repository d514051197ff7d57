//! Bits, highest first.

/// Writes bits into bytes.
pub(super) struct Bits<'a> {
    to: &'a mut [u8],
    at: usize,
    /// Bits that are not a whole byte yet, from the highest down.
    pending: u64,
    /// How many, 0 to 7.
    n: u32,
}

impl<'a> Bits<'a> {
    /// Bytes that are touched beyond the last bit.
    pub(super) const SLACK: usize = 8;

    /// `to` has [`Self::SLACK`] bytes more than will be written; beyond its end nothing is.
    #[inline(always)]
    pub(super) fn new(to: &'a mut [u8]) -> Self {
        Self { to, at: 0, pending: 0, n: 0 }
    }

    /// Writes the lowest `len` bits of `bits`, 1 to 57; the others are 0.
    ///
    /// Eight bytes are written each time and the place moves on by the whole ones among them: there is no branch
    /// to guess.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, len: u32) {
        let n = self.n + len;
        let pending = self.pending | bits << (64 - n);
        if let Some(to) = self.to.get_mut(self.at..).and_then(|to| to.first_chunk_mut::<8>()) {
            *to = pending.to_be_bytes();
        }
        self.at += (n >> 3) as usize;
        self.pending = pending << (n & !7);
        self.n = n & 7;
    }

    /// The number of bits so far. What is not a whole byte is filled up with zeros.
    #[inline(always)]
    pub(super) fn written(&self) -> u64 {
        8 * self.at as u64 + u64::from(self.n)
    }
}
