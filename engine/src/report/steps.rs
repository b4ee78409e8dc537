//! The steps of the program, and what reached the device during each.

use super::{DataWritten, Run, StepReport, Traffic};
use crate::device::{Op, Why};
use crate::scenario::{Call, MemoryCall, Step, Target, XattrCall};
use crate::units::{FileBlock, Ino, Widen, len_u32};
use std::collections::{BTreeMap, BTreeSet};

/// The names that each file was found by.
type Names = BTreeMap<Ino, BTreeSet<String>>;

/// The steps as reports show them.
pub(super) fn steps(steps: &[Step], runs: &[Run<'_>], names: &Names) -> Vec<StepReport> {
    let mut traffic: Vec<Vec<Traffic>> = runs.iter().map(|run| by_step(steps.len(), run, names)).collect();
    let mut reports = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let records = runs.iter().filter_map(|run| run.history.steps.get(at));
        reports.push(StepReport {
            name: name(&step.call),
            text: step.text.clone(),
            line: step.line,
            returned: records.map(|record| record.returned.clone()).collect(),
            traffic: traffic.iter_mut().map(|run| run[at].take()).collect(),
        });
    }
    reports
}

impl Traffic {
    /// No request at all.
    pub const NONE: Self = Self { writes: Vec::new(), data: Vec::new(), commits: 0, in_place: 0, flushes: 0 };

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::NONE)
    }

    /// How many writes there are.
    pub fn written(&self) -> u32 {
        len_u32(self.writes.len())
    }
}

fn by_step(steps: usize, run: &Run<'_>, names: &Names) -> Vec<Traffic> {
    let mut traffic = vec![Traffic::NONE; steps];
    let mut data: Vec<BTreeSet<(Ino, bool, u32)>> = vec![BTreeSet::new(); steps];
    for request in run.log.requests() {
        let at = request.cause.step.get().index();
        let (Some(step), Some(data)) = (traffic.get_mut(at), data.get_mut(at)) else { continue };
        let why = &request.cause.why;
        match &request.op {
            Op::Write { fua, .. } => {
                step.writes.push(why.to_string());
                match why {
                    Why::Data { ino, from, blocks } => {
                        data.extend((0..*blocks).map(|block| (*ino, *fua, from.get() + block)));
                    }
                    Why::Commit(_) => step.commits += 1,
                    Why::InPlace { .. } => step.in_place += 1,
                    // No transfer of its own: it is part of one that is counted.
                    Why::DataChangedInFlight { .. }
                    | Why::Descriptor(_)
                    | Why::Copy { .. }
                    | Why::Revoke(_)
                    | Why::FastCommit(_)
                    | Why::JournalSuperblock
                    | Why::Superblock
                    | Why::FlushBeforeCommit(_)
                    | Why::FlushBeforeFastCommit(_)
                    | Why::FlushBehindCommit(_)
                    | Why::FlushForFua
                    | Why::FlushOfSync
                    | Why::FlushBeforeTail => {}
                }
            }
            Op::Flush => step.flushes += 1,
        }
    }
    for (step, blocks) in traffic.iter_mut().zip(&data) {
        step.data = joined(blocks, names);
    }
    traffic
}

/// Blocks of files, neighbours as one.
fn joined(blocks: &BTreeSet<(Ino, bool, u32)>, names: &Names) -> Vec<DataWritten> {
    let mut joined: Vec<DataWritten> = Vec::new();
    for (ino, fua, block) in blocks {
        match joined.last_mut() {
            Some(last) if (last.ino, last.fua) == (*ino, *fua) && last.from.get() + last.blocks == *block => {
                last.blocks += 1;
            }
            Some(_) | None => joined.push(DataWritten {
                ino: *ino,
                name: names.get(ino).and_then(|names| names.first().cloned()),
                from: FileBlock::new(*block),
                blocks: 1,
                fua: *fua,
            }),
        }
    }
    joined
}

const fn name(call: &Call) -> &'static str {
    match call {
        Call::Open { .. } => "open",
        Call::Create { .. } => "create",
        Call::Close { .. } => "close",
        Call::Dup { .. } => "dup",
        Call::Read { .. } => "read",
        Call::Pread { .. } => "pread",
        Call::Write { .. } => "write",
        Call::Pwrite { .. } => "pwrite",
        Call::Lseek { .. } => "lseek",
        Call::Ftruncate { .. } => "ftruncate",
        Call::Truncate { .. } => "truncate",
        Call::Fsync { .. } => "fsync",
        Call::Fdatasync { .. } => "fdatasync",
        Call::Syncfs { .. } => "syncfs",
        Call::Sync => "sync",
        Call::Mkdir { .. } => "mkdir",
        Call::Rmdir { .. } => "rmdir",
        Call::Unlink { .. } => "unlink",
        Call::Rename { .. } => "rename",
        Call::Fallocate { .. } => "fallocate",
        Call::Renameat2 { .. } => "renameat2",
        Call::Linkat { .. } => "linkat",
        Call::Link { .. } => "link",
        Call::Symlink { .. } => "symlink",
        Call::Chmod { .. } => "chmod",
        Call::Xattr(XattrCall::Set { on: Target::Path(_), .. }) => "setxattr",
        Call::Xattr(XattrCall::Set { on: Target::Descriptor(_), .. }) => "fsetxattr",
        Call::Xattr(XattrCall::Get { on: Target::Path(_), .. }) => "getxattr",
        Call::Xattr(XattrCall::Get { on: Target::Descriptor(_), .. }) => "fgetxattr",
        Call::Xattr(XattrCall::Remove { on: Target::Path(_), .. }) => "removexattr",
        Call::Xattr(XattrCall::Remove { on: Target::Descriptor(_), .. }) => "fremovexattr",
        Call::Pwritev2 { .. } => "pwritev2",
        Call::SyncFileRange { .. } => "sync_file_range",
        Call::PosixFadvise { .. } => "posix_fadvise",
        Call::Memory(call) => memory_name(call),
        Call::Sleep { .. } => "sleep",
        Call::Mark { .. } => "mark",
    }
}

const fn memory_name(call: &MemoryCall) -> &'static str {
    match call {
        MemoryCall::Mmap { .. } => "mmap",
        MemoryCall::Store { .. } => "store",
        MemoryCall::Load { .. } => "load",
        MemoryCall::Msync { .. } => "msync",
        MemoryCall::Munmap { .. } => "munmap",
        MemoryCall::Mremap { .. } => "mremap",
        MemoryCall::Mprotect { .. } => "mprotect",
        MemoryCall::Mlock { .. } => "mlock",
        MemoryCall::Munlock { .. } => "munlock",
        MemoryCall::RemapFilePages { .. } => "remap_file_pages",
    }
}
