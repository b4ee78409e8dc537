//! The rows: scenarios with one question each.
//!
//! A probe's file is complete but for its kernel and mount, which go in front of what its `stack` says of the disk.
//! Another row is another file, and its name here.

use super::Mount;
use crate::kernel::Kernel;

/// A row: a short scenario, and one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Its short name, that of its file.
    pub name: &'static str,
    /// The scenario, without kernel and mount: RON.
    pub text: &'static str,
}

macro_rules! probes {
    ($($name:literal)*) => {
        /// All rows, in the order of the table.
        const ALL: &[Probe] =
            &[$(Probe { name: $name, text: include_str!(concat!("probes/", $name, ".ron")) },)*];
    };
}

probes! {
    "write"
    "write-close"
    "write-order"
    "write-torn"
    "write-torn-512"
    "append-zeros"
    "create-commit"
    "stale"
    "o-dsync"
    "o-dsync-append"
    "o-sync"
    "o-sync-append"
    "rwf-dsync"
    "rwf-dsync-others"
    "direct"
    "direct-fdatasync"
    "direct-dsync"
    "direct-sync-append"
    "fsync-bytes"
    "fsync-written-back"
    "fsync-append"
    "fsync-mapped"
    "fsync-truncate"
    "fsync-name"
    "fsync-new-directory"
    "fsync-rename"
    "fsync-link"
    "fsync-xattr"
    "fsync-other-name"
    "fsync-other-bytes"
    "fdatasync-bytes"
    "fdatasync-append"
    "fdatasync-fallocate"
    "fdatasync-name"
    "fdatasync-rename"
    "fdatasync-rename-write"
    "fsync-dir-names"
    "fsync-dir-rename"
    "fsync-dir-unlink"
    "fsync-dir-committed"
    "fsync-dir-other"
    "fsync-dir-bytes"
    "sync-bytes"
    "sync-new"
    "syncfs-bytes"
    "syncfs-new"
    "msync-bytes"
    "msync-neighbour"
    "msync-hole"
    "msync-unmapped"
    "msync-read-only"
    "msync-async"
    "munmap"
    "past-end"
    "sync-file-range"
    "fadvise"
    "wait-name"
    "wait-bytes"
    "wait-new"
    "wait-bytes-60"
    "wait-new-60"
    "replace-name"
    "replace-empty"
    "replace-commit"
    "replace-atomic"
    "replace-fsync"
    "rename-across"
    "rename-new-commit"
    "exchange"
    "trunc-commit"
    "trunc-atomic"
    "tmpfile-name"
    "tmpfile-bytes"
    "tmpfile-atomic"
    "order-names"
    "clean"
    "mounts"
    "mounts-commit"
    "mounts-orphan"
}

/// Where the stack of a probe begins.
const STACK: &str = "stack: (";

impl Probe {
    /// All rows, in the order of the table: those of one call stand together.
    pub const ALL: &'static [Self] = ALL;

    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|probe| probe.name == name)
    }

    /// The call, and what is asked about it: the two halves of the scenario's title.
    pub fn title(&self) -> (&'static str, &'static str) {
        let title = self.text.split_once("title: \"").and_then(|(_, rest)| rest.split_once('"'));
        let title = title.map_or(self.name, |(title, _)| title);
        title.split_once(": ").unwrap_or((title, ""))
    }

    /// The scenario of a cell: RON that `scenario::parse` reads.
    pub fn scenario(&self, mount: &Mount, kernel: Kernel) -> String {
        let stack = format!("{STACK}kernel: \"{kernel}\", {}", mount.stack);
        self.text.replacen(STACK, &stack, 1)
    }
}
