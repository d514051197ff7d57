//! The `rushes` command.
fn main() {}
