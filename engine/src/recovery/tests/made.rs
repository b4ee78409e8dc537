//! Logs that a test writes: one rule of recovery in each row.

use super::fixture::image;
use super::steps::Asked;
use super::{lines, mount, old};
use crate::device::DiskImage;
use crate::format::journal::{
    Commit, Descriptor, JournalFormat, JournalIncompat, JournalSuperblock, Revoke, Tag,
};
use crate::format::{Incompat, Superblock};
use crate::recovery::{MountError, Profile, Repair, recover};
use crate::scenario::Kernel;
use crate::units::{Block, BlockNr, Tid};

/// Where the journal of the fixtures starts.
pub(super) const JOURNAL: u64 = 26;
/// A block that nobody uses.
const FREE: BlockNr = BlockNr::new(2000);
const OTHER: BlockNr = BlockNr::new(2001);

/// A log that is being written.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) image: DiskImage,
    format: JournalFormat,
    pub(super) at: u64,
    tid: Tid,
}

fn full(byte: u8) -> Block {
    Block::from([byte; 4096])
}

impl Made {
    /// An empty log from a block of the journal on, whose first transaction is `tid`.
    pub(super) fn at(fixture: &str, start: u32, tid: u32, features: &[JournalIncompat]) -> Self {
        let mut image = image(fixture);
        let zero = BlockNr::new(JOURNAL);
        let mut block = image.block(zero).clone();
        let mut journal = JournalSuperblock::from_block(&block).unwrap();
        journal.start = start;
        journal.sequence = Tid::new(tid);
        for feature in features {
            journal.features = journal.features.with(*feature);
        }
        journal.write_into(&mut block);
        image.set(zero, block);
        let mut made = Self { image, format: journal.format(), at: u64::from(start), tid: Tid::new(tid) };
        made.superblock(|superblock| superblock.incompat = superblock.incompat.with(Incompat::RECOVER));
        made
    }

    fn csum() -> Self {
        Self::at("csum-clean", 1, 2, &[])
    }

    pub(super) fn superblock(&mut self, change: impl Fn(&mut Superblock)) {
        let mut block = self.image.block(BlockNr::new(0)).clone();
        let mut superblock = Superblock::from_block(&block).unwrap();
        change(&mut superblock);
        superblock.write_into(&mut block);
        self.image.set(BlockNr::new(0), block);
    }

    /// The last block that recovery asks about.
    fn last_asked(&self) -> Option<u64> {
        let mut disk = Asked { image: self.image.clone(), blocks: Vec::new() };
        recover(&mut disk, &Profile::of(Kernel::V6_6)).unwrap_err();
        disk.blocks.last().copied()
    }

    fn put(&mut self, block: Block) -> BlockNr {
        let at = BlockNr::new(JOURNAL + self.at);
        self.image.set(at, block);
        self.at = if self.at == 1023 { 1 } else { self.at + 1 };
        at
    }

    pub(super) fn spoil(&mut self, at: BlockNr, byte: usize) {
        let mut block = self.image.block(at).clone();
        block.bytes_mut()[byte] ^= 0x40;
        self.image.set(at, block);
    }

    /// A descriptor and its copies; where the descriptor is.
    pub(super) fn log(&mut self, copies: &[(BlockNr, u8)]) -> BlockNr {
        let tag =
            |(block, byte): &(BlockNr, u8)| Tag::of(*block, false, &self.format, self.tid, &full(*byte));
        let descriptor = Descriptor { tid: self.tid, tags: copies.iter().map(tag).collect() };
        let at = self.put(descriptor.to_block(&self.format));
        for (_, byte) in copies {
            self.put(full(*byte));
        }
        at
    }

    pub(super) fn revoke(&mut self, blocks: &[BlockNr]) -> BlockNr {
        let revoke = Revoke { tid: self.tid, blocks: blocks.to_vec() };
        self.put(revoke.to_block(&self.format))
    }

    pub(super) fn commit(&mut self, secs: u64) -> BlockNr {
        let commit = Commit::new(self.tid, secs, 5).to_block(&self.format);
        self.tid = self.tid.next();
        self.put(commit)
    }

    fn found(&self, kernel: Kernel) -> Result<(u8, u8), MountError> {
        let mut image = self.image.clone();
        mount(&image, kernel).map(|found| {
            assert_eq!(found.repairs, []);
            assert_eq!(lines(&found.tree), old());
            let mut first = |block| found.read(&mut image, block).bytes()[9];
            (first(FREE), first(OTHER))
        })
    }
}

/// What the two free blocks hold after recovery, or why there is none.
fn check(what: &str, made: &Made, expected: Result<(u8, u8), MountError>) {
    assert_eq!(made.found(Kernel::V6_6), expected, "{what}");
}

