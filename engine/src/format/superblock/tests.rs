#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::{NOW, UUID, flipped, mke2fs, mkimg, patched};
use super::*;
use proptest::prelude::*;

#[test]
fn reads_what_others_wrote() {
    let csum = Superblock::from_block(&mkimg("csum superblock")).unwrap();
    assert_eq!((csum.inodes, csum.blocks, csum.free_blocks, csum.free_inodes), (256, 4096, 3046, 241));
    assert_eq!((csum.blocks_per_group, csum.inodes_per_group, csum.groups()), (32768, 256, 1));
    assert_eq!((csum.mount_time, csum.write_time, csum.mkfs_time), (0, NOW, NOW));
    assert_eq!((csum.uuid, csum.journal_ino, csum.last_orphan), (UUID, Ino::new(8), Ino::new(0)));
    assert_eq!((csum.first_ino, csum.state, csum.max_mount_count), (Ino::new(11), 1, 0xFFFF));
    assert!(csum.has_journal() && csum.has_metadata_csum() && !csum.incompat.has(Incompat::RECOVER));

    let plain = Superblock::from_block(&mkimg("plain superblock")).unwrap();
    assert_eq!(plain, Superblock { ro_compat: plain.ro_compat, ..csum.clone() });
    assert_eq!(plain.ro_compat.with(RoCompat::METADATA_CSUM), csum.ro_compat);
    assert_eq!(plain.metadata_seed(), None);

    let made = Superblock::from_block(&mke2fs("superblock")).unwrap();
    assert_eq!((made.inodes, made.blocks, made.free_blocks, made.reserved_blocks), (256, 4096, 3033, 204));
}

#[test]
fn writing_what_was_read_changes_no_byte() {
    for block in [mkimg("csum superblock"), mkimg("plain superblock"), mke2fs("superblock")] {
        let mut written = block.clone();
        Superblock::from_block(&block).unwrap().write_into(&mut written);
        assert_eq!(written, block);
    }
}

#[test]
fn a_superblock_is_made_from_nothing() {
    for name in ["csum superblock", "plain superblock"] {
        let block = mkimg(name);
        let mut made = Block::zeroed();
        Superblock::from_block(&block).unwrap().write_into(&mut made);
        assert_eq!(made, block, "{name}");
    }
}

#[test]
fn a_change_is_sealed_and_keeps_the_rest() {
    let mut block = mke2fs("superblock");
    let before = Superblock::from_block(&block).unwrap();
    let after = Superblock {
        incompat: before.incompat.with(Incompat::RECOVER),
        last_orphan: Ino::new(12),
        mount_count: 7,
        ..before
    };
    after.write_into(&mut block);
    assert_eq!(Superblock::from_block(&block).unwrap(), after);
    assert_eq!(block.bytes()[0x648..0x64A], [0x14, 0x04], "the overhead, which has no name here");
}

#[test]
fn a_backup_starts_its_block_and_knows_its_group() {
    let first = Superblock::from_block(&mkimg("csum superblock")).unwrap();
    let mut block = Block::zeroed();
    first.write_backup_into(&mut block, 3);
    assert_eq!(Superblock::from_backup(&block).unwrap(), Superblock { group: 3, ..first });
    assert!(Superblock::from_block(&block).is_err());
}

/// A plain superblock with some bytes replaced, so that no checksum hides the field behind it.
#[track_caller]
fn check(what: &str, at: usize, with: &[u8], message: &str) {
    let block = patched(&mkimg("plain superblock"), START + at, with);
    let found = Superblock::from_block(&block).map_err(|error| error.to_string());
    assert_eq!(found.err().as_deref(), Some(message), "{what}");
}

#[test]
fn what_cannot_be_is_refused() {
    check("no magic", 0x38, &[0, 0], "corrupt superblock: magic is 0, expected 61267");
    check("no blocks", 0x04, &[0; 4], "corrupt superblock: block count is 0, expected at least 1");
    check(
        "more reserved blocks than blocks",
        0x08,
        &[1, 0x10, 0, 0],
        "corrupt superblock: reserved block count is 4097, expected at most 4096",
    );
    check(
        "empty groups, which would divide by zero",
        0x20,
        &[0; 8],
        "corrupt superblock: blocks per group is 0, expected at least 16",
    );
    check(
        "clusters, which are blocks here",
        0x24,
        &[0, 0x40, 0, 0],
        "corrupt superblock: clusters per group is 16384, expected 32768",
    );
    check(
        "a group beyond its bitmap",
        0x20,
        &[8, 0x80, 0, 0, 8, 0x80, 0, 0],
        "corrupt superblock: blocks per group is 32776, expected at most 32768",
    );
    check(
        "a group of odd size",
        0x20,
        &[33, 0, 0, 0, 33, 0, 0, 0],
        "corrupt superblock: blocks per group is 33, expected a multiple of 8",
    );
    check("no inodes", 0x28, &[0; 4], "corrupt superblock: inodes per group is 0, expected at least 16");
    check(
        "half a block of inodes",
        0x28,
        &[0, 1, 0, 0x80],
        "corrupt superblock: inodes per group is 2147483904, expected at most 32768",
    );
    check(
        "fewer inodes than groups have",
        0x00,
        &[255, 0],
        "corrupt superblock: inode count is 255, expected 256",
    );
    check(
        "more groups than the inodes allow",
        0x04,
        &[0xFF; 4],
        "corrupt superblock: inode count is 256, expected 33554432",
    );
    check(
        "a reserved first inode",
        0x54,
        &[10],
        "corrupt superblock: first inode is 10, expected at least 11",
    );
}

