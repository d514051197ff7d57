//! The GPU executor: the stages of a unit as compute shaders, on Vulkan, Metal or Direct3D 12.

mod adapter;
mod buffers;
mod compiled;
mod device;
mod executor;
mod flight;
mod kernel;
mod layout;
mod preview;
mod program;
mod programs;
mod sizes;
pub mod testing;
mod unit;

pub use adapter::{Adapter, Kind, adapters};
pub use device::{Device, Settings};
pub use executor::GpuExecutor;
pub use preview::{GpuPreview, Packing};
pub use program::{Columns, PRELUDE, Pass, Program, Programs, Rows};
