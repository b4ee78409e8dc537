//! What ext4 keeps after a crash, by call, mount option and kernel: asked of the model each time, never written down.
//!
//! ```text
//!   probe (a scenario with one question) ──a mount and a kernel filled in──▶ scenario ──check──▶ yes, no, ?, —
//!                        one row        ×        one column     of one matrix for each kernel
//! ```
//! A probe is an ordinary scenario in `guarantees/probes/` with one expectation, an `always`. A cell is its verdict: `yes`
//! where it holds in every legal crash state, `no` where one speaks against it. Every cell's scenario can be printed and
//! run by itself, with the same verdict.
//!
//! A `yes` is what this file system does under these calls, and no promise of any text. It is as good as the model: what
//! the kernel may decide in other ways than the two schedules is not looked at.
//!
//! Not modelled: what happens to a probe when other programs run beside it; disks other than the probe's own.

mod compare;
mod matrix;
mod mounts;
mod probes;

pub use compare::{Difference, differences};
pub use matrix::{Answers, Cell, Matrix, ask, kernels};
pub use mounts::Mount;
pub use probes::Probe;

#[cfg(test)]
mod tests;
