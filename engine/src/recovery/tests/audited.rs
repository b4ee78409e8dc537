//! Damage that a mount does not notice, one kind in each row, and damage that a walk does. Each is shown to e2fsck too.

use super::fixture::image;
use super::{lines, measured, mount};
use crate::device::DiskImage;
use crate::format::{
    DescSize, Entries, Extent, ExtentNode, ExtentState, FileKind, GroupDesc, Index, RawInode, Superblock,
    bitmap, dirent,
};
use crate::recovery::MountError;
use crate::scenario::Kernel;
use crate::units::{Block, BlockNr, FileBlock, Ino};

const ROOT_BLOCK: BlockNr = BlockNr::new(20);
const BLOCKS: BlockNr = BlockNr::new(2);
const INODES: BlockNr = BlockNr::new(3);
const HELLO: u32 = 12;
const SUB: u32 = 13;

/// A file system without checksums that is being damaged.
struct Damaged(DiskImage);

impl Damaged {
    fn new() -> Self {
        Self(image("plain-clean"))
    }
    fn block(&mut self, nr: BlockNr, change: impl FnOnce(&mut Block)) {
        let mut block = self.0.block(nr).clone();
        change(&mut block);
        self.0.set(nr, block);
    }
    fn inode(&mut self, ino: u32, change: impl FnOnce(&mut RawInode)) {
        let slot = usize::try_from(ino - 1).unwrap();
        self.block(BlockNr::new(4), |block| {
            let mut inode = RawInode::read_from(block, slot, None).unwrap();
            change(&mut inode);
            inode.write_into(block, slot, None);
        });
    }
    fn group(&mut self, change: impl FnOnce(&mut GroupDesc)) {
        self.block(BlockNr::new(1), |block| {
            let mut group = GroupDesc::read_from(block, 0, DescSize::Short, None).unwrap();
            change(&mut group);
            group.write_into(block, 0, DescSize::Short, None);
        });
    }
    fn superblock(&mut self, change: impl FnOnce(&mut Superblock)) {
        self.block(BlockNr::new(0), |block| {
            let mut superblock = Superblock::from_block(block).unwrap();
            change(&mut superblock);
            superblock.write_into(block);
        });
    }
    /// A new inode 16 that takes block 3000 and has no name, all of it accounted for.
    fn nameless(&mut self) {
        let extent = Extent {
            from: FileBlock::new(0),
            blocks: 1,
            at: BlockNr::new(3000),
            state: ExtentState::Written,
        };
        self.inode(16, |inode| {
            *inode = RawInode::new();
            inode.mode = 0o100_644;
            inode.size = 4096;
            inode.sectors = 8;
            inode.flags = crate::format::InodeFlags::EXTENTS;
            inode.block = ExtentNode::leaf(vec![extent]).to_root();
        });
        self.block(BLOCKS, |map| bitmap::set(map, 3000));
        self.block(INODES, |map| bitmap::set(map, 15));
        self.group(|group| {
            group.free_blocks -= 1;
            group.free_inodes -= 1;
        });
    }
}

/// The repairs and the unreadable names.
fn check(what: &str, damage: impl FnOnce(&mut Damaged), expected: &[&str]) {
    let mut damaged = Damaged::new();
    damage(&mut damaged);
    let found = mount(&damaged.0, Kernel::V6_6).unwrap();
    let unreadable = lines(&found.tree).into_iter().filter(|line| line.split(' ').count() == 2);
    let found: Vec<String> = found.repairs.iter().map(ToString::to_string).chain(unreadable).collect();
    assert_eq!(found, expected, "{what}");
    measured::check(what, &damaged.0);
}

#[test]
fn bitmaps_and_counts() {
    check("nothing", |_| {}, &[]);
    check(
        "a block of a file is marked as free",
        |it| it.block(BLOCKS, |map| bitmap::clear(map, 22)),
        &["1 blocks in use are marked as free, first block 22"],
    );
    check(
        "a free block is marked as in use",
        |it| it.block(BLOCKS, |map| bitmap::set(map, 3000)),
        &["1 blocks that nothing uses are marked as in use, first block 3000"],
    );
    check(
        "a used and a free inode",
        |it| {
            it.block(INODES, |map| {
                bitmap::clear(map, 11);
                bitmap::set(map, 30);
            });
        },
        &[
            "1 inodes in use are marked as free, first inode 12",
            "1 inodes that nothing leads to are marked as in use, first inode 31",
        ],
    );
    check(
        "bits behind the end",
        |it| it.block(BLOCKS, |map| bitmap::clear(map, 5000)),
        &["bitmap 2 has clear bits behind its end"],
    );
    check(
        "counts of the group",
        |it| {
            it.group(|group| {
                group.free_blocks -= 2;
                group.free_inodes += 1;
                group.used_dirs = 4;
            });
        },
        &[
            "group 0 says that it has 4 directories, but it has 3",
            "group 0 says that it has 242 free inodes, but it has 241",
            "group 0 says that it has 3044 free blocks, but it has 3046",
        ],
    );
}

