//! The GPU executor: the stages of a unit as compute shaders, on Vulkan, Metal or Direct3D 12.
//!
//! - [`adapters`] are the GPUs of this machine, a [`Device`] is an open one: its errors, its compiled programs, its
//!   memory, of which [`Settings`] says how much.
//! - A [`Program`] is WGSL with one pass or several; [`Programs`] are known by the name that
//!   [`DeviceWork`](rushes_core::stage::DeviceWork) gives. Those of the stock stages come with the crate.
//! - [`GpuExecutor`] runs units: as a [`Coprocessor`](rushes_local::Coprocessor) of the local executor it computes the
//!   stages that have programs, and the CPU all else.
//! - [`GpuPreview`] gives single frames, ready for a display.
//!
//! Frames are computed in strips of rows, so that no binding is too large; the rows are equal whatever the strips. The
//! README says what runs where, and what is not there.

mod adapter;
mod buffers;
mod compiled;
mod device;
mod executor;
#[cfg(test)]
mod faults;
mod flight;
mod kernel;
mod layout;
mod preview;
mod program;
mod programs;
mod pulse;
mod sizes;
#[cfg(test)]
mod splits;
pub mod testing;
mod unit;

pub use adapter::{Adapter, Kind, adapters};
pub use device::{Device, Settings};
pub use executor::GpuExecutor;
pub use preview::{GpuPreview, Packing};
pub use program::{Columns, PRELUDE, Pass, Program, Programs, Rows};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
