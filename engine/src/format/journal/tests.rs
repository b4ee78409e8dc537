#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::checksum::crc32_be;
use super::super::reference::{NOW, UUID, flipped, mke2fs, mkimg, patched};
use super::*;
use crate::units::BlockNr;
use proptest::prelude::*;

const TID: Tid = Tid::new(2);
const PROFILES: [(&str, u32); 2] = [("csum", 0x10), ("plain", 0)];

fn format(compat: u32, incompat: u32) -> JournalFormat {
    let features = JournalFeatures { compat: JournalCompat(compat), incompat: JournalIncompat(incompat) };
    JournalFormat { features, seed: JournalSeed::of(&UUID) }
}

#[test]
fn the_superblock_is_as_others_wrote_it() {
    #[track_caller]
    fn check(block: &Block, sequence: u32, start: u32, compat: u32, incompat: u32) {
        let found = JournalSuperblock::from_block(block).unwrap();
        let expected = JournalSuperblock {
            blocks: 1024,
            first: 1,
            sequence: Tid::new(sequence),
            start,
            errno: 0,
            features: format(compat, incompat).features,
            ro_compat: 0,
            uuid: UUID,
            users: 1,
            fast_commit_blocks: 0,
            head: 0,
        };
        assert_eq!(found, expected);
        assert_eq!(found.format(), format(compat, incompat));
        let mut made = Block::zeroed();
        found.write_into(&mut made);
        assert_eq!(made, *block, "made from nothing");
    }
    check(&mkimg("csum journal superblock"), 1, 0, 0, 0x11);
    check(&mkimg("csum dirty journal superblock"), 2, 1, 0, 0x11);
    check(&mkimg("plain journal superblock"), 1, 0, 0, 0x1);
    check(&mkimg("plain dirty journal superblock"), 2, 1, 0, 0x1);
    check(&mkimg("v1 journal superblock"), 2, 1, 1, 0x1);
    check(&mke2fs("journal superblock"), 1, 0, 0, 0);
}

#[test]
fn a_superblock_keeps_bytes_without_a_name() {
    let mut block = patched(&mkimg("plain journal superblock"), 0x100, &[7; 16]);
    let before = JournalSuperblock::from_block(&block).unwrap();
    let after = JournalSuperblock { start: 9, sequence: Tid::new(5), errno: -5, head: 3, ..before };
    after.write_into(&mut block);
    assert_eq!(JournalSuperblock::from_block(&block), Ok(after));
    assert_eq!(block.bytes()[0x100..0x110], [7; 16]);
}

#[test]
fn a_superblock_that_cannot_be_is_refused() {
    let check = |what: &str, at: usize, with: &[u8], message: &str| {
        let block = patched(&mkimg("plain journal superblock"), at, with);
        let found = JournalSuperblock::from_block(&block).map_err(|error| error.to_string());
        assert_eq!(found.err().as_deref(), Some(message), "{what}");
    };
    check("no magic", 0, &[0; 4], "corrupt journal superblock: magic is 0, expected 3225106840");
    check("version 1", 7, &[3], "unsupported version in the journal superblock: 0x1");
    check("a commit block", 7, &[2], "corrupt journal superblock: type is 2, expected 4");
    check("1 KiB blocks", 0x0E, &[4, 0], "corrupt journal superblock: block size is 1024, expected 4096");
    check("no blocks", 0x10, &[0; 4], "corrupt journal superblock: block count is 0, expected at least 2");
    check(
        "a log that starts at the superblock",
        0x17,
        &[0],
        "corrupt journal superblock: first block of the log is 0, expected at least 1",
    );
    check(
        "a log that starts behind the journal",
        0x16,
        &[4, 0],
        "corrupt journal superblock: first block of the log is 1024, expected at most 1023",
    );
    check(
        "a start behind the journal",
        0x1E,
        &[4, 0],
        "corrupt journal superblock: start of the log is 1024, expected at most 1023",
    );
    check(
        "a start before the log",
        0x17,
        &[5, 0, 0, 0, 1, 0, 0, 0, 1],
        "corrupt journal superblock: start of the log is 1, expected at least 5",
    );
    check(
        "a feature of tomorrow",
        0x28,
        &[0x80],
        "unsupported unknown incompatible feature in the journal superblock: 0x80000000",
    );
    check(
        "a feature of tomorrow for writers",
        0x2F,
        &[1],
        "unsupported unknown read-only compatible feature in the journal superblock: 0x1",
    );
    check(
        "v2 and v3",
        0x2B,
        &[0x18],
        "unsupported mixture of checksum versions in the journal superblock: 0x18",
    );
    check(
        "v1 and v3",
        0x27,
        &[1, 0, 0, 0, 0x10],
        "unsupported mixture of checksum versions in the journal superblock: 0x10",
    );
    check("v3, not crc32c", 0x2B, &[0x10], "unsupported checksum type in the journal superblock: 0x0");
}

