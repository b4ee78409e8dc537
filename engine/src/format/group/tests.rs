#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::bitmap;
use super::super::reference::{flipped, mke2fs, mkimg, seed};
use super::*;
use proptest::prelude::*;

#[test]
fn reads_what_others_wrote() {
    let check = |name: &str, block: &Block, csum, free: (u32, u32, u32, u32)| {
        let desc = GroupDesc::read_from(block, 0, DescSize::Short, csum).unwrap();
        let places = (desc.block_bitmap, desc.inode_bitmap, desc.inode_table);
        assert_eq!(places, (BlockNr::new(2), BlockNr::new(3), BlockNr::new(4)), "{name}");
        assert_eq!((desc.free_blocks, desc.free_inodes, desc.used_dirs, desc.itable_unused), free, "{name}");
        let mut written = Block::zeroed();
        desc.write_into(&mut written, 0, DescSize::Short, csum);
        assert_eq!(written, *block, "{name}: written as it was read");
    };
    let csum = Some((seed(), 0));
    check("builder, with checksums", &mkimg("csum descriptors"), csum, (3046, 241, 3, 241));
    check("builder, after a transaction", &mkimg("csum copy 0"), csum, (3046, 240, 3, 240));
    check("builder, plain", &mkimg("plain descriptors"), None, (3046, 241, 3, 0));
    check("mke2fs", &mke2fs("descriptors"), csum, (3033, 236, 4, 236));
}

#[test]
fn bitmaps_have_the_checksums_of_their_descriptor() {
    for (name, descriptors, blocks, inodes) in [
        ("builder", mkimg("csum descriptors"), mkimg("csum block bitmap"), mkimg("csum inode bitmap")),
        ("mke2fs", mke2fs("descriptors"), mke2fs("block bitmap"), mke2fs("inode bitmap")),
    ] {
        let desc = GroupDesc::read_from(&descriptors, 0, DescSize::Short, Some((seed(), 0))).unwrap();
        assert_eq!(
            bitmap::checksum(seed(), &blocks, 4096, DescSize::Short),
            desc.block_bitmap_csum,
            "{name}"
        );
        assert_eq!(
            bitmap::checksum(seed(), &inodes, 256 / 8, DescSize::Short),
            desc.inode_bitmap_csum,
            "{name}"
        );
        assert_eq!(bitmap::count_clear(&blocks, 4096), desc.free_blocks, "{name}");
        assert_eq!(bitmap::count_clear(&inodes, 256), desc.free_inodes, "{name}");
        assert_eq!(
            bitmap::find_clear(&blocks, 4096, bitmap::BITS),
            None,
            "{name}: nothing behind the last block"
        );

        let torn = flipped(&blocks, 100);
        let found = bitmap::verify(
            Structure::BlockBitmap,
            seed(),
            &torn,
            4096,
            (desc.block_bitmap_csum, DescSize::Short),
        );
        assert!(found.unwrap_err().is_bad_checksum(), "{name}");
    }
}

#[test]
fn a_bad_checksum_is_refused() {
    let block = mkimg("csum descriptors");
    for at in [0x00, 0x0C, CHECKSUM, CHECKSUM + 1] {
        let error =
            GroupDesc::read_from(&flipped(&block, at), 0, DescSize::Short, Some((seed(), 0))).unwrap_err();
        assert!(error.is_bad_checksum(), "{error}");
    }
    let error = GroupDesc::read_from(&block, 0, DescSize::Short, Some((seed(), 1))).unwrap_err();
    assert!(error.is_bad_checksum(), "the descriptor of another group: {error}");
    let error = GroupDesc::read_from(&block, 128, DescSize::Short, None).unwrap_err();
    assert_eq!(error.to_string(), "corrupt group descriptor: index in block is 128, expected at most 127");
}

proptest! {
    #[test]
    fn any_bytes_come_back(bytes in any::<[u8; 32]>(), more in any::<[u8; 32]>(), group in any::<u32>()) {
        for size in [DescSize::Short, DescSize::Long] {
            let mut block = Block::starting_with(&[bytes, more].concat());
            let desc = GroupDesc::read_from(&block, 0, size, None).unwrap();
            let csum = Some((seed(), group));
            desc.write_into(&mut block, 0, size, csum);
            prop_assert_eq!(GroupDesc::read_from(&block, 0, size, csum), Ok(desc.clone()));
            block = Block::zeroed();
            desc.write_into(&mut block, 63, size, csum);
            prop_assert_eq!(GroupDesc::read_from(&block, 63, size, csum), Ok(desc));
        }
    }
}