#[test]
fn where_the_log_ends() {
    let mut made = Made::csum();
    made.log(&[(FREE, 1), (OTHER, 2)]);
    check("a transaction without a commit block", &made, Ok((0, 0)));
    made.commit(50);
    check("a transaction with one", &made, Ok((1, 2)));
    made.log(&[(FREE, 3)]);
    check("one and a half transactions", &made, Ok((1, 2)));
    made.tid = Tid::new(9);
    made.commit(60);
    check("the commit block of another transaction", &made, Ok((1, 2)));

    for start in [1019, 1021, 1023] {
        let mut made = Made::at("csum-clean", start, u32::MAX, &[]);
        made.log(&[(FREE, 1), (OTHER, 2)]);
        made.commit(50);
        made.log(&[(OTHER, 3)]);
        made.commit(51);
        check("a log that wraps, of tids that wrap", &made, Ok((1, 3)));
    }

    let mut made = Made::at("csum-clean", 0, 2, &[]);
    made.at = 1;
    made.log(&[(FREE, 1)]);
    made.commit(50);
    check("a log whose superblock says that it is empty", &made, Ok((0, 0)));

    let mut made = Made::csum();
    made.log(&[(FREE, 1)]);
    made.commit(50);
    made.superblock(|superblock| superblock.incompat = superblock.incompat.without(Incompat::RECOVER));
    let found = mount(&made.image, Kernel::V6_6).unwrap();
    assert_eq!(found.repairs, [Repair::LogIgnored { first: Tid::new(2) }]);
    assert_eq!(found.read(&mut made.image, FREE), Block::zeroed(), "a log that nobody asked to replay");
}

#[test]
fn descriptors_with_bad_checksums() {
    let torn = |secs: Option<u64>, byte: usize| {
        let mut made = Made::csum();
        made.log(&[(FREE, 1)]);
        made.commit(50);
        let descriptor = made.log(&[(OTHER, 2), (FREE, 3)]);
        made.spoil(descriptor, byte);
        secs.map(|secs| made.commit(secs));
        made
    };
    let bad = Err(MountError::BadDescriptor { tid: Tid::new(3) });
    check("no commit block behind it", &torn(None, 4000), Ok((1, 0)));
    check("a commit block of the same second", &torn(Some(50), 4000), bad.clone());
    check("a later commit block", &torn(Some(51), 4000), bad);
    check("an older commit block: all of this is stale", &torn(Some(49), 4000), Ok((1, 0)));
    // Byte 19 holds the flags of the first tag: with LAST the second copy stands where a block of the log is expected.
    let mut made = torn(Some(51), 4000);
    made.spoil(BlockNr::new(JOURNAL + 4), 19);
    check("torn tags are counted as they stand", &made, Err(MountError::BadDescriptor { tid: Tid::new(3) }));
    let mut block = made.image.block(BlockNr::new(JOURNAL + 4)).clone();
    block.bytes_mut()[19] = 8;
    made.image.set(BlockNr::new(JOURNAL + 4), block);
    check("a tag that says too early that it is the last", &made, Ok((1, 0)));

    let mut made = Made::csum();
    let revoke = made.revoke(&[FREE]);
    made.log(&[(OTHER, 2)]);
    made.spoil(revoke, 100);
    check("a revoke block without a commit block", &made, Ok((0, 0)));
    made.commit(50);
    check("a revoke block that is committed", &made, Err(MountError::BadDescriptor { tid: Tid::new(2) }));
}

#[test]
fn commits_with_bad_checksums() {
    let torn = |features: &[JournalIncompat], secs: u64| {
        let mut made = Made::at("csum-clean", 1, 2, features);
        made.log(&[(FREE, 1)]);
        made.commit(50);
        made.log(&[(OTHER, 2)]);
        let commit = made.commit(secs);
        made.spoil(commit, 4000);
        made.log(&[(OTHER, 3)]);
        made.commit(secs + 1);
        made
    };
    let bad = Err(MountError::BadCommit { tid: Tid::new(3) });
    check("in sync mode the mount fails", &torn(&[], 50), bad.clone());
    assert_eq!(torn(&[], 50).last_asked(), Some(JOURNAL + 6), "behind the bad commit block nothing is read");
    check("older than the one before: the log ends there", &torn(&[], 49), Ok((1, 0)));
    check("with async commits the log ends there", &torn(&[JournalIncompat::ASYNC_COMMIT], 50), Ok((1, 0)));
    assert_eq!(
        torn(&[], 50).found(Kernel::V6_6_51),
        Ok((1, 3)),
        "only the zeros behind the header are not zero"
    );
    let mut made = torn(&[], 50);
    made.spoil(BlockNr::new(JOURNAL + 6), 0x38);
    assert_eq!(made.found(Kernel::V6_6_51), bad, "the header itself is bad");
}

