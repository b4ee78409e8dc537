//! System calls: descriptors, paths, arguments, and the errors in the order in which the kernel finds them.
//!
//! ```text
//!   descriptor (name in the scenario) ─▶ open file description { inode, flags, position } ─▶ inode
//!   dup: two descriptors, one description          open twice: two descriptions
//! ```
//! The program is root, so nothing is ever denied for want of permission; its working directory is `/`.
//!
//! Not modelled: several processes, resource limits, mount points, special files.

mod facts;
mod fallocate;
mod fault;
mod mapping;
mod msync;
mod names;
mod open;
mod path;
mod remapping;
mod rw;
mod sync;
mod xattr;

pub use mapping::Mmap;
pub use remapping::Mremap;

use crate::ext4::Fs;
use crate::history::Errno;
use crate::mm::AddressSpace;
use crate::scenario::{Name, OpenFlags};
use crate::units::Ino;
use facts::Note;
use std::collections::BTreeMap;

/// An open file description (`struct file`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct File {
    ino: Ino,
    flags: OpenFlags,
    pos: u64,
    /// How many descriptors refer to it.
    descriptors: u32,
    /// How many mapped ranges refer to it.
    mappings: u32,
}

/// Which open file description.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct FileId(u32);

/// The system calls of one program on one file system.
#[derive(Debug)]
pub struct Vfs {
    fs: Fs,
    descriptors: BTreeMap<Name, FileId>,
    files: BTreeMap<FileId, File>,
    next: u32,
    mm: AddressSpace,
    /// What the program calls its mappings: an address and a length, whatever became of them.
    maps: BTreeMap<Name, Mapped>,
    /// What was changed and promised, for the history.
    notes: Vec<Note>,
}

/// What `mmap` or `mremap` last returned for a name, and the length that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mapped {
    start: u64,
    length: u64,
}

impl Vfs {
    /// A program that has nothing open.
    pub fn new(fs: Fs) -> Self {
        Self {
            fs,
            descriptors: BTreeMap::new(),
            files: BTreeMap::new(),
            next: 0,
            mm: AddressSpace::new(),
            maps: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// The file system beneath.
    pub const fn fs(&mut self) -> &mut Fs {
        &mut self.fs
    }

    /// The file system, as the power fails: nothing is closed.
    pub fn into_fs(self) -> Fs {
        self.fs
    }

    /// The program ends: its mappings go, then its descriptors are closed. Returns the file system.
    pub fn exit(mut self) -> Fs {
        self.exit_mmap();
        for fd in self.descriptors.keys().cloned().collect::<Vec<_>>() {
            // Closing what is open cannot fail.
            let _ = self.close(&fd);
        }
        self.fs
    }

    /// `fdget`: a descriptor that is not open is EBADF.
    fn file(&self, fd: &Name) -> Result<(FileId, File), Errno> {
        let id = *self.descriptors.get(fd).ok_or(Errno::EBADF)?;
        self.files.get(&id).map(|file| (id, *file)).ok_or(Errno::EBADF)
    }

    fn move_to(&mut self, id: FileId, pos: u64) {
        if let Some(file) = self.files.get_mut(&id) {
            file.pos = pos;
        }
    }

    /// Notes a decision.
    fn decide(&mut self, what: impl Into<String>) {
        self.fs.queue().way().decide(what);
    }

    /// Runs a part of a call and notes the kernel function that it stands for.
    fn within<R>(&mut self, function: &'static str, body: impl FnOnce(&mut Self) -> R) -> R {
        self.through(&[function], body)
    }

    /// The same for several functions, outermost first: a system call on its way to where something happens.
    fn through<R>(&mut self, functions: &[&'static str], body: impl FnOnce(&mut Self) -> R) -> R {
        functions.iter().for_each(|function| self.fs.queue().way().enter(function));
        let result = body(self);
        functions.iter().for_each(|_| self.fs.queue().way().leave());
        result
    }
}
