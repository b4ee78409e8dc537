#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::mkimg;
use super::*;

/// 5000 blocks in groups of 2048: two whole groups and one of 904.
fn three_groups() -> Superblock {
    Superblock {
        blocks: 5000,
        blocks_per_group: 2048,
        inodes_per_group: 64,
        inodes: 192,
        ..Superblock::from_block(&mkimg("csum superblock")).unwrap()
    }
}

#[test]
fn the_last_group_is_short() {
    let fs = three_groups();
    assert_eq!(fs.groups(), 3);
    assert_eq!((fs.blocks_in(0), fs.blocks_in(1), fs.blocks_in(2), fs.blocks_in(3)), (2048, 2048, 904, 0));
    assert_eq!(fs.first_block(2), BlockNr::new(4096));
    assert_eq!(fs.block_place(BlockNr::new(4999)), Some((2, 903)));
    assert_eq!(fs.block_place(BlockNr::new(5000)), None);
    assert_eq!(fs.inode_table_blocks(), 4);
}

#[test]
fn inodes_are_counted_from_one() {
    let fs = three_groups();
    let check = |name: &str, ino, place: Option<(u32, u32, u32, usize)>| {
        let found = fs.inode_place(Ino::new(ino));
        assert_eq!(found.map(|at| (at.group, at.bit, at.table_block, at.slot)), place, "{name}");
    };
    check("there is no inode 0", 0, None);
    check("the first", 1, Some((0, 0, 0, 0)));
    check("the first of the second block", 17, Some((0, 16, 1, 0)));
    check("the last of the first group", 64, Some((0, 63, 3, 15)));
    check("the first of the second group", 65, Some((1, 0, 0, 0)));
    check("the last", 192, Some((2, 63, 3, 15)));
    check("one beyond", 193, None);
}

#[test]
fn descriptors_follow_the_superblock() {
    let fs = three_groups();
    assert_eq!(fs.descriptor_blocks(), 1);
    assert_eq!(fs.descriptor_place(127), (BlockNr::new(1), 127));
    assert_eq!(fs.descriptor_place(128), (BlockNr::new(2), 0));
}

#[test]
fn copies_are_in_powers_of_three_five_and_seven() {
    let fs = three_groups();
    let with: Vec<u32> = (0..130).filter(|group| fs.has_copy(*group)).collect();
    assert_eq!(with, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
    let all = Superblock { ro_compat: fs.ro_compat.without(RoCompat::SPARSE_SUPER), ..fs };
    assert!((0..10).all(|group| all.has_copy(group)));
}

#[test]
fn a_descriptor_must_stay_in_its_group() {
    let fs = three_groups();
    let good = GroupDesc::read_from(&mkimg("csum descriptors"), 0, DescSize::Short, None).unwrap();
    let check = |name: &str, group, desc: GroupDesc, message: Option<&str>| {
        let found = desc.check_places(&fs, group).map_err(|error| error.to_string());
        assert_eq!(found.err().as_deref(), message, "{name}");
    };
    check("as made", 0, good.clone(), None);
    check(
        "in another group",
        1,
        good.clone(),
        Some("corrupt group descriptor: block bitmap is 2, expected at least 2048"),
    );
    check(
        "on the superblock",
        0,
        GroupDesc { inode_bitmap: BlockNr::new(0), ..good.clone() },
        Some("corrupt group descriptor: inode bitmap is 0, expected at least 2"),
    );
    check(
        "a table that ends with its group",
        0,
        GroupDesc { inode_table: BlockNr::new(2044), ..good.clone() },
        None,
    );
    check(
        "a table that goes on beyond it",
        0,
        GroupDesc { inode_table: BlockNr::new(2045), ..good.clone() },
        Some("corrupt group descriptor: inode table is 2045, expected at most 2044"),
    );
    check(
        "a bitmap beyond the disk",
        0,
        GroupDesc { block_bitmap: BlockNr::new(u64::from(u32::MAX)), ..good.clone() },
        Some("corrupt group descriptor: block bitmap is 4294967295, expected at most 2047"),
    );
    let flexible = Superblock { incompat: fs.incompat.with(Incompat::FLEX_BG), ..fs.clone() };
    assert_eq!(good.check_places(&flexible, 1), Ok(()), "with flex_bg any group will do");
}