#[test]
fn inodes() {
    check(
        "links of a file",
        |it| it.inode(HELLO, |inode| inode.links = 2),
        &["inode 12 says that it has 2 links, but it has 1"],
    );
    check(
        "space",
        |it| it.inode(HELLO, |inode| inode.sectors = 24),
        &["inode 12 says that it takes 24 sectors, but it takes 16"],
    );
    check(
        "a size before written blocks",
        |it| it.inode(HELLO, |inode| inode.size = 4095),
        &["inode 12 has a size of 4095 bytes, but its blocks reach to byte 8192"],
    );
    check("a size right before the last written block", |it| it.inode(HELLO, |inode| inode.size = 4096), &[]);
    check(
        "a deleted inode that has a name",
        |it| it.inode(HELLO, |inode| inode.links = 0),
        &[
            "inode 12 cannot be read: EUCLEAN",
            "2 blocks that nothing uses are marked as in use, first block 22",
            "group 0 says that it has 3046 free blocks, but it has 3048",
            "/hello EUCLEAN",
        ],
    );
    check(
        "a directory with another size",
        |it| it.inode(SUB, |inode| inode.size = 8192),
        &[
            "directory 13 has a block that cannot be read: EUCLEAN",
            "inode 13 has a size of 8192 bytes, but its blocks reach to byte 4096",
        ],
    );
    check(
        "blocks of another file",
        |it| {
            let extent =
                Extent { from: FileBlock::new(0), blocks: 2, at: ROOT_BLOCK, state: ExtentState::Written };
            it.inode(HELLO, |inode| inode.block = ExtentNode::leaf(vec![extent]).to_root());
        },
        &[
            "block 20 of inode 12 is in use elsewhere too",
            "2 blocks that nothing uses are marked as in use, first block 22",
            "group 0 says that it has 3046 free blocks, but it has 3048",
        ],
    );
}

#[test]
fn directories() {
    check(
        "the kind of an entry",
        |it| {
            it.block(ROOT_BLOCK, |block| {
                dirent::replace_ino(block, b"hello", Ino::new(HELLO), FileKind::FIFO, None).unwrap();
            });
        },
        &["an entry says that inode 12 is of another kind"],
    );
    check(
        "a second name of a directory",
        |it| {
            it.block(ROOT_BLOCK, |block| {
                dirent::replace_ino(block, b"hello", Ino::new(SUB), FileKind::DIRECTORY, None).unwrap();
            });
        },
        &[
            "directory 13 has a second name",
            "inode 13 says that it has 2 links, but it has 3",
            "1 inodes that nothing leads to are marked as in use, first inode 12",
            "group 0 says that it has 241 free inodes, but it has 242",
            "2 blocks that nothing uses are marked as in use, first block 22",
            "group 0 says that it has 3046 free blocks, but it has 3048",
            "inode 12 is in use, but has no name",
            "/sub EUCLEAN",
        ],
    );
    check(
        "a wrong parent",
        |it| {
            it.block(BlockNr::new(24), |block| {
                dirent::replace_ino(block, b"..", Ino::new(11), FileKind::DIRECTORY, None).unwrap();
            });
        },
        &[
            "directory 13 does not start with . and .. as it should",
            "inode 2 says that it has 4 links, but it has 3",
            "inode 11 says that it has 2 links, but it has 3",
        ],
    );
}

#[test]
fn orphans() {
    check(
        "an inode without a name",
        Damaged::nameless,
        &[
            "1 inodes that nothing leads to are marked as in use, first inode 16",
            "group 0 says that it has 240 free inodes, but it has 241",
            "1 blocks that nothing uses are marked as in use, first block 3000",
            "group 0 says that it has 3045 free blocks, but it has 3046",
        ],
    );
    let orphan = |it: &mut Damaged| {
        it.nameless();
        it.superblock(|superblock| superblock.last_orphan = Ino::new(16));
    };
    check("the same on the orphan list", orphan, &[]);
    check(
        "a list of two, the second being truncated",
        |it| {
            orphan(it);
            it.inode(16, |inode| inode.dtime = HELLO);
            it.inode(HELLO, |inode| inode.size = 100);
        },
        &[],
    );
    check(
        "a list in a circle",
        |it| {
            orphan(it);
            it.inode(16, |inode| inode.dtime = 16);
        },
        &["the orphan list leads to inode 16, which is no orphan"],
    );
    check(
        "a free inode on the list",
        |it| it.superblock(|superblock| superblock.last_orphan = Ino::new(200)),
        &["the orphan list leads to inode 200, which is no orphan"],
    );
}

