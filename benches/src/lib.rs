//! Nothing; the benches are in `kernels.rs`.
