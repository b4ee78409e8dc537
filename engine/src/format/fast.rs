//! A block of the fast commit area: tags in a row, each with its length.
//!
//! ```text
//!   first block:  HEAD │ INODE │ ADD_RANGE │ CREAT │ … │ TAIL ── to the end of the block
//!   a long one:   INODE │ … │ PAD ── to the end          INODE │ … │ TAIL ── to the end
//!   each tag:     tag u16 │ length of the value u16 │ value          little-endian
//! ```
//! A fast commit ends with a TAIL, whose checksum covers all bytes since the TAIL before, from 0. Nothing starts behind
//! a TAIL but the next fast commit, in the next block.
//!
//! Not modelled: inline data.
// v6.6 fs/ext4/fast_commit.h

use super::bytes::{array, le16, le32, put, put_le16, put_le32, span};
use super::checksum::crc32c;
use super::{Extent, ExtentNode, FormatError, RawInode, Structure};
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Tid};

/// Bytes of a tag before its value (`EXT4_FC_TAG_BASE_LEN`).
const HEADER: usize = 4;
/// Bytes of a whole inode.
const INODE_BYTES: usize = 256;
/// Bytes of an inode that a fast commit keeps: those of ext2, and those behind that have a meaning.
const INODE_KEPT: usize = 160;
/// Where the root of the extent tree starts in an inode, and where it ends.
const ROOT: std::ops::Range<usize> = 0x28..0x64;

/// What a tag says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FastTag {
    /// These blocks of a file lie there.
    AddRange {
        /// The file.
        ino: Ino,
        /// From where to where.
        extent: Extent,
    },
    /// These blocks of a file are a hole.
    DelRange {
        /// The file.
        ino: Ino,
        /// The first.
        from: FileBlock,
        /// How many.
        blocks: u32,
    },
    /// A name, new, changed or gone.
    Name(FastName),
    /// An inode, without the root of its extent tree.
    Inode {
        /// Its number.
        ino: Ino,
        /// Its first bytes.
        bytes: InodeBytes,
    },
}

/// The bytes of an inode that a fast commit keeps, and how many of them count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InodeBytes(Vec<u8>);

impl InodeBytes {
    /// Those of an inode in a block of the inode table.
    pub fn of(block: &Block, slot: usize) -> Self {
        let at = slot.saturating_mul(INODE_BYTES);
        Self(span(block.bytes(), at, at.saturating_add(INODE_KEPT)).to_vec())
    }

    /// An inode whose bytes these replace, but for the root of its tree. None where the result is no inode.
    // v6.6 fs/ext4/fast_commit.c, ext4_fc_replay_inode.
    pub fn over(&self, block: &Block, slot: usize) -> Option<RawInode> {
        let mut bytes: [u8; INODE_BYTES] = array(block.bytes(), slot.saturating_mul(INODE_BYTES));
        for (at, byte) in self.0.iter().enumerate().filter(|(at, _)| !ROOT.contains(at)) {
            put(&mut bytes, at, &[*byte]);
        }
        let mut raw = RawInode::from_bytes(&bytes, None).ok()?;
        if ExtentNode::from_root(&raw.block).is_err() {
            raw.block = ExtentNode::EMPTY.to_root();
        }
        Some(raw)
    }

    /// What a hostile block may have: any number of bytes that is allowed.
    fn read(value: &[u8]) -> Option<Self> {
        (128..=INODE_BYTES).contains(&value.len()).then(|| Self(value.to_vec()))
    }
}

/// A change of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FastName {
    /// What happened.
    pub change: NameChange,
    /// The directory.
    pub parent: Ino,
    /// The inode.
    pub ino: Ino,
    /// The name, as bytes.
    pub name: Vec<u8>,
}

/// What happened to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameChange {
    /// A new inode got it.
    Creat,
    /// An inode got it.
    Link,
    /// An inode lost it.
    Unlink,
}

/// Codes of tags.
mod code {
    pub(super) const ADD_RANGE: u16 = 1;
    pub(super) const DEL_RANGE: u16 = 2;
    pub(super) const CREAT: u16 = 3;
    pub(super) const LINK: u16 = 4;
    pub(super) const UNLINK: u16 = 5;
    pub(super) const INODE: u16 = 6;
    pub(super) const PAD: u16 = 7;
    pub(super) const TAIL: u16 = 8;
    pub(super) const HEAD: u16 = 9;
}

impl FastTag {
    fn to_bytes(&self) -> Vec<u8> {
        let mut value = Vec::new();
        let code = match self {
            Self::AddRange { ino, extent } => {
                value.extend(ino.get().to_le_bytes());
                // An extent as in a leaf: behind the header of the node.
                value.extend(span(&ExtentNode::leaf(vec![*extent]).to_root(), 12, 24));
                code::ADD_RANGE
            }
            Self::DelRange { ino, from, blocks } => {
                [ino.get(), from.get(), *blocks].iter().for_each(|it| value.extend(it.to_le_bytes()));
                code::DEL_RANGE
            }
            Self::Name(FastName { change, parent, ino, name }) => {
                [parent.get(), ino.get()].iter().for_each(|it| value.extend(it.to_le_bytes()));
                value.extend(name);
                match change {
                    NameChange::Creat => code::CREAT,
                    NameChange::Link => code::LINK,
                    NameChange::Unlink => code::UNLINK,
                }
            }
            Self::Inode { ino, bytes } => {
                value.extend(ino.get().to_le_bytes());
                value.extend(&bytes.0);
                code::INODE
            }
        };
        tagged(code, &value)
    }

