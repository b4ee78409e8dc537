//! The `unplug` command.

#[allow(dead_code, reason = "the commands that load and show are still to come")]
mod load;
#[allow(dead_code, reason = "the commands that load and show are still to come")]
mod render;

fn main() {}
