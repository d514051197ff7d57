//! What this machine can do at most, on one thread.

use std::hint::black_box;

use rushes_core::simd::{Level, kernel};
use serde::Serialize;

use crate::median;

/// Ceilings of one thread.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ceilings {
    /// Bytes copied a second from memory to memory, 10^9; each is read and written.
    pub memory_gb_s: f64,
    /// The same within the second-level cache.
    pub l2_gb_s: f64,
    /// Multiplications and additions of `f32` a second, 10^9, fused ones counted as two.
    pub gflop_s: f64,
}

impl Ceilings {
    /// Measures them; takes about two seconds and half a gibibyte.
    pub fn measure() -> Self {
        // The two halves of L2 on the smallest caches of machines with vectors: 256 KiB in all.
        Self { memory_gb_s: copying(256 << 20), l2_gb_s: copying(128 << 10), gflop_s: multiplying() }
    }

    /// The most pixels a second, 10^6, of a kernel with so many bytes in and out and so many operations a pixel, when
    /// its rows stay in the second-level cache.
    pub fn pixels(&self, bytes: f64, flops: f64) -> f64 {
        // A copied byte is one in and one out.
        let moved = 2.0 * self.l2_gb_s * 1e3 / bytes;
        if flops > 0.0 { moved.min(self.gflop_s * 1e3 / flops) } else { moved }
    }
}

fn copying(bytes: usize) -> f64 {
    let (from, mut to) = (vec![1u8; bytes], vec![0u8; bytes]);
    let times = ((64 << 20) / bytes).max(1);
    let spent = median(|| {
        for _ in 0..times {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        }
    });
    (times * bytes) as f64 / spent.as_secs_f64() / 1e9
}

fn multiplying() -> f64 {
    const TIMES: usize = 200;
    // Stays in the first-level cache.
    let mut row = vec![1.0f32; 2048];
    let spent = median(|| {
        for _ in 0..TIMES {
            fused(Level::current(), &mut row, black_box(0.999));
        }
    });
    black_box(&row);
    (TIMES * 2 * CHAIN * row.len()) as f64 / spent.as_secs_f64() / 1e9
}

/// Operations that wait for each other. A core has room for several such chains at once and hides their latency.
const CHAIN: usize = 32;

kernel! {
    fn fused(row: &mut [f32], by: f32) {
        for v in row {
            let mut x = *v;
            for _ in 0..CHAIN {
                x = x.mul_add(by, 0.001);
            }
            *v = x;
        }
    }
}