    /// The tag with this code and value, if that is one.
    fn read(code: u16, value: &[u8]) -> Option<Self> {
        let ino = Ino::new(le32_of(value, 0)?);
        match code {
            code::ADD_RANGE if value.len() == 16 => {
                let mut root = ExtentNode::EMPTY.to_root();
                put_le16(&mut root, 2, 1);
                put(&mut root, 12, span(value, 4, 16));
                match ExtentNode::from_root(&root).ok()?.entries {
                    super::Entries::Leaf(extents) => {
                        extents.first().map(|extent| Self::AddRange { ino, extent: *extent })
                    }
                    super::Entries::Index(_) => None,
                }
            }
            code::DEL_RANGE if value.len() == 12 => {
                let from = FileBlock::new(le32_of(value, 4)?);
                Some(Self::DelRange { ino, from, blocks: le32_of(value, 8)? })
            }
            code::CREAT | code::LINK | code::UNLINK if (9..=263).contains(&value.len()) => {
                let change = match code {
                    code::CREAT => NameChange::Creat,
                    code::LINK => NameChange::Link,
                    _ => NameChange::Unlink,
                };
                let name = span(value, 8, value.len()).to_vec();
                Some(Self::Name(FastName { change, parent: ino, ino: Ino::new(le32_of(value, 4)?), name }))
            }
            code::INODE => {
                InodeBytes::read(span(value, 4, value.len())).map(|bytes| Self::Inode { ino, bytes })
            }
            _ => None,
        }
    }
}

fn le32_of(value: &[u8], at: usize) -> Option<u32> {
    (value.len() >= at.saturating_add(4)).then(|| le32(value, at))
}

fn tagged(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    put_le16(&mut bytes, 0, code);
    put_le16(&mut bytes, 2, u16::try_from(value.len()).unwrap_or(u16::MAX));
    bytes.extend(value);
    bytes
}

/// The blocks of one fast commit; the first of a transaction has a HEAD.
// v6.6 fs/ext4/fast_commit.c, ext4_fc_reserve_space, ext4_fc_write_tail.
pub fn to_blocks(tid: Tid, head: Head, tags: &[FastTag]) -> Vec<Block> {
    let mut writer = Writer { done: Vec::new(), block: Block::zeroed(), at: 0, crc: 0 };
    match head {
        Head::Written => {
            let mut value = vec![0; 4];
            value.extend(tid.get().to_le_bytes());
            writer.put(&tagged(code::HEAD, &value));
        }
        Head::Before => {}
    }
    tags.iter().for_each(|tag| writer.put(&tag.to_bytes()));
    writer.finish(tid)
}

/// Whether a fast commit is the first of its transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// It is, and starts with a HEAD.
    Written,
    /// One before it has the HEAD.
    Before,
}

struct Writer {
    done: Vec<Block>,
    block: Block,
    at: usize,
    crc: u32,
}

impl Writer {
    /// A tag goes where a PAD still fits behind it, else into the next block.
    fn put(&mut self, bytes: &[u8]) {
        let room = BLOCK_BYTES.saturating_sub(HEADER).saturating_sub(self.at);
        if bytes.len() > room {
            let pad = tagged(code::PAD, &vec![0; room]);
            put(self.block.bytes_mut(), self.at, &pad);
            self.crc = crc32c(self.crc, self.block.bytes());
            self.done.push(std::mem::replace(&mut self.block, Block::zeroed()));
            self.at = 0;
        }
        put(self.block.bytes_mut(), self.at, bytes);
        self.at = self.at.saturating_add(bytes.len());
    }

    fn finish(mut self, tid: Tid) -> Vec<Block> {
        let mut value = tid.get().to_le_bytes().to_vec();
        value.extend([0; 4]);
        self.put(&tagged(code::TAIL, &value));
        let crc_at = self.at.saturating_sub(4);
        let tail = crc_at.saturating_sub(8);
        let len = BLOCK_BYTES.saturating_sub(tail).saturating_sub(HEADER);
        put_le16(self.block.bytes_mut(), tail.saturating_add(2), u16::try_from(len).unwrap_or(u16::MAX));
        let crc = crc32c(self.crc, span(self.block.bytes(), 0, crc_at));
        put_le32(self.block.bytes_mut(), crc_at, crc);
        self.done.push(self.block);
        self.done
    }
}

/// A scan of the area, block by block: what is known so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scan {
    /// The transaction that must be meant: the first that is not in the log.
    pub tid: Tid,
    /// Whether the next block is the first.
    pub is_first: bool,
    /// Whether a TAIL was good already.
    pub has_tail: bool,
    /// The checksum since the last TAIL.
    pub crc: u32,
}

