//! The `unplug` command.

fn main() {}