#[test]
fn what_is_not_modelled_is_refused_by_name() {
    check("ext2", 0x4C, &[0], "unsupported revision in the superblock: 0x0");
    check("1 KiB blocks", 0x18, &[0], "unsupported block size in the superblock: 0x0");
    check(
        "a shift that would overflow",
        0x18,
        &[0xFF; 4],
        "unsupported block size in the superblock: 0xffffffff",
    );
    check("bigalloc", 0x1C, &[6], "unsupported cluster size in the superblock: 0x6");
    check("small inodes", 0x58, &[128, 0], "unsupported inode size in the superblock: 0x80");
    check("copies elsewhere", 0x5D, &[0x02], "unsupported sparse_super2 in the superblock: 0x200");
    check(
        "64-bit with short descriptors",
        0x60,
        &[0xC2],
        "unsupported descriptor size in the superblock: 0x0",
    );
    check("inline data", 0x61, &[0x80], "unsupported inline_data in the superblock: 0x8000");
    check("kinds not stored", 0x60, &[0x40], "unsupported lack of filetype in the superblock: 0x40");
    check(
        "a feature of tomorrow",
        0x63,
        &[0x80],
        "unsupported unknown incompatible feature in the superblock: 0x80000000",
    );
    check("quota", 0x65, &[0x01], "unsupported quota in the superblock: 0x100");
    check(
        "a feature of tomorrow for writers",
        0x67,
        &[0x80],
        "unsupported unknown read-only compatible feature in the superblock: 0x80000000",
    );
}

#[test]
fn a_bad_checksum_is_refused() {
    let block = mkimg("csum superblock");
    for (what, at) in [("a count", 0x0C), ("a byte without a name", 0x300), ("the checksum", CHECKSUM)] {
        let error = Superblock::from_block(&flipped(&block, START + at)).unwrap_err();
        assert!(error.is_bad_checksum(), "{what}: {error}");
    }
    let error = Superblock::from_block(&patched(&block, START + 0x175, &[2])).unwrap_err();
    assert_eq!(error.to_string(), "unsupported checksum type in the superblock: 0x2");
    assert!(Superblock::from_block(&flipped(&block, 0)).is_ok(), "the first 1024 bytes are not its own");
    assert!(Superblock::from_block(&flipped(&block, START + LEN)).is_ok(), "nor are those behind it");
}

#[test]
fn a_file_system_must_fit_its_disk() {
    let superblock = Superblock::from_block(&mkimg("csum superblock")).unwrap();
    assert_eq!(superblock.check_fits(4096), Ok(()));
    let error = superblock.check_fits(4095).unwrap_err();
    assert_eq!(error.to_string(), "corrupt superblock: block count is 4096, expected at most 4095");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        start in any::<[u8; 32]>(), rest in proptest::collection::vec(any::<u8>(), 512), keep in any::<bool>(),
    ) {
        let mut block = mkimg("plain superblock");
        block.bytes_mut()[START..START + 32].copy_from_slice(&start);
        if !keep {
            block.bytes_mut()[START + 0x40..START + 0x40 + 512].copy_from_slice(&rest);
        }
        if let Ok(superblock) = Superblock::from_block(&block) {
            prop_assert!(superblock.groups() >= 1);
            prop_assert!(superblock.inode_place(Ino::new(superblock.inodes)).is_some());
            let mut written = block.clone();
            superblock.write_into(&mut written);
            prop_assert_eq!(Superblock::from_block(&written), Ok(superblock));
        }
    }

    #[test]
    fn any_geometry_is_read_without_panic(
        inodes in any::<u32>(), blocks in any::<u32>(), per_group in any::<u32>(), inodes_per_group in any::<u32>(),
    ) {
        let mut block = mkimg("plain superblock");
        for (at, value) in [
            (0x00, inodes), (0x04, blocks), (0x20, per_group), (0x24, per_group), (0x28, inodes_per_group),
        ] {
            block = patched(&block, START + at, &value.to_le_bytes());
        }
        let _ = Superblock::from_block(&block);
    }
}
