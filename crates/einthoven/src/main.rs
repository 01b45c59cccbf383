//! The `einthoven` command.
fn main() {}
