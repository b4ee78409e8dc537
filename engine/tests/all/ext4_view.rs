//! An independent reader, the crate `ext4-view`, finds on crash images what recovery finds.
//!
//! It reads a journal only if the journal's superblock has the features `64bit` and `csum_v3`. Ours never has
//! `64bit`, as the file system does not, and none at all before its first transaction. With `csum_v3` the layout of
//! the log is the same with `64bit` and without, but for revoke blocks; so the reader is shown the journal's
//! superblock with that feature, and everything else as it is.

use crate::case::{Case, all};
use crate::pipeline::{Crashed, crashed, on_two_threads};
use ext4_view::{Ext4, Ext4Error, Ext4Read, Path, PathBuf};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use unplug::device::DiskImage;
use unplug::format::journal::{
    BlockType, ChecksumVersion, Descriptor, JournalIncompat, JournalSuperblock, header,
};
use unplug::format::{Entries, ExtentNode, ExtentState, GroupDesc, RawInode, Superblock};
use unplug::oracle::{Entry, Mounted, Observation, summary};
use unplug::recovery::{Profile, recover};
use unplug::scenario::Recoverer;
use unplug::units::{BLOCK_BYTES, Block, BlockNr, Ino, len_u64};

/// How many crash images of one run are read.
const IMAGES: u64 = 200;

/// Why the reader cannot be asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Reason {
    /// The log has no checksums, and is not empty: it reads only logs with `csum_v3`.
    NoChecksums,
    /// The log has a revoke block, which it reads as one of a 64-bit journal, and applies to its own transaction only.
    Revokes,
    /// The log goes on at the start of the journal, where it does not look.
    Wraps,
    /// It refuses logs with escaped blocks.
    Escapes,
    /// We say that Linux does not mount this; the reader ends the log where it is corrupt.
    Unmountable,
    /// A file has an unwritten extent, which it reads as if it were written.
    Unwritten,
}

/// A disk that the reader reads.
struct Reader(DiskImage);

impl Ext4Read for Reader {
    fn read(&mut self, start_byte: u64, dst: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut at = start_byte;
        let mut rest = dst;
        while !rest.is_empty() {
            let within = usize::try_from(at % len_u64(BLOCK_BYTES))?;
            let len = rest.len().min(BLOCK_BYTES - within);
            let nr = at / len_u64(BLOCK_BYTES);
            if nr >= self.0.blocks() {
                return Err(format!("byte {at} is behind the end").into());
            }
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&self.0.block(BlockNr::new(nr)).bytes()[within..within + len]);
            rest = later;
            at += len_u64(len);
        }
        Ok(())
    }
}

/// The journal's superblock and where it lies. Our journals lie in one piece.
fn journal(image: &DiskImage) -> (BlockNr, JournalSuperblock) {
    let is_superblock =
        |block: &Block| header(block).is_some_and(|header| header.kind == BlockType::SUPERBLOCK_V2);
    let mut found = image.written().filter(|(_, block)| is_superblock(block));
    let (nr, block) = found.next().unwrap();
    (nr, JournalSuperblock::from_block(block).unwrap())
}

/// What the log has that the reader cannot read.
fn reason(image: &DiskImage) -> Option<Reason> {
    let (nr, superblock) = journal(image);
    if superblock.start == 0 {
        return None;
    }
    if !superblock.features.has(JournalIncompat::CSUM_V3) {
        return Some(Reason::NoChecksums);
    }
    let (mut at, mut tid) = (superblock.start, superblock.sequence);
    loop {
        if at >= superblock.blocks {
            return Some(Reason::Wraps);
        }
        let block = image.block(nr.plus(u64::from(at)));
        let head = header(block).filter(|header| header.tid == tid)?;
        match head.kind {
            BlockType::DESCRIPTOR => {
                let descriptor = Descriptor::from_block(block, &superblock.format()).ok()?;
                if descriptor.tags.iter().any(|tag| tag.escaped) {
                    return Some(Reason::Escapes);
                }
                at += u32::try_from(descriptor.tags.len()).unwrap();
            }
            BlockType::REVOKE => return Some(Reason::Revokes),
            BlockType::COMMIT => tid = tid.next(),
            _ => return None,
        }
        at += 1;
    }
}

/// The image as the reader wants it: a journal with the features `64bit` and `csum_v3`.
fn dressed(image: &DiskImage) -> DiskImage {
    let (nr, superblock) = journal(image);
    let features = superblock.features.with_checksums(ChecksumVersion::V3).with(JournalIncompat::BITS_64);
    let mut block = image.block(nr).clone();
    JournalSuperblock { features, ..superblock }.write_into(&mut block);
    let mut image = image.clone();
    image.set(nr, block);
    image
}

/// What a name stands for.
#[derive(PartialEq, Eq)]
enum Found {
    Directory,
    Symlink(String),
    File(Vec<u8>),
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("a directory"),
            Self::Symlink(target) => write!(f, "a symlink to {target}"),
            Self::File(bytes) => f.write_str(&summary(bytes)),
        }
    }
}

