//! The `unplug` command: reads files, prints reports, and says by its exit status whether they are good.
//!
//! ```text
//!   args ──▶ commands (one verb a file) ──▶ unplug, the library ──▶ render (one format a file) ──▶ output
//! ```
//! Files, terminal and number of threads belong here and nowhere else.

mod args;
mod commands;
mod exit;
mod files;
mod load;
mod output;
mod progress;
mod render;

fn main() -> std::process::ExitCode {
    exit::status(|| commands::dispatch(args::parse()))
}
