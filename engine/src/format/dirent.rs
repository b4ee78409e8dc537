//! A block of a directory: entries in a row, each of which says where the next one starts.
//!
//! ```text
//!   ino u32 │ rec_len u16 │ name_len u8 │ kind u8 │ name … padding │ next entry … │ tail, where there are checksums
//!   └──────────────────────── rec_len bytes ───────────────────────┘
//! ```
//! The last entry reaches the end of the block, or the tail. An entry whose inode is 0 is free. A name that is put in
//! takes the first slack in which it fits, and one that is removed becomes slack of the entry before.
//!
//! Left to the reader: inodes that don't exist, names that are empty or contain `/`, whether `.` and `..` are there.
//! Blocks of an index are in [`htree`](super::htree). Not modelled: encrypted and casefolded names.

use super::bytes::{byte, le16, le32, put, put_byte, put_le16, put_le32, span, wipe};
use super::{Expected, FileKind, FormatError, InodeSeed, Structure};
use crate::units::{BLOCK_BYTES, Block, Ino, len_u64};

/// Bytes of an entry before its name.
const HEADER: usize = 8;
/// Bytes of the shortest entry.
const SHORTEST: usize = 12;
/// Bytes of the tail.
const TAIL: usize = 12;
/// The tail looks like a free entry of this kind (`EXT4_FT_DIR_CSUM`).
const TAIL_KIND: u8 = 0xDE;
/// The longest name in bytes (`EXT4_NAME_LEN`).
pub const NAME_MAX: usize = 255;

/// A name in a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Dirent {
    /// The inode it stands for.
    pub ino: Ino,
    /// The kind of that inode.
    pub kind: FileKind,
    /// The name, as bytes.
    pub name: Vec<u8>,
}

/// Whether a name found room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inserted {
    /// It is in the block now.
    Yes,
    /// It doesn't fit, and the block is as it was.
    Full,
}

/// A place in a block: an entry, in use or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    at: usize,
    len_bytes: usize,
    name_bytes: usize,
    ino: u32,
}

impl Slot {
    /// v6.6 fs/ext4/namei.c, __ext4_check_dir_entry.
    fn read(bytes: &[u8; BLOCK_BYTES], at: usize, end: usize) -> Result<Self, FormatError> {
        let demand =
            |field, found, expected| Structure::DirectoryBlock.demand(field, len_u64(found), expected);
        let slot = Self {
            at,
            len_bytes: le16(bytes, at.saturating_add(4)).into(),
            name_bytes: byte(bytes, at.saturating_add(6)).into(),
            ino: le32(bytes, at),
        };
        let shortest = room_for(slot.name_bytes).max(SHORTEST);
        demand("length of an entry", slot.len_bytes, Expected::AtLeast(len_u64(shortest)))?;
        demand("length of an entry", slot.len_bytes, Expected::MultipleOf(4))?;
        demand("end of an entry", slot.end(), Expected::AtMost(len_u64(end)))?;
        if slot.end() != end {
            // Another entry must fit behind it.
            let last = end.saturating_sub(SHORTEST);
            demand("end of an entry that is not the last", slot.end(), Expected::AtMost(len_u64(last)))?;
        }
        Ok(slot)
    }

    const fn end(&self) -> usize {
        self.at.saturating_add(self.len_bytes)
    }

    const fn is_used(&self) -> bool {
        self.ino != 0
    }

    /// The bytes that its name needs; none where it is free.
    const fn used_bytes(&self) -> usize {
        if self.is_used() { room_for(self.name_bytes) } else { 0 }
    }

    fn name<'a>(&self, bytes: &'a [u8; BLOCK_BYTES]) -> &'a [u8] {
        let from = self.at.saturating_add(HEADER);
        span(bytes, from, from.saturating_add(self.name_bytes))
    }

    fn entry(&self, bytes: &[u8; BLOCK_BYTES]) -> Dirent {
        Dirent {
            ino: Ino::new(self.ino),
            kind: FileKind(byte(bytes, self.at.saturating_add(7))),
            name: self.name(bytes).to_vec(),
        }
    }
}

