//! .cube look-up tables.

mod cube;
mod stage;
mod table;

pub use cube::Cube;
pub use stage::Lut;
pub use table::Interpolation;

#[cfg(test)]
mod golden;