#[test]
fn deep_extent_trees() {
    let leaf = |from: u32, at: u64| {
        let extent = Extent {
            from: FileBlock::new(from),
            blocks: 1,
            at: BlockNr::new(at),
            state: ExtentState::Written,
        };
        ExtentNode::leaf(vec![extent]).to_block(None)
    };
    let index = |leaves: &[(u32, u64)], depth| ExtentNode {
        depth,
        entries: Entries::Index(
            leaves
                .iter()
                .map(|(from, at)| Index { from: FileBlock::new(*from), leaf: BlockNr::new(*at) })
                .collect(),
        ),
    };
    let deep = |it: &mut Damaged, depth: u16| {
        it.0.set(BlockNr::new(3001), leaf(0, 22));
        it.0.set(BlockNr::new(3002), leaf(1, 23));
        it.0.set(BlockNr::new(3003), index(&[(0, 3001), (1, 3002)], depth).to_block(None));
        it.inode(HELLO, |inode| {
            inode.block = index(&[(0, 3003)], 2).to_root();
            inode.sectors = 40;
        });
        it.block(BLOCKS, |map| (3001..=3003).for_each(|block| bitmap::set(map, block)));
        it.group(|group| group.free_blocks -= 3);
    };
    check("two levels", |it| deep(it, 1), &[]);
    let lost = [
        "inode 12 cannot be read: EUCLEAN",
        "5 blocks that nothing uses are marked as in use, first block 22",
        "group 0 says that it has 3043 free blocks, but it has 3048",
        "/hello EUCLEAN",
    ];
    check("a child that is as deep as its parent", |it| deep(it, 2), &lost);
    check(
        "a node that is its own child",
        |it| {
            deep(it, 1);
            it.0.set(BlockNr::new(3003), index(&[(0, 3003), (1, 3002)], 1).to_block(None));
        },
        &lost,
    );
    check(
        "leaves out of order",
        |it| {
            deep(it, 1);
            it.0.set(BlockNr::new(3001), leaf(3, 22));
        },
        &lost,
    );
}

#[test]
fn bad_checksums() {
    let spoiled = |block: u64, byte: usize| {
        let mut image = image("csum-clean");
        let mut content = image.block(BlockNr::new(block)).clone();
        content.bytes_mut()[byte] ^= 1;
        image.set(BlockNr::new(block), content);
        measured::check(&format!("byte {byte} of block {block}"), &image);
        mount(&image, Kernel::V6_6)
    };
    for (what, block, byte, path) in
        [("an inode", 4, 11 * 256 + 12, "/hello EBADMSG"), ("the block of a symlink has none", 25, 3000, "")]
    {
        let found = spoiled(block, byte).unwrap();
        let unreadable: String =
            lines(&found.tree).into_iter().filter(|line| line.ends_with("EBADMSG")).collect();
        assert_eq!(unreadable, path, "{what}");
        assert_eq!(found.repairs.is_empty(), path.is_empty(), "{what}");
    }
    for (what, block, byte) in [("block bitmap", 2, 400), ("inode bitmap", 3, 30)] {
        let repairs: Vec<String> =
            spoiled(block, byte).unwrap().repairs.iter().map(ToString::to_string).collect();
        assert_eq!(repairs[0], format!("corrupt {what}: its checksum is bad"));
    }
    let root = MountError::Root { errno: crate::history::Errno::EBADMSG };
    assert_eq!(spoiled(4, 256).map(|_| ()), Err(root), "the inode of the root");
    for (what, block, path, damage) in [
        ("a directory block", 24, "/sub", "directory 13 has a block that cannot be read: EBADMSG"),
        ("the block of the root", 20, "/", "directory 2 has a block that cannot be read: EBADMSG"),
    ] {
        // readdir(2) passes over it: the directory stays, without the names in that block.
        let found = spoiled(block, 3000).unwrap();
        let below = found.tree.entries.keys().filter(|name| name.starts_with(path) && *name != path).count();
        assert_eq!(below, 0, "{what}");
        assert_eq!(found.repairs[0].to_string(), damage, "{what}");
    }
    assert!(matches!(spoiled(1, 12), Err(MountError::Group { group: 0, .. })), "a group descriptor");
    assert!(matches!(spoiled(0, 1100), Err(MountError::Superblock(error)) if error.is_bad_checksum()));
}
