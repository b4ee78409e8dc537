//! The steps of the program, and what reached the device during each.

use super::{Run, StepReport, Traffic};
use crate::device::Op;
use crate::scenario::{Call, MemoryCall, Step};
use crate::units::{Widen, len_u32};

/// The steps as reports show them.
pub(super) fn steps(steps: &[Step], runs: &[Run<'_>]) -> Vec<StepReport> {
    let mut traffic: Vec<Vec<Traffic>> = runs.iter().map(|run| by_step(steps.len(), run)).collect();
    let mut reports = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        reports.push(StepReport {
            name: name(&step.call),
            text: step.text.clone(),
            line: step.line,
            traffic: traffic.iter_mut().map(|run| run[at].take()).collect(),
        });
    }
    reports
}

impl Traffic {
    const NONE: Self = Self { writes: Vec::new(), flushes: 0 };

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::NONE)
    }

    /// How many writes there are.
    pub fn written(&self) -> u32 {
        len_u32(self.writes.len())
    }
}

fn by_step(steps: usize, run: &Run<'_>) -> Vec<Traffic> {
    let mut traffic = vec![Traffic::NONE; steps];
    for request in run.log.requests() {
        let Some(step) = traffic.get_mut(request.cause.step.get().index()) else { continue };
        match &request.op {
            Op::Write { .. } => step.writes.push(request.cause.why.to_string()),
            Op::Flush => step.flushes += 1,
        }
    }
    traffic
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
        Call::Link { .. } => "link",
        Call::Symlink { .. } => "symlink",
        Call::Chmod { .. } => "chmod",
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
