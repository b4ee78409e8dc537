//! The types of a checked scenario. Names are those of the system calls and of their flags.

use super::flags::{
    FallocFlags, MapFlags, MremapFlags, MsyncFlags, OpenFlags, Prot, RenameFlags, RwFlags, SyncRangeFlags,
    XattrFlags,
};
use crate::device::{AtomicUnit, Cache, DiskImage, Fua};
use crate::format::Superblock;
use crate::history::Errno;
use crate::kernel::{AutoDaAlloc, Barriers, Delalloc, Kernel, NewBlocks};
use crate::units::BlockNr;
use std::sync::Arc;

/// A checked scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// One line.
    pub title: String,
    /// Markdown: what it shows, and where the guarantee is written down.
    pub about: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The machine.
    pub stack: Stack,
    /// Done first, then unmounted.
    pub setup: Vec<Step>,
    /// The program, loops unrolled.
    pub steps: Vec<Step>,
    /// What must be found.
    pub expect: Vec<Expectation>,
}

/// The machine: kernel, file system, mount and disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// Which Linux.
    pub kernel: Kernel,
    /// How the file system was made, where there is no image.
    pub mkfs: Mkfs,
    /// A real file system to begin with.
    pub image: Option<Image>,
    /// How it is mounted.
    pub mount: Mount,
    /// What it is on.
    pub disk: DiskOptions,
    /// Who recovers it after the power cut.
    pub recovery: Recoverer,
}

/// Who recovers a dead disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recoverer {
    /// The kernel that ran, at its next mount.
    SameKernel,
    /// Another one: the disk moved to another machine.
    Kernel(Kernel),
    /// `e2fsck -p` of e2fsprogs 1.47 at boot, and then the mount.
    E2fsck,
}

/// An image file with a real file system.
///
/// The engine reads no files: whoever parsed the scenario reads this one, puts its bytes here, and runs it then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The path, relative to the scenario's own file.
    pub path: String,
    /// The bytes; none before they were read.
    pub disk: Option<Arc<DiskImage>>,
}

/// How the file system was made (mke2fs).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mkfs {
    /// Size of the file system and of the disk, in 4 KiB blocks. At least 2048 (8 MiB).
    pub blocks: u64,
    /// Length of the journal in 4 KiB blocks, or none.
    pub journal_blocks: Option<u32>,
    /// Checksums on metadata (feature `metadata_csum`).
    pub metadata_csum: Checksums,
    /// Number of inodes, a multiple of 16.
    pub inodes: u32,
    /// Hashed directories (feature `dir_index`).
    pub dir_index: bool,
    /// A file for orphans (feature `orphan_file`).
    pub orphan_file: bool,
    /// Room for fast commits behind the log (feature `fast_commit`).
    pub fast_commit: bool,
}

/// Whether metadata carries checksums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checksums {
    /// Feature `metadata_csum`, and jbd2 checksums v3.
    Crc32c,
    /// No checksums anywhere.
    None,
}

/// Mount options.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// `data=`
    pub data: DataMode,
    /// `delalloc`, or `nodelalloc`.
    pub delalloc: bool,
    /// `dioread_nolock` (the default since 5.6), or `dioread_lock`.
    pub dioread_nolock: bool,
    /// `auto_da_alloc`, or `noauto_da_alloc`.
    pub auto_da_alloc: bool,
    /// `barrier`, or `nobarrier`.
    pub barrier: bool,
    /// `commit=` in seconds.
    pub commit_secs: u64,
    /// `journal_checksum`: what the log is protected with where metadata has no checksums.
    pub journal_checksum: bool,
    /// `journal_async_commit`: the commit block does not wait for what it commits.
    pub journal_async_commit: bool,
    /// `sync`, `dirsync`, or neither.
    pub synchronous: Synchronous,
    /// `errors=`
    pub errors: OnError,
    /// `data_err=`
    pub data_err: DataError,
}

/// Which calls on a mount wait until what they changed is durable, without being asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Synchronous {
    /// None.
    None,
    /// Those that change names (`dirsync`).
    Directories,
    /// Those that change names, and those that write or cut off data (`sync`).
    All,
}

/// `errors=`: what is done about a file system that is found to be damaged. Nothing that a scenario can say leads
/// there yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnError {
    /// `errors=continue`
    Continue,
    /// `errors=remount-ro`
    RemountRo,
    /// `errors=panic`
    Panic,
}

/// `data_err=`: what a commit does about ordered data that could not be written. Nothing that a scenario can say leads
/// there yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataError {
    /// `data_err=ignore`
    Ignore,
    /// `data_err=abort`
    Abort,
}

/// `data=`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataMode {
    /// `data=ordered`
    Ordered,
    /// `data=writeback`
    Writeback,
    /// `data=journal`
    Journal,
}

/// What the disk is like; its size is the file system's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskOptions {
    /// `cache: volatile` or `write_through`.
    pub cache: Cache,
    /// `atomic_write: 512` or `4096`.
    pub atomic: AtomicUnit,
    /// `fua: true` or `false`.
    pub fua: Fua,
    /// `stable_writes: true` where data must not change on its way to the disk (queue/stable_writes).
    pub stable_writes: bool,
}

