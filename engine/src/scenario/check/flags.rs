//! The flags of the calls, by name.
//!
//! ```text
//! [O_CREAT, O_WRONLY] ──▶ OpenFlags(0o101)
//! ```
//!
//! A flag that Linux knows and the model does not has no value: it is refused by name.

use super::super::ast::{Advice, Whence};
use super::super::flags::{
    FallocFlags, MapFlags, MremapFlags, MsyncFlags, OpenFlags, Prot, RenameFlags, RwFlags, SyncRangeFlags,
};
use super::super::quote;
use super::super::tree::Node;
use super::Checker;
use super::scalars::Word;

pub(super) const OPEN: &[Word<OpenFlags>] = &[
    ("O_RDONLY", Some(OpenFlags::O_RDONLY)),
    ("O_WRONLY", Some(OpenFlags::O_WRONLY)),
    ("O_RDWR", Some(OpenFlags::O_RDWR)),
    ("O_CREAT", Some(OpenFlags::O_CREAT)),
    ("O_EXCL", Some(OpenFlags::O_EXCL)),
    ("O_TRUNC", Some(OpenFlags::O_TRUNC)),
    ("O_APPEND", Some(OpenFlags::O_APPEND)),
    ("O_SYNC", Some(OpenFlags::O_SYNC)),
    ("O_DSYNC", Some(OpenFlags::O_DSYNC)),
    ("O_DIRECTORY", Some(OpenFlags::O_DIRECTORY)),
    ("O_NOFOLLOW", Some(OpenFlags::O_NOFOLLOW)),
    ("O_DIRECT", Some(OpenFlags::O_DIRECT)),
    ("O_TMPFILE", Some(OpenFlags::O_TMPFILE)),
    ("O_PATH", None),
    ("O_CLOEXEC", None),
    ("O_NOATIME", None),
    ("O_NONBLOCK", None),
    ("O_NOCTTY", None),
    ("O_LARGEFILE", None),
    ("O_ASYNC", None),
];

pub(super) const WHENCE: &[Word<Whence>] = &[
    ("SEEK_SET", Some(Whence::Set)),
    ("SEEK_CUR", Some(Whence::Cur)),
    ("SEEK_END", Some(Whence::End)),
    ("SEEK_DATA", None),
    ("SEEK_HOLE", None),
];

pub(super) const RWF: &[Word<RwFlags>] = &[
    ("RWF_DSYNC", Some(RwFlags::RWF_DSYNC)),
    ("RWF_SYNC", Some(RwFlags::RWF_SYNC)),
    ("RWF_APPEND", Some(RwFlags::RWF_APPEND)),
    ("RWF_NOWAIT", Some(RwFlags::RWF_NOWAIT)),
    ("RWF_HIPRI", Some(RwFlags::RWF_HIPRI)),
];
pub(super) const FALLOCATE: &[Word<FallocFlags>] = &[
    ("FALLOC_FL_KEEP_SIZE", Some(FallocFlags::FALLOC_FL_KEEP_SIZE)),
    ("FALLOC_FL_PUNCH_HOLE", Some(FallocFlags::FALLOC_FL_PUNCH_HOLE)),
    ("FALLOC_FL_COLLAPSE_RANGE", Some(FallocFlags::FALLOC_FL_COLLAPSE_RANGE)),
    ("FALLOC_FL_ZERO_RANGE", Some(FallocFlags::FALLOC_FL_ZERO_RANGE)),
    ("FALLOC_FL_INSERT_RANGE", Some(FallocFlags::FALLOC_FL_INSERT_RANGE)),
    ("FALLOC_FL_UNSHARE_RANGE", Some(FallocFlags::FALLOC_FL_UNSHARE_RANGE)),
];
pub(super) const SYNC_FILE_RANGE: &[Word<SyncRangeFlags>] = &[
    ("SYNC_FILE_RANGE_WAIT_BEFORE", Some(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_BEFORE)),
    ("SYNC_FILE_RANGE_WRITE", Some(SyncRangeFlags::SYNC_FILE_RANGE_WRITE)),
    ("SYNC_FILE_RANGE_WAIT_AFTER", Some(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_AFTER)),
    (
        "SYNC_FILE_RANGE_WRITE_AND_WAIT",
        Some(
            SyncRangeFlags::SYNC_FILE_RANGE_WAIT_BEFORE
                .with(SyncRangeFlags::SYNC_FILE_RANGE_WRITE)
                .with(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_AFTER),
        ),
    ),
];
pub(super) const ADVICE: &[Word<Advice>] = &[
    ("POSIX_FADV_NORMAL", Some(Advice::Normal)),
    ("POSIX_FADV_RANDOM", Some(Advice::Random)),
    ("POSIX_FADV_SEQUENTIAL", Some(Advice::Sequential)),
    ("POSIX_FADV_WILLNEED", Some(Advice::Willneed)),
    ("POSIX_FADV_DONTNEED", Some(Advice::Dontneed)),
    ("POSIX_FADV_NOREUSE", Some(Advice::Noreuse)),
];
pub(super) const RENAME: &[Word<RenameFlags>] = &[
    ("RENAME_NOREPLACE", Some(RenameFlags::RENAME_NOREPLACE)),
    ("RENAME_EXCHANGE", Some(RenameFlags::RENAME_EXCHANGE)),
    ("RENAME_WHITEOUT", Some(RenameFlags::RENAME_WHITEOUT)),
];