#[test]
fn copies() {
    let mut made = Made::csum();
    made.log(&[(FREE, 1), (OTHER, 2)]);
    made.commit(50);
    made.spoil(BlockNr::new(JOURNAL + 2), 77);
    check("a bad copy", &made, Err(MountError::BadCopy { block: FREE, tid: Tid::new(2) }));
    made.spoil(BlockNr::new(JOURNAL + 3), 77);
    check("two bad copies", &made, Err(MountError::BadCopy { block: FREE, tid: Tid::new(2) }));
    assert_eq!(made.last_asked(), Some(JOURNAL + 2), "behind a bad copy nothing is read");

    let mut made = Made::csum();
    made.log(&[(BlockNr::new(4096), 1)]);
    made.commit(50);
    let outside = MountError::CopyOutside { tid: Tid::new(2), block: BlockNr::new(4096), blocks: 4096 };
    check("a copy of a block behind the end", &made, Err(outside));

    let mut made = Made::at("plain-clean", 1, 2, &[JournalIncompat::BITS_64]);
    made.log(&[(FREE, 1), (OTHER, 2)]);
    made.commit(50);
    check("tags of 64-bit block numbers without checksums", &made, Ok((1, 2)));

    // Block 28 of the disk is the first copy itself.
    let mut made = Made::csum();
    made.log(&[(FREE, 1), (BlockNr::new(JOURNAL + 2), 2), (OTHER, 3)]);
    made.commit(50);
    check("a log that overwrites its own copy", &made, Ok((1, 3)));
    let mut again = made.clone();
    again.log(&[(OTHER, 4)]);
    again.commit(51);
    check("and goes on", &again, Ok((1, 4)));
}

#[test]
fn revokes() {
    let mut made = Made::csum();
    made.log(&[(FREE, 1), (OTHER, 2)]);
    made.commit(50);
    made.revoke(&[FREE]);
    check("a revoke that is not committed", &made, Ok((1, 2)));
    made.log(&[(OTHER, 3)]);
    made.commit(51);
    check("a revoke in a later transaction", &made, Ok((0, 3)));
    made.log(&[(FREE, 4)]);
    made.commit(52);
    check("a block that is logged again after its revoke", &made, Ok((4, 3)));

    let mut made = Made::csum();
    made.revoke(&[FREE]);
    made.log(&[(FREE, 1), (OTHER, 2)]);
    made.commit(50);
    check("a revoke in the same transaction", &made, Ok((0, 2)));

    let mut made = Made::at("plain-clean", 1, 2, &[]);
    let revoke = made.revoke(&[FREE]);
    made.commit(50);
    made.spoil(revoke, 14);
    let found = made.found(Kernel::V6_6);
    assert!(
        matches!(found, Err(MountError::BadRevoke { .. })),
        "a revoke block that claims 16 KiB: {found:?}"
    );
}

#[test]
fn journals_that_cannot_be() {
    let with = |change: &dyn Fn(&mut JournalSuperblock)| {
        let mut made = Made::csum();
        let zero = BlockNr::new(JOURNAL);
        let mut block = made.image.block(zero).clone();
        let mut journal = JournalSuperblock::from_block(&block).unwrap();
        change(&mut journal);
        journal.write_into(&mut block);
        made.image.set(zero, block);
        made
    };
    let long = with(&|journal| journal.blocks = 1025);
    check("longer than its inode", &long, Err(MountError::JournalTooLong { claimed: 1025, mapped: 1024 }));
    let short = with(&|journal| journal.blocks = 1000);
    check("too short", &short, Err(MountError::JournalTooShort { blocks: 1000, least: 1024 }));
    let mut bad = with(&|_| {});
    bad.spoil(BlockNr::new(JOURNAL), 0x1b);
    let found = bad.found(Kernel::V6_6);
    assert!(
        matches!(&found, Err(MountError::JournalSuperblock(error)) if error.is_bad_checksum()),
        "{found:?}"
    );
}

#[test]
fn a_log_that_goes_in_circles() {
    // Four descriptors of the same transaction, each of which leads over 255 copies to the next one.
    let mut made = Made::at("plain-clean", 1, 2, &[]);
    for _ in 0..4 {
        let tags: Vec<(BlockNr, u8)> = (0..255).map(|block| (BlockNr::new(3000 + block), 1)).collect();
        let before = made.at;
        made.log(&tags);
        assert_eq!(made.at, if before + 256 > 1023 { 1 + (before + 256 - 1024) } else { before + 256 });
    }
    // The ring has 1023 blocks, 4 x 256 are one more: the last copy lies on the first descriptor.
    check("the first descriptor is overwritten", &made, Ok((0, 0)));
    let mut made = Made::at("plain-clean", 1, 2, &[]);
    for tags in [340, 340, 340_u64] {
        let tags: Vec<(BlockNr, u8)> = (0..tags).map(|block| (BlockNr::new(3000 + block), 1)).collect();
        made.log(&tags);
    }
    assert_eq!(made.at, 1, "3 x 341 blocks are the whole ring");
    check("no commit block ever comes", &made, Err(MountError::LogWithoutEnd { blocks: 1024 }));
}

#[test]
fn a_log_that_fills_the_ring() {
    let mut made = Made::at("plain-clean", 1, 2, &[]);
    for _ in 0..3 {
        // A descriptor, 339 copies and a commit block, three times: 1023 blocks.
        let tags: Vec<(BlockNr, u8)> = (0..339).map(|block| (BlockNr::new(1999 + block), 7)).collect();
        made.log(&tags);
        made.commit(50);
    }
    assert_eq!(made.at, 1);
    let found = made.found(Kernel::V6_6);
    assert_eq!(found, Ok((7, 7)), "the last commit block lies right before the first descriptor");
}