#[test]
fn a_superblock_with_a_bad_checksum_is_refused() {
    let block = mkimg("csum dirty journal superblock");
    for (what, at) in [("the start", 0x1F), ("a byte without a name", 0x200), ("the checksum", 0xFC)] {
        let error = JournalSuperblock::from_block(&flipped(&block, at)).unwrap_err();
        assert!(error.is_bad_checksum(), "{what}: {error}");
    }
    assert!(JournalSuperblock::from_block(&flipped(&block, 1024)).is_ok(), "it covers 1024 bytes");
}

#[test]
fn a_descriptor_is_as_others_wrote_it() {
    for (profile, incompat) in PROFILES {
        let format = format(0, incompat);
        let block = mkimg(&format!("{profile} descriptor"));
        assert_eq!(header(&block), Some(JournalHeader { kind: BlockType::DESCRIPTOR, tid: TID }));
        let copies = (0..4).map(|nr| mkimg(&format!("{profile} copy {nr}")));
        let tags: Vec<Tag> = [1, 3, 4, 20]
            .into_iter()
            .zip(copies)
            .map(|(at, copy)| Tag::of(BlockNr::new(at), false, &format, TID, &copy))
            .collect();
        let descriptor = Descriptor { tid: TID, tags };
        assert_eq!(descriptor.to_block(&format), block, "{profile}");
        assert_eq!(Descriptor::from_block(&block, &format).as_ref(), Ok(&descriptor), "{profile}");
        assert_eq!(Descriptor::verify(&block, &format), Ok(()), "{profile}");

        let torn = flipped(&block, 300);
        assert_eq!(Descriptor::verify(&torn, &format).is_err(), profile == "csum", "{profile}");
        assert_eq!(
            Descriptor::from_block(&torn, &format),
            Ok(descriptor),
            "tags count in spite of a bad checksum"
        );
    }
}

#[test]
fn tags_tell_their_copies_from_others() {
    let copy = mkimg("csum copy 0");
    for (name, compat, incompat, tells) in
        [("none", 0, 0, false), ("v1", 1, 0, false), ("v2", 0, 8, true), ("v3", 0, 0x10, true)]
    {
        let format = format(compat, incompat);
        let tag = Tag::of(BlockNr::new(1), false, &format, TID, &copy);
        assert!(tag.matches(&format, TID, &copy), "{name}");
        assert_eq!(!tag.matches(&format, TID, &flipped(&copy, 9)), tells, "{name}: another copy");
        assert_eq!(!tag.matches(&format, TID.next(), &copy), tells, "{name}: another transaction");
    }
    let v2 = Tag::of(BlockNr::new(1), false, &format(0, 8), TID, &copy);
    assert_eq!(v2.csum, tag_checksum(JournalSeed::of(&UUID), TID, &copy) & 0xFFFF, "v2 keeps the low half");
}