pub(super) const PROT: &[Word<Prot>] = &[
    ("PROT_NONE", Some(Prot::PROT_NONE)),
    ("PROT_READ", Some(Prot::PROT_READ)),
    ("PROT_WRITE", Some(Prot::PROT_WRITE)),
    ("PROT_EXEC", Some(Prot::PROT_EXEC)),
    ("PROT_SEM", None),
    ("PROT_GROWSDOWN", None),
    ("PROT_GROWSUP", None),
];

pub(super) const MAP: &[Word<MapFlags>] = &[
    ("MAP_SHARED", Some(MapFlags::MAP_SHARED)),
    ("MAP_PRIVATE", Some(MapFlags::MAP_PRIVATE)),
    ("MAP_SHARED_VALIDATE", Some(MapFlags::MAP_SHARED_VALIDATE)),
    ("MAP_FIXED", Some(MapFlags::MAP_FIXED)),
    ("MAP_FIXED_NOREPLACE", Some(MapFlags::MAP_FIXED_NOREPLACE)),
    ("MAP_ANONYMOUS", Some(MapFlags::MAP_ANONYMOUS)),
    ("MAP_ANON", Some(MapFlags::MAP_ANONYMOUS)),
    ("MAP_POPULATE", Some(MapFlags::MAP_POPULATE)),
    ("MAP_NONBLOCK", Some(MapFlags::MAP_NONBLOCK)),
    ("MAP_NORESERVE", Some(MapFlags::MAP_NORESERVE)),
    ("MAP_LOCKED", Some(MapFlags::MAP_LOCKED)),
    ("MAP_SYNC", Some(MapFlags::MAP_SYNC)),
    // mmap(2): these have no effect.
    ("MAP_FILE", Some(MapFlags::NONE)),
    ("MAP_DENYWRITE", Some(MapFlags::NONE)),
    ("MAP_EXECUTABLE", Some(MapFlags::NONE)),
    ("MAP_STACK", Some(MapFlags::NONE)),
    ("MAP_GROWSDOWN", None),
    ("MAP_HUGETLB", None),
    ("MAP_32BIT", None),
    ("MAP_UNINITIALIZED", None),
];

pub(super) const MSYNC: &[Word<MsyncFlags>] = &[
    ("MS_ASYNC", Some(MsyncFlags::MS_ASYNC)),
    ("MS_SYNC", Some(MsyncFlags::MS_SYNC)),
    ("MS_INVALIDATE", Some(MsyncFlags::MS_INVALIDATE)),
];

pub(super) const MREMAP: &[Word<MremapFlags>] = &[
    ("MREMAP_MAYMOVE", Some(MremapFlags::MREMAP_MAYMOVE)),
    ("MREMAP_FIXED", Some(MremapFlags::MREMAP_FIXED)),
    ("MREMAP_DONTUNMAP", Some(MremapFlags::MREMAP_DONTUNMAP)),
];

impl Checker<'_> {
    /// The flags of a list, each with its node; what is unknown was reported and is left out.
    pub(super) fn flags<'n, T: Copy>(
        &mut self,
        node: &'n Node,
        kind: &str,
        table: &[Word<T>],
    ) -> Vec<(&'n Node, T)> {
        let Some(nodes) =
            self.list(node, &format!("a list, as in `[{}]`", table.first().map_or("", |w| w.0)))
        else {
            return Vec::new();
        };
        let read = |(at, flag): (usize, &'n Node)| {
            let value = self.within(&format!("[{at}]"), |c| c.word(flag, kind, table));
            value.map(|value| (flag, value))
        };
        nodes.iter().enumerate().filter_map(read).collect()
    }

    /// The flags of `open`.
    pub(super) fn open_flags(&mut self, node: &Node) -> OpenFlags {
        let flags = self.flags(node, "a flag of `open`", OPEN);
        self.exclusive(&flags, &["O_RDONLY", "O_WRONLY", "O_RDWR"]);
        flags.iter().fold(OpenFlags::O_RDONLY, |all, (_, flag)| all.with(*flag))
    }

    /// Reports a flag that excludes one before it.
    pub(super) fn exclusive<T>(&mut self, flags: &[(&Node, T)], names: &[&str]) {
        let mut first: Option<&Node> = None;
        for (node, _) in flags {
            let Some(name) = node.name(self.text).filter(|name| names.contains(name)) else { continue };
            match first {
                Some(other) if other.name(self.text) != Some(name) => {
                    if let Some(error) = self.error("conflicting-flags", &node.span) {
                        let other_name = self.show(&other.span);
                        let message = format!("{} excludes {other_name}", quote::code(name));
                        let error = error.say(message).related(other.span.clone(), "given here");
                        self.push(error.expected(format!("one of {}", super::args::either(names))));
                    }
                }
                Some(_) => {}
                None => first = Some(node),
            }
        }
    }
}