/// The tree that the reader finds.
fn read(image: DiskImage) -> Result<BTreeMap<String, Found>, Ext4Error> {
    let fs = Ext4::load(Box::new(Reader(image)))?;
    let mut tree = BTreeMap::new();
    let mut folders = vec![PathBuf::new("/")];
    while let Some(folder) = folders.pop() {
        for entry in fs.read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let shown = path.display().to_string();
            if name == "." || name == ".." || shown == "/lost+found" {
                continue;
            }
            let metadata = fs.symlink_metadata(Path::new(&path))?;
            let found = if metadata.is_dir() {
                folders.push(path);
                Found::Directory
            } else if metadata.is_symlink() {
                Found::Symlink(fs.read_link(Path::new(&path))?.display().to_string())
            } else {
                Found::File(fs.read(Path::new(&path))?)
            };
            tree.insert(shown, found);
        }
    }
    Ok(tree)
}

/// The tree that recovery finds.
fn ours(mounted: &Mounted) -> Result<BTreeMap<String, Found>, String> {
    let found = |(path, entry): (&String, &Entry)| {
        let found = match entry {
            Entry::Directory(_) => Found::Directory,
            Entry::Symlink(_, target) => Found::Symlink(target.clone()),
            Entry::File(content) => Found::File(content.bytes(0, usize::MAX)),
            Entry::Unreadable(errno) => return Err(format!("{path} cannot be read: {errno}")),
        };
        Ok((path.clone(), found))
    };
    mounted.entries.iter().map(found).collect()
}

/// Whether a file has an extent that is allocated and unwritten.
fn is_partly_unwritten(crash: &Crashed, ino: Ino, profile: &Profile) -> bool {
    let mut image = crash.image.clone();
    let survivors = recover(&mut image, profile).unwrap();
    let mut read = |nr: BlockNr| survivors.read(&mut image, nr);
    let superblock = Superblock::from_block(&read(BlockNr::new(0))).unwrap();
    let place = superblock.inode_place(ino).unwrap();
    let (nr, index) = superblock.descriptor_place(place.group);
    let group = GroupDesc::read_from(&read(nr), index, superblock.desc_size(), None).unwrap();
    let table = read(group.inode_table.plus(u64::from(place.table_block)));
    let inode = RawInode::read_from(&table, place.slot, None).unwrap();
    match ExtentNode::from_root(&inode.block).unwrap().entries {
        Entries::Leaf(extents) => extents.iter().any(|extent| extent.state == ExtentState::Unwritten),
        Entries::Index(_) => false,
    }
}

/// What came of one image.
fn compare(crash: &Crashed, profile: &Profile) -> Result<Option<Reason>, String> {
    let mounted = match &crash.found {
        Observation::Mounted(mounted) => mounted,
        Observation::Unmountable { .. } => return Ok(Some(Reason::Unmountable)),
    };
    if let Some(reason) = reason(&crash.image) {
        return Ok(Some(reason));
    }
    let ours = ours(mounted)?;
    let theirs = read(dressed(&crash.image)).map_err(|error| format!("the reader says: {error}"))?;
    let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut reason = None;
    for path in paths.into_iter().filter(|path| ours.get(*path) != theirs.get(*path)) {
        match (ours.get(path), theirs.get(path), mounted.entries.get(path).and_then(Entry::ino)) {
            (Some(Found::File(ours)), Some(Found::File(theirs)), Some(ino))
                if ours.len() == theirs.len() && is_partly_unwritten(crash, ino, profile) =>
            {
                reason = Some(Reason::Unwritten);
            }
            (ours, theirs, _) => return Err(format!("{path}: {ours:?}, but it reads {theirs:?}")),
        }
    }
    Ok(reason)
}

/// How many images were compared, which reasons there were not to, and what differs.
#[derive(Default)]
struct Tally {
    compared: u32,
    reasons: BTreeMap<Reason, u32>,
    wrong: Vec<String>,
}

fn check(case: &Case) -> Tally {
    let mut result = Tally::default();
    let profile = Profile::of(case.scenario.stack.kernel);
    for crash in crashed(&case.scenario, &profile, IMAGES) {
        match compare(&crash, &profile) {
            Ok(None) => result.compared += 1,
            Ok(Some(reason)) => *result.reasons.entry(reason).or_default() += 1,
            Err(wrong) => result.wrong.push(format!("{} {}: {wrong}", case.name, crash.id)),
        }
    }
    result
}

/// A disk of which the reader asks for the block behind the last one; e2fsck finds nothing wrong with it.
const READS_BEHIND_THE_END: &str = "hole-in-parts";

/// Whether the reader can be asked at all: it knows no fast commits and no commit blocks that come early, and a crash without a journal or barriers
/// leaves what nobody promises to read.
fn is_for_the_reader(case: &Case) -> bool {
    let stack = &case.scenario.stack;
    let as_the_kernel = stack.recovery == Recoverer::SameKernel && case.name != READS_BEHIND_THE_END;
    let knows = !stack.mount.journal_async_commit && !stack.mkfs.fast_commit && stack.mount.barrier;
    stack.mkfs.journal_blocks.is_some() && knows && as_the_kernel
}

#[test]
fn finds_what_recovery_finds() {
    let cases: Vec<Case> = all().into_iter().filter(is_for_the_reader).collect();
    let results = on_two_threads(&cases, check);
    let wrong: Vec<String> = results.iter().flat_map(|result| result.wrong.clone()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let compared: u32 = results.iter().map(|result| result.compared).sum();
    let skipped: u32 = results.iter().flat_map(|result| result.reasons.values()).sum();
    assert!(compared > 3 * skipped, "{compared} images were compared, and {skipped} could not be");
}