/// What was read of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scanned {
    /// The tags up to the last good TAIL in it, if there is one.
    pub sealed: Option<Vec<FastTag>>,
    /// The tags behind that.
    pub open: Vec<FastTag>,
    /// Whether there may be more, and what is known then.
    pub end: ScanEnd,
}

/// How the scan of a block ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScanEnd {
    /// The next block is looked at.
    GoOn(Scan),
    /// All that counts was read.
    Stop,
    /// The mount fails.
    Fail(FastError),
}

/// Why the fast commits of a disk cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FastError {
    /// The first of them is not whole: what stands in it is no tag (`ECANCELED`).
    Tag,
    /// The first of them is not whole: its checksum or its transaction is another (`EFSBADCRC`).
    Checksum,
    /// It has features that nobody knows (`EOPNOTSUPP`).
    Features(u32),
}

impl From<FastError> for FormatError {
    fn from(error: FastError) -> Self {
        match error {
            FastError::Tag => Self::Field {
                structure: Structure::FastCommit,
                field: "tag",
                found: 0,
                expected: super::Expected::AtLeast(1),
            },
            FastError::Checksum => Self::Checksum { structure: Structure::FastCommit },
            FastError::Features(found) => Structure::FastCommit.unsupported("feature", found),
        }
    }
}

impl Scan {
    /// At the start of the area.
    pub const fn of(tid: Tid) -> Self {
        Self { tid, is_first: true, has_tail: false, crc: 0 }
    }

    /// Reads a block. What follows the last good TAIL of a transaction counts for nothing; where there is none such, a
    /// start without an end is an error, which keeps Linux from mounting the disk.
    // v6.6 fs/ext4/fast_commit.c, ext4_fc_replay_scan.
    pub fn block(mut self, block: &Block) -> Scanned {
        let bytes = block.bytes();
        let mut found = Scanned { sealed: None, open: Vec::new(), end: ScanEnd::Stop };
        if self.is_first && le16(bytes, 0) != code::HEAD {
            return found;
        }
        self.is_first = false;
        let mut at = 0_usize;
        while at.saturating_add(HEADER) <= BLOCK_BYTES {
            let (code, len) = (le16(bytes, at), usize::from(le16(bytes, at.saturating_add(2))));
            let from = at.saturating_add(HEADER);
            let end = from.saturating_add(len);
            let value = if end <= BLOCK_BYTES { span(bytes, from, end) } else { &[] };
            let step = self.tag(code, value, span(bytes, at, end), &mut found);
            let is_whole = end <= BLOCK_BYTES;
            if let Some(stop) = if is_whole { step } else { Some(self.broken(FastError::Tag)) } {
                found.open = Vec::new();
                found.end = stop;
                return found;
            }
            at = end;
        }
        found.end = ScanEnd::GoOn(self);
        found
    }

    /// Reads a tag; says how the scan ends where it does.
    fn tag(&mut self, code: u16, value: &[u8], whole: &[u8], found: &mut Scanned) -> Option<ScanEnd> {
        match code {
            code::HEAD if value.len() == 8 => {
                let features = le32(value, 0);
                if features != 0 {
                    return Some(ScanEnd::Fail(FastError::Features(features)));
                }
                if Tid::new(le32(value, 4)) != self.tid {
                    return Some(ScanEnd::Stop);
                }
            }
            code::TAIL if value.len() >= 8 => {
                let crc = crc32c(self.crc, span(whole, 0, HEADER.saturating_add(4)));
                if Tid::new(le32(value, 0)) != self.tid || le32(value, 4) != crc {
                    return Some(self.broken(FastError::Checksum));
                }
                self.crc = 0;
                self.has_tail = true;
                found.sealed.get_or_insert_with(Vec::new).append(&mut found.open);
                return None;
            }
            code::PAD => {}
            _ => match FastTag::read(code, value) {
                Some(tag) => found.open.push(tag),
                None => return Some(self.broken(FastError::Tag)),
            },
        }
        self.crc = crc32c(self.crc, whole);
        None
    }

    const fn broken(&self, error: FastError) -> ScanEnd {
        if self.has_tail { ScanEnd::Stop } else { ScanEnd::Fail(error) }
    }
}

/// How many blocks mke2fs leaves for fast commits behind a log, by the size of the file system in blocks: a 64th of the
/// log that it would make there.
// e2fsprogs 1.47 lib/ext2fs/mkjournal.c, ext2fs_default_journal_size, ext2fs_get_journal_params; measured.
pub const fn default_blocks(fs_blocks: u64) -> u32 {
    let log = match fs_blocks {
        0..32_768 => 1024,
        32_768..262_144 => 4096,
        262_144..524_288 => 8192,
        _ => 16_384,
    };
    log / 64
}

/// How many blocks fast commits have where the superblock of the journal does not say (JBD2_DEFAULT_FAST_COMMIT_BLOCKS).
pub const UNSAID_BLOCKS: u32 = 256;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests;
