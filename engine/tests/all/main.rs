//! The pipeline against things that its authors did not write.
//!
//! ```text
//!   truth       what a real kernel did, recorded: device requests, and what it found after each crash
//!   e2fsck      accepts every file system that is made, and every crash image that recovery accepts
//!   preen       what reports say of repairs is what e2fsck -fp does
//!   explorer    counts of outcomes against brute force; members of classes, made and recovered
//!   ext4_view   an independent reader finds the tree that recovery finds
//!   mount       the kernel of this machine finds it too
//!   mutants     a stack that lacks a rule of ordering is found out
//!   stale_log   replay of log blocks that never were written
//!   random      random programs against a plain map; every crash state mounts and is clean
//!   programs    random programs that map files, on every kernel, beside a plain model and what each call promises
//!   sameness    the same scenario gives the same report, whatever the number of threads
//!   releases    what older kernels and other mount options do differently
//!   way         the functions of the kernel that each call goes through
//!   image       file systems that mke2fs made, as a base: e2fsck accepts every crash state
//!   attributes  extended attributes and the file of orphans: what survives
//!   tidy        house rules that no lint can hold
//! ```
//! Tests that need a tool say on standard error that they were skipped; where `UNPLUG_REQUIRE_TOOLS` is set they
//! fail instead. A real mount needs root and a loop device and is never required.
#![cfg(test)]

mod attributes;
mod case;
mod contract;
mod e2fsck;
mod explorer;
mod ext4_view;
mod image;
mod mount;
mod mutants;
mod pipeline;
mod preen;
mod programs;
mod random;
mod releases;
mod sameness;
mod stale_log;
mod tidy;
mod truth;
mod way;
