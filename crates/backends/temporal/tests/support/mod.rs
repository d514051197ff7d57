//! What the tests share.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod fleet;
pub mod held;
pub mod temporal;