#[test]
fn a_magic_in_a_copy_is_escaped() {
    for (profile, incompat) in PROFILES {
        let format = format(0, incompat);
        let block = Block::starting_with(&MAGIC.to_be_bytes());
        let (logged, escaped) = escape(&block);
        assert!(escaped);
        assert_eq!(logged, mkimg(&format!("{profile} escaped copy")));
        assert_eq!(unescape(&logged), block);

        let found = Descriptor::from_block(&mkimg(&format!("{profile} escape descriptor")), &format).unwrap();
        let tag = Tag::of(BlockNr::new(22), true, &format, TID, &logged);
        assert_eq!(found.tags.last(), Some(&tag), "{profile}: its checksum is that of what was logged");
        assert_eq!(found.tags.iter().filter(|tag| tag.escaped).count(), 1, "{profile}");
    }
    let plain = mkimg("csum copy 3");
    let (logged, escaped) = escape(&plain);
    assert!(!escaped && logged.is_same(&plain), "any other block is logged as it is");
}

#[test]
fn tags_and_revokes_have_known_sizes() {
    let check = |name: &str, compat, incompat, tag_bytes, tags, revokes| {
        let format = format(compat, incompat);
        let found = (format.features.tag_bytes(), format.tags_per_descriptor(), format.revokes_per_block());
        assert_eq!(found, (tag_bytes, tags, revokes), "{name}");
    };
    // 4096 - 12 - 16 bytes for tags; one more tag, a UUID and the tail must fit when the next one is begun.
    check("no features", 0, 0, 8, 506, 1020);
    check("v1", 1, 0, 8, 506, 1020);
    check("64-bit", 0, 2, 12, 337, 510);
    check("v2", 0, 8, 10, 404, 1019);
    check("v2, 64-bit", 0, 0xA, 14, 289, 509);
    check("v3", 0, 0x10, 16, 253, 1019);
    check("v3, 64-bit", 0, 0x12, 16, 253, 509);
}

#[test]
fn a_revoke_is_as_others_wrote_it() {
    for (profile, incompat) in PROFILES {
        let format = format(0, incompat);
        let block = mkimg(&format!("{profile} revoke"));
        let revoke = Revoke { tid: Tid::new(3), blocks: vec![BlockNr::new(22)] };
        assert_eq!(Revoke::from_block(&block, &format).as_ref(), Ok(&revoke), "{profile}");
        assert_eq!(revoke.to_block(&format), block, "{profile}");
        assert_eq!(Revoke::verify(&block, &format), Ok(()));
        assert_eq!(Revoke::verify(&flipped(&block, 100), &format).is_err(), profile == "csum", "{profile}");
    }
    let check = |name: &str, used: u32, found: Result<usize, &str>| {
        let block = patched(&mkimg("csum revoke"), 12, &used.to_be_bytes());
        let revoke = Revoke::from_block(&block, &format(0, 0x10)).map_err(|error| error.to_string());
        assert_eq!(revoke.map(|revoke| revoke.blocks.len()), found.map_err(str::to_owned), "{name}");
    };
    check("shorter than its header", 3, Ok(0));
    check("a part of a number", 23, Ok(1));
    check("all of the block", 4092, Ok(1019));
    check("the tail too", 4093, Err("corrupt revoke block: bytes in use is 4093, expected at most 4092"));
    check(
        "far beyond",
        u32::MAX,
        Err("corrupt revoke block: bytes in use is 4294967295, expected at most 4092"),
    );
}

#[test]
fn a_commit_is_as_others_wrote_it() {
    for (profile, incompat) in PROFILES {
        let format = format(0, incompat);
        let block = mkimg(&format!("{profile} commit"));
        let commit = Commit::new(TID, NOW.into(), 123);
        assert_eq!(commit.to_block(&format), block, "{profile}");
        let found = Commit::from_block(&block).unwrap();
        assert_eq!((found.tid, found.secs, found.nanos), (TID, NOW.into(), 123), "{profile}");
        assert_eq!(Commit::verify(&block, &format), CommitChecksum::Good, "{profile}");
    }
}

