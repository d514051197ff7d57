//! Large buffers that go from one frame to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buffers that come back when they are dropped and are given out again.
///
/// Memory fresh from the system is cleared page by page when it is first touched, which costs
/// several times what decoding into it does. A pool holds as many buffers as were ever out at once,
/// and gives them back to the system when the last of its clones and buffers is gone. Buffers begin at a line of
/// the cache: vector loads that lie in two lines take twice as long.
///
/// ```
/// use rushes_core::frame::Pool;
/// let pool = Pool::<u16>::default();
/// let mut codes = pool.take(4096);
/// codes[0] = 7;
/// drop(codes);
/// assert_eq!(pool.take(2048).len(), 2048);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Pool<T>(Arc<Mutex<Vec<Vec<T>>>>);

/// A buffer of a [`Pool`].
#[derive(Debug)]
pub struct Pooled<T> {
    /// The buffer, with room before and after it.
    data: Vec<T>,
    from: usize,
    len: usize,
    pool: Pool<T>,
}

/// Bytes of a line of the cache.
const LINE: usize = 64;

impl<T: Copy + Default> Pool<T> {
    /// A buffer of `len`, with unspecified contents.
    pub fn take(&self, len: usize) -> Pooled<T> {
        let room = len + LINE / size_of::<T>().max(1);
        let mut free = self.free();
        // The smallest that is large enough, but not more than twice that: a pool holds no more than what was asked for,
        // twice. Else the least of all goes, and a new one takes its place.
        let size = |i: &usize| free[*i].len();
        let fits = (0..free.len()).filter(|i| (room..=2 * room).contains(&size(i))).min_by_key(size);
        let best = fits.or_else(|| (0..free.len()).min_by_key(size));
        let mut data = best.map(|i| free.swap_remove(i)).unwrap_or_default();
        drop(free);
        if data.len() < room {
            // Not grown: what it held is not wanted.
            data = vec![T::default(); room];
        }
        let from = data.as_ptr().align_offset(LINE).min(room - len);
        Pooled { data, from, len, pool: self.clone() }
    }
}

impl<T> Pool<T> {
    fn free(&self) -> MutexGuard<'_, Vec<Vec<T>>> {
        // A list of buffers is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Pooled<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.from..self.from + self.len]
    }
}

impl<T> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.from..self.from + self.len]
    }
}

impl<T> Drop for Pooled<T> {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.pool.free().push(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_and_is_given_out_again() {
        let pool = Pool::<u8>::default();
        let (first, second) = (pool.take(1000), pool.take(1000));
        let at = second.as_ptr();
        drop(second);
        let again = pool.take(500);
        assert_eq!((again.as_ptr(), again.len()), (at, 500));
        drop(first);
        drop(again);
        assert_eq!(pool.free().len(), 2);
    }

    #[test]
    fn the_smallest_that_is_large_enough_is_given_out() {
        let pool = Pool::<u8>::default();
        let all = [400, 100, 300, 200].map(|len| pool.take(len));
        let at = all[3].as_ptr();
        drop(all);
        let fits = pool.take(150);
        assert_eq!((fits.as_ptr(), pool.free().len()), (at, 3));
        drop(pool.take(1000));
        let mut sizes: Vec<usize> = pool.free().iter().map(|b| b.len() - LINE).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [300, 400, 1000]);
    }

    #[test]
    fn buffers_begin_at_a_line_of_the_cache() {
        let (floats, codes) = (Pool::<f32>::default(), Pool::<u16>::default());
        for len in [0, 1, 100, 4096, 100_000] {
            assert_eq!(floats.take(len).as_ptr().align_offset(LINE), 0, "{len}");
            assert_eq!(codes.take(len).as_ptr().align_offset(LINE), 0, "{len}");
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_made_anew() {
        let pool = Pool::<u16>::default();
        pool.take(10).fill(9);
        let more = pool.take(1000);
        assert_eq!(more.len(), 1000);
        assert!(pool.free().is_empty());
    }
}