/// The names in a block, in their order, verified where the file system has checksums.
///
/// # Errors
/// An entry that can't be, or a bad checksum. A missing tail counts as a bad checksum, as in Linux.
pub fn entries(block: &Block, csum: Option<InodeSeed>) -> Result<Vec<Dirent>, FormatError> {
    let used = slots(block, csum)?.into_iter().filter(Slot::is_used);
    Ok(used.map(|slot| slot.entry(block.bytes())).collect())
}

/// The entry of a name.
///
/// # Errors
/// As [`entries`].
pub fn find(block: &Block, name: &[u8], csum: Option<InodeSeed>) -> Result<Option<Dirent>, FormatError> {
    let slots = slots(block, csum)?;
    let slot = slots.iter().find(|slot| slot.is_used() && slot.name(block.bytes()) == name);
    Ok(slot.map(|slot| slot.entry(block.bytes())))
}

/// Whether a block names nothing but `.` and `..`: a directory of which this holds for each block is empty.
///
/// # Errors
/// As [`entries`].
// v6.6 fs/ext4/namei.c, ext4_empty_dir.
pub fn is_empty_dir(block: &Block, csum: Option<InodeSeed>) -> Result<bool, FormatError> {
    Ok(entries(block, csum)?.iter().all(|entry| entry.name == b"." || entry.name == b".."))
}

/// Puts a name into the first slack in which it fits. Whether it is there already is for the caller to ask.
///
/// # Errors
/// As [`entries`]; the block is as it was then.
///
/// # Panics
/// Where the name is empty or longer than [`NAME_MAX`], or the inode is 0.
// v6.6 fs/ext4/namei.c, ext4_find_dest_de, ext4_insert_dentry.
pub fn insert(block: &mut Block, entry: &Dirent, csum: Option<InodeSeed>) -> Result<Inserted, FormatError> {
    assert!((1..=NAME_MAX).contains(&entry.name.len()), "a name of {} bytes", entry.name.len());
    assert!(entry.ino.get() != 0, "inode 0 has no name");
    let need = room_for(entry.name.len());
    let fits = |slot: &Slot| slot.len_bytes.saturating_sub(slot.used_bytes()) >= need;
    let Some(slot) = slots(block, csum)?.into_iter().find(fits) else {
        return Ok(Inserted::Full);
    };
    let bytes = block.bytes_mut();
    let at = slot.at.saturating_add(slot.used_bytes());
    if slot.is_used() {
        put_length(bytes, slot.at, slot.used_bytes());
    }
    put_entry(bytes, at, slot.end(), entry);
    seal(bytes, csum);
    Ok(Inserted::Yes)
}

/// Removes a name; whether it was there.
///
/// # Errors
/// As [`entries`]; the block is as it was then.
// v6.6 fs/ext4/namei.c, ext4_generic_delete_entry: since 5.14 the name is wiped.
pub fn remove(block: &mut Block, name: &[u8], csum: Option<InodeSeed>) -> Result<bool, FormatError> {
    let mut before = None;
    for slot in slots(block, csum)? {
        if slot.is_used() && slot.name(block.bytes()) == name {
            let bytes = block.bytes_mut();
            wipe(bytes, slot.at, slot.end());
            match before {
                None => put_length(bytes, slot.at, slot.len_bytes),
                Some(Slot { at, .. }) => put_length(bytes, at, slot.end().saturating_sub(at)),
            }
            seal(bytes, csum);
            return Ok(true);
        }
        before = Some(slot);
    }
    Ok(false)
}

/// Lets a name stand for another inode; whether it was there.
///
/// # Errors
/// As [`entries`]; the block is as it was then.
///
/// # Panics
/// Where the inode is 0.
// v6.6 fs/ext4/namei.c, ext4_setent.
pub fn replace_ino(
    block: &mut Block,
    name: &[u8],
    ino: Ino,
    kind: FileKind,
    csum: Option<InodeSeed>,
) -> Result<bool, FormatError> {
    assert!(ino.get() != 0, "inode 0 has no name");
    let slots = slots(block, csum)?;
    let Some(slot) = slots.iter().find(|slot| slot.is_used() && slot.name(block.bytes()) == name) else {
        return Ok(false);
    };
    let bytes = block.bytes_mut();
    put_le32(bytes, slot.at, ino.get());
    put_byte(bytes, slot.at.saturating_add(7), kind.0);
    seal(bytes, csum);
    Ok(true)
}