#[test]
fn a_torn_commit_is_told_from_a_bad_one() {
    let check = |name: &str, block: &Block, incompat, found| {
        assert_eq!(Commit::verify(block, &format(0, incompat)), found, "{name}");
    };
    let whole = mkimg("csum commit");
    let torn = mkimg("csum torn commit");
    check("whole", &whole, 0x10, CommitChecksum::Good);
    check("only the first sector", &torn, 0x10, CommitChecksum::GoodAsTorn);
    check("something old behind the header", &flipped(&whole, 60), 0x10, CommitChecksum::GoodAsTorn);
    check("another time", &flipped(&whole, 59), 0x10, CommitChecksum::Bad);
    check("another checksum", &flipped(&whole, 0x10), 0x10, CommitChecksum::Bad);
    check("only the first sector, and another time", &flipped(&torn, 59), 0x10, CommitChecksum::Bad);
    check("v2 is the same", &torn, 8, CommitChecksum::GoodAsTorn);
    check("without checksums", &mkimg("plain torn commit"), 0, CommitChecksum::Good);
}

#[test]
fn a_checksum_v1_covers_descriptor_and_copies() {
    let format = format(1, 1);
    // The other blocks of this transaction are those of the plain one.
    let blocks = ["plain descriptor", "plain copy 0", "plain copy 1", "plain copy 2", "plain copy 3"];
    let computed = blocks.into_iter().fold(u32::MAX, |crc, name| crc32_be(crc, mkimg(name).bytes()));
    let block = mkimg("v1 commit");
    let commit = Commit::new(TID, NOW.into(), 123).with_v1(computed);
    assert_eq!(commit.to_block(&format), block);
    assert_eq!(Commit::from_block(&block), Ok(commit));
    assert!(commit.matches_v1(computed) && !commit.matches_v1(computed ^ 1));
    assert!(Commit::new(TID, 0, 0).matches_v1(computed), "none at all is good");
    assert!(!Commit { checksum: 1, ..Commit::new(TID, 0, 0) }.matches_v1(computed), "half of one is not");
    assert!(!Commit { checksum_bytes: 8, ..commit }.matches_v1(computed), "nor one of another size");
}

#[test]
fn a_block_of_one_type_is_no_other() {
    let format = format(0, 0x10);
    let check = |name: &str, result: Result<(), super::super::FormatError>, message: &str| {
        assert_eq!(result.map_err(|error| error.to_string()), Err(message.to_owned()), "{name}");
    };
    let commit = mkimg("csum commit");
    let of_commit = |kind| format!("corrupt {kind}: type is 2, expected ");
    check(
        "a commit as descriptor",
        Descriptor::from_block(&commit, &format).map(drop),
        &(of_commit("descriptor block") + "1"),
    );
    check(
        "a commit as revoke",
        Revoke::from_block(&commit, &format).map(drop),
        &(of_commit("revoke block") + "5"),
    );
    check(
        "zeros as commit",
        Commit::from_block(&Block::zeroed()).map(drop),
        "corrupt commit block: magic is 0, expected 3225106840",
    );
    assert_eq!(header(&Block::zeroed()), None);
    assert_eq!(header(&patched(&commit, 7, &[99])).map(|header| header.kind), Some(BlockType(99)));
}

/// Every combination of features that a superblock may have.
fn formats() -> impl Strategy<Value = JournalFormat> {
    let checksums = prop_oneof![Just((0, 0)), Just((1, 0)), Just((0, 8)), Just((0, 0x10))];
    (checksums, any::<bool>(), any::<[u8; 16]>()).prop_map(|((compat, incompat), wide, uuid)| {
        let incompat = if wide { incompat | 2 } else { incompat };
        JournalFormat { seed: JournalSeed::of(&uuid), ..format(compat, incompat) }
    })
}

/// Block numbers as wide as the journal allows.
fn narrowed(blocks: Vec<u64>, format: &JournalFormat) -> Vec<BlockNr> {
    let wide = format.features.has(JournalIncompat::BITS_64);
    blocks.into_iter().map(|nr| BlockNr::new(if wide { nr } else { nr & 0xFFFF_FFFF })).collect()
}