/// The name of a descriptor, a mapping or a mark.
pub type Name = Arc<str>;

/// Bytes given by a scenario.
pub type Data = Arc<[u8]>;

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The call.
    pub call: Call,
    /// What it must return.
    pub wanted: Wanted,
    /// Where it stands in the file, 1-based; 0 for a scenario built in Rust.
    pub line: u32,
    /// As it stands in the file (loops unrolled), on one line, shortened: `write("tmp", "new")`.
    pub text: String,
}

/// What a step must return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Success, and for a transfer the whole count.
    Success,
    /// `fails(ERRNO, …)`
    Error(Errno),
    /// `short(N, …)`: success, with this count.
    Short(u64),
}

/// A call that a program makes; the fields are the call's arguments.
#[expect(missing_docs, reason = "the manual pages of the calls")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `open`
    Open { fd: Name, path: String, flags: OpenFlags, mode: u16 },
    /// `open(O_CREAT|O_WRONLY|O_TRUNC)`, `write` where there is data, `close`.
    Create { path: String, data: Data },
    /// `close`
    Close { fd: Name },
    /// `dup`
    Dup { fd: Name, of: Name },
    /// `read`
    Read { fd: Name, expect: Data },
    /// `pread`
    Pread { fd: Name, offset: i64, expect: Data },
    /// `write`
    Write { fd: Name, data: Data },
    /// `pwrite`
    Pwrite { fd: Name, data: Data, offset: i64 },
    /// `lseek`
    Lseek { fd: Name, offset: i64, whence: Whence },
    /// `ftruncate`
    Ftruncate { fd: Name, length: i64 },
    /// `truncate`
    Truncate { path: String, length: i64 },
    /// `fallocate`
    Fallocate { fd: Name, mode: FallocFlags, offset: i64, length: i64 },
    /// `fsync`
    Fsync { fd: Name },
    /// `fdatasync`
    Fdatasync { fd: Name },
    /// `syncfs`
    Syncfs { fd: Name },
    /// `sync`
    Sync,
    /// `mkdir`
    Mkdir { path: String, mode: u16 },
    /// `rmdir`
    Rmdir { path: String },
    /// `unlink`
    Unlink { path: String },
    /// `rename`
    Rename { old: String, new: String },
    /// `renameat2`
    Renameat2 { old: String, new: String, flags: RenameFlags },
    /// `linkat` of an open file: with AT_EMPTY_PATH.
    Linkat { fd: Name, path: String },
    /// `link`
    Link { old: String, new: String },
    /// `symlink`
    Symlink { target: String, path: String },
    /// `chmod`
    Chmod { path: String, mode: u16 },
    /// `pwritev2`
    Pwritev2 { fd: Name, data: Data, offset: i64, flags: RwFlags },
    /// `sync_file_range`
    SyncFileRange { fd: Name, offset: i64, nbytes: i64, flags: SyncRangeFlags },
    /// `posix_fadvise`
    PosixFadvise { fd: Name, offset: i64, length: i64, advice: Advice },
    /// A call on extended attributes.
    Xattr(XattrCall),
    /// A call on the address space, or an access through it.
    Memory(MemoryCall),
    /// The virtual clock advances.
    Sleep { seconds: u64 },
    /// This moment has a name.
    Mark { name: Name },
}

/// A call on extended attributes, by path or by descriptor.
#[expect(missing_docs, reason = "the manual pages of the calls")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum XattrCall {
    /// `setxattr`, `fsetxattr`
    Set { on: Target, name: String, value: Data, flags: XattrFlags },
    /// `getxattr`, `fgetxattr`
    Get { on: Target, name: String, expect: Data },
    /// `removexattr`, `fremovexattr`
    Remove { on: Target, name: String },
}

/// What a call is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// What a path leads to.
    Path(String),
    /// An open file.
    Descriptor(Name),
}

/// A call on the address space, or an access through it; the fields are the call's arguments.
#[expect(missing_docs, reason = "the manual pages of the calls")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MemoryCall {
    /// `mmap`
    Mmap {
        map: Name,
        fd: Option<Name>,
        length: u64,
        prot: Prot,
        flags: MapFlags,
        offset: u64,
        at: Option<At>,
    },
    /// The CPU stores through a mapping.
    Store { map: Name, offset: i64, data: Data },
    /// The CPU loads through a mapping.
    Load { map: Name, offset: i64, expect: Data },
    /// `msync`; without a length, that of the mapping.
    Msync { map: Name, offset: i64, length: Option<u64>, flags: MsyncFlags },
    /// `munmap`; without a length, that of the mapping.
    Munmap { map: Name, offset: i64, length: Option<u64> },
    /// `mremap`; without a length, that of the mapping. `to` is the new address of MREMAP_FIXED.
    Mremap {
        map: Name,
        offset: i64,
        length: Option<u64>,
        new_length: u64,
        flags: MremapFlags,
        to: Option<At>,
    },
    /// `mprotect`; without a length, that of the mapping.
    Mprotect { map: Name, offset: i64, length: Option<u64>, prot: Prot },
    /// `mlock`
    Mlock { map: Name },
    /// `munlock`
    Munlock { map: Name },
    /// `remap_file_pages`
    RemapFilePages { map: Name, offset: i64, length: u64, pgoff: u64 },
}