/// The first block of a new directory: `.` and `..`.
// v6.6 fs/ext4/namei.c, ext4_init_new_dir.
pub fn new_block_dots(ino: Ino, parent: Ino, csum: Option<InodeSeed>) -> Block {
    let mut block = Block::zeroed();
    let bytes = block.bytes_mut();
    let dots = |ino, name: &[u8]| Dirent { ino, kind: FileKind::DIRECTORY, name: name.to_vec() };
    put_entry(bytes, 0, SHORTEST, &dots(ino, b"."));
    put_entry(bytes, SHORTEST, end_of_entries(csum), &dots(parent, b".."));
    seal(bytes, csum);
    block
}

/// A further block of a directory, without a name.
// v6.6 fs/ext4/namei.c, ext4_add_entry.
pub fn new_empty_block(csum: Option<InodeSeed>) -> Block {
    let mut block = Block::zeroed();
    let bytes = block.bytes_mut();
    put_length(bytes, 0, end_of_entries(csum));
    seal(bytes, csum);
    block
}

/// The bytes that an entry needs for a name (`ext4_dir_rec_len`).
const fn room_for(name_bytes: usize) -> usize {
    HEADER.saturating_add(name_bytes).div_ceil(4).saturating_mul(4)
}

const fn end_of_entries(csum: Option<InodeSeed>) -> usize {
    match csum {
        None => BLOCK_BYTES,
        Some(_) => BLOCK_BYTES - TAIL,
    }
}

fn slots(block: &Block, csum: Option<InodeSeed>) -> Result<Vec<Slot>, FormatError> {
    let bytes = block.bytes();
    if let Some(seed) = csum {
        verify_tail(bytes, seed)?;
    }
    let end = end_of_entries(csum);
    let mut slots = Vec::new();
    let mut at = 0;
    while at < end {
        // Each slot is at least `SHORTEST` bytes long, so this ends.
        let slot = Slot::read(bytes, at, end)?;
        at = slot.end();
        slots.push(slot);
    }
    Ok(slots)
}

// v6.6 fs/ext4/namei.c, ext4_dirblock_csum_verify.
fn verify_tail(bytes: &[u8; BLOCK_BYTES], seed: InodeSeed) -> Result<(), FormatError> {
    let at = end_of_entries(Some(seed));
    let (stored, computed) = (le32(bytes, at.saturating_add(HEADER)), seed.checksum(span(bytes, 0, at)));
    let expected = tail();
    if span(bytes, at, at.saturating_add(HEADER)) == expected && stored == computed {
        Ok(())
    } else {
        Err(FormatError::Checksum { structure: Structure::DirectoryBlock })
    }
}

/// The tail without its checksum: inode 0, its length, no name, its kind.
fn tail() -> [u8; HEADER] {
    [0, 0, 0, 0, 12, 0, 0, TAIL_KIND]
}

fn seal(bytes: &mut [u8; BLOCK_BYTES], csum: Option<InodeSeed>) {
    if let Some(seed) = csum {
        let at = end_of_entries(csum);
        put(bytes, at, &tail());
        let sealed = seed.checksum(span(bytes, 0, at));
        put_le32(bytes, at.saturating_add(HEADER), sealed);
    }
}

#[expect(clippy::expect_used, reason = "a block has fewer bytes than 2^16")]
fn put_length(bytes: &mut [u8; BLOCK_BYTES], at: usize, len_bytes: usize) {
    put_le16(bytes, at.saturating_add(4), u16::try_from(len_bytes).expect("a length within a block"));
}

#[expect(clippy::expect_used, reason = "a bug in the caller")]
fn put_entry(bytes: &mut [u8; BLOCK_BYTES], at: usize, end: usize, entry: &Dirent) {
    put_le32(bytes, at, entry.ino.get());
    put_length(bytes, at, end.saturating_sub(at));
    let name_bytes = u8::try_from(entry.name.len()).expect("a name of at most 255 bytes");
    put_byte(bytes, at.saturating_add(6), name_bytes);
    put_byte(bytes, at.saturating_add(7), entry.kind.0);
    put(bytes, at.saturating_add(HEADER), &entry.name);
}

#[cfg(test)]
mod tests;