proptest! {
    #[test]
    fn descriptors_come_back(
        format in formats(), tid in any::<u32>(), blocks in proptest::collection::vec(any::<u64>(), 1..600),
        fill in any::<u8>(),
    ) {
        let tid = Tid::new(tid);
        let logged = Block::from([fill; 4096]);
        let mut tags: Vec<Tag> = narrowed(blocks, &format)
            .into_iter()
            .map(|block| Tag::of(block, block.get() % 3 == 0, &format, tid, &logged))
            .collect();
        tags.truncate(format.tags_per_descriptor());
        let descriptor = Descriptor { tid, tags };
        let block = descriptor.to_block(&format);
        prop_assert_eq!(Descriptor::verify(&block, &format), Ok(()));
        prop_assert_eq!(Descriptor::from_block(&block, &format), Ok(descriptor));
    }

    #[test]
    fn revokes_come_back(
        format in formats(), tid in any::<u32>(), blocks in proptest::collection::vec(any::<u64>(), 0..1100),
    ) {
        let mut blocks = narrowed(blocks, &format);
        blocks.truncate(format.revokes_per_block());
        let revoke = Revoke { tid: Tid::new(tid), blocks };
        let block = revoke.to_block(&format);
        prop_assert_eq!(Revoke::verify(&block, &format), Ok(()));
        prop_assert_eq!(Revoke::from_block(&block, &format), Ok(revoke));
    }

    #[test]
    fn commits_come_back(
        format in formats(), tid in any::<u32>(), secs in any::<u64>(), nanos in any::<u32>(), at in 0_usize..60,
    ) {
        let commit = Commit::new(Tid::new(tid), secs, nanos);
        let block = commit.to_block(&format);
        let found = Commit::from_block(&block).unwrap();
        prop_assert_eq!((found.tid, found.secs, found.nanos), (commit.tid, secs, nanos));
        prop_assert_eq!(Commit::verify(&block, &format), CommitChecksum::Good);
        if format.features.has_block_checksums() {
            prop_assert_eq!(Commit::verify(&flipped(&block, at), &format), CommitChecksum::Bad);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        format in formats(), bytes in proptest::collection::vec(any::<u8>(), 4096), kind in 0_u8..7,
    ) {
        let mut block = Block::starting_with(&bytes);
        for start in [[0; 4], MAGIC.to_be_bytes()] {
            block = patched(&patched(&block, 0, &start), 4, &[0, 0, 0, kind]);
            // A descriptor without LAST goes on to its end.
            if let Ok(descriptor) = Descriptor::from_block(&block, &format) {
                prop_assert!(descriptor.tags.len() <= 4084 / format.features.tag_bytes());
            }
            let _ = (Descriptor::verify(&block, &format), Revoke::verify(&block, &format));
            let _ = (Revoke::from_block(&block, &format), Commit::from_block(&block));
            let _ = (Commit::verify(&block, &format), JournalSuperblock::from_block(&block));
            let (logged, escaped) = escape(&block);
            prop_assert_eq!(if escaped { unescape(&logged) } else { logged }, block.clone());
        }
    }

    #[test]
    fn any_superblock_is_read_without_panic(fields in any::<[u8; 0x30]>()) {
        // Magic, type and block size are good.
        let block = patched(&mkimg("plain journal superblock"), 0x10, &fields);
        if let Ok(superblock) = JournalSuperblock::from_block(&block) {
            let mut written = block.clone();
            superblock.write_into(&mut written);
            prop_assert_eq!(written, block);
        }
    }

    #[test]
    fn superblocks_come_back(
        blocks in 2_u32.., first in any::<u32>(), sequence in any::<u32>(), start in any::<u32>(), errno in any::<i32>(),
        format in formats(), head in any::<u32>(), uuid in any::<[u8; 16]>(),
    ) {
        let first = 1 + first % (blocks - 1);
        let start = if start % 2 == 0 { 0 } else { first + start % (blocks - first) };
        let superblock = JournalSuperblock {
            blocks, first, sequence: Tid::new(sequence), start, errno, features: format.features, ro_compat: 0, uuid,
            users: 1, fast_commit_blocks: 0, head,
        };
        let mut block = Block::zeroed();
        superblock.write_into(&mut block);
        prop_assert_eq!(JournalSuperblock::from_block(&block), Ok(superblock));
    }
}