/// An address of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum At {
    /// This one.
    Address(u64),
    /// So many bytes behind the start of a mapping.
    #[expect(missing_docs, reason = "said above")]
    Beside { map: Name, offset: i64 },
}

/// `POSIX_FADV_…`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "posix_fadvise(2)")]
pub enum Advice {
    Normal,
    Random,
    Sequential,
    Willneed,
    Dontneed,
    Noreuse,
}

/// `SEEK_…`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "lseek(2)")]
pub enum Whence {
    Set,
    Cur,
    End,
}

/// A window and what must be found in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// In how many of the legal crash states.
    pub quantifier: Quantifier,
    /// From the moment this mark was passed; else from the start.
    pub after: Option<Name>,
    /// Until this mark was passed; else to the end.
    pub before: Option<Name>,
    /// What.
    pub holds: Predicate,
    /// Where it stands in the file, 1-based; 0 for a scenario built in Rust.
    pub line: u32,
    /// As it stands in the file, on one line.
    pub text: String,
}

/// In how many of the legal crash states of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quantifier {
    /// In each.
    Always,
    /// In at least one.
    Sometimes,
    /// In none.
    Never,
}

/// What can be asked of a recovered file system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Predicate {
    /// Something has this name.
    Exists(String),
    /// Nothing has this name.
    Missing(String),
    /// A file with exactly these bytes.
    Content(String, Data),
    /// A file whose bytes are a prefix of these.
    PrefixOf(String, Data),
    /// A file that starts with these bytes.
    StartsWith(String, Data),
    /// A file that has these bytes at this offset.
    #[expect(missing_docs, reason = "said above")]
    Range { path: String, offset: u64, data: Data },
    /// A file of this size.
    Size(String, u64),
    /// Two names of one inode.
    SameFile(String, String),
    /// A directory with exactly these names in it (without `.` and `..`; in the root without `lost+found`).
    Entries(String, Vec<String>),
    /// A symlink with this target.
    Target(String, String),
    /// Something with this attribute, which has this value.
    Xattr(String, String, Data),
    /// Something without this attribute.
    NoXattr(String, String),
    /// The file system can be mounted.
    Mounts,
    /// It can, or `e2fsck -fp` makes it so, and repairs all else that there is to repair.
    Repairable,
    /// It needed no repair beyond journal replay and orphan processing.
    Clean,
    /// All of them.
    All(Vec<Predicate>),
    /// At least one of them.
    Any(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// The second, where the first holds.
    Implies(Box<Predicate>, Box<Predicate>),
}

impl Stack {
    /// Whether the file system has a journal. An image that was not read counts as one that has.
    pub fn has_journal(&self) -> bool {
        let superblock = |disk: &Arc<DiskImage>| Superblock::from_block(disk.block(BlockNr::new(0))).ok();
        match &self.image {
            None => self.mkfs.journal_blocks.is_some(),
            Some(image) => {
                let superblock = image.disk.as_ref().filter(|disk| disk.blocks() > 0).and_then(superblock);
                superblock.is_none_or(|superblock| superblock.has_journal())
            }
        }
    }
}

impl Default for Stack {
    /// What a scenario that leaves out `stack` runs on.
    fn default() -> Self {
        Self {
            kernel: Kernel::default(),
            mkfs: Mkfs::default(),
            image: None,
            mount: Mount::default(),
            disk: DiskOptions::default(),
            recovery: Recoverer::SameKernel,
        }
    }
}

impl Default for Mkfs {
    /// 32 MiB with a journal of 4 MiB, checksums, and an inode for every four blocks.
    fn default() -> Self {
        Self {
            blocks: 8192,
            journal_blocks: Some(1024),
            metadata_csum: Checksums::Crc32c,
            inodes: 2048,
            dir_index: false,
            orphan_file: false,
            fast_commit: false,
        }
    }
}

impl Default for DiskOptions {
    /// A disk with a volatile cache that writes sectors whole and knows no FUA.
    fn default() -> Self {
        Self { cache: Cache::Volatile, atomic: AtomicUnit::Sector, fua: Fua::Emulated, stable_writes: false }
    }
}

impl Default for Mount {
    /// What Linux 6.6 mounts with.
    fn default() -> Self {
        Self::of(Kernel::default())
    }
}

impl Mount {
    /// What a kernel mounts with where it is told nothing.
    pub fn of(kernel: Kernel) -> Self {
        let rules = kernel.rules();
        Self {
            data: DataMode::Ordered,
            delalloc: rules.delalloc == Delalloc::On,
            dioread_nolock: rules.new_blocks == NewBlocks::Unwritten,
            auto_da_alloc: rules.auto_da_alloc == AutoDaAlloc::On,
            barrier: rules.barriers == Barriers::On,
            commit_secs: 5,
            journal_checksum: false,
            journal_async_commit: false,
            synchronous: Synchronous::None,
            errors: OnError::Continue,
            data_err: DataError::Ignore,
        }
    }
}
