//! Any bytes: recovery ends, without a panic, with the same answer each time.

use super::fixture::{NAMES, image};
use super::steps::stepped;
use crate::device::DiskImage;
use crate::recovery::{Audit, Profile, recover};
use crate::scenario::Kernel;
use crate::units::{Block, BlockNr};
use proptest::prelude::*;

fn survives(mut image: DiskImage) {
    for kernel in [Kernel::V6_6, Kernel::V6_6_51] {
        let full = recover(&mut image, &Profile::of(kernel));
        let again = recover(&mut image, &Profile::of(kernel));
        assert_eq!(full, again, "the same bytes have the same answer");
        assert_eq!(
            full,
            stepped(&mut image, &Profile::of(kernel)),
            "so has a recovery that is copied at each step"
        );
        let quick = recover(&mut image, &Profile { audit: Audit::Skip, ..Profile::of(kernel) });
        match (full, quick) {
            (Ok(full), Ok(quick)) => {
                assert_eq!(full.tree, quick.tree, "the audit changes nothing");
                (0..image.blocks()).step_by(97).for_each(|nr| {
                    full.read(&mut image, BlockNr::new(nr));
                });
            }
            (full, quick) => assert_eq!(full.err(), quick.err()),
        }
        if let Err(error) = recover(&mut image, &Profile::of(kernel)) {
            assert!(!error.to_string().is_empty() && error.errno().number() > 0);
        }
    }
}

/// Where something stands that recovery reads, and a value of two or four bytes to put there.
fn change() -> impl Strategy<Value = (u64, usize, u32, bool)> {
    let block = prop_oneof![
        2 => Just(0_u64), 1 => 1..4_u64, 4 => Just(4_u64), 2 => 20..26_u64, 4 => 26..34_u64,
    ];
    let offset = prop_oneof![
        0..64_usize,
        1024..1400_usize,
        0..4090_usize,
        (0..16_usize, 0..64_usize).prop_map(|(slot, at)| slot * 256 + at)
    ];
    let value =
        prop_oneof![Just(0_u32), Just(u32::MAX), Just(0x8000_0000), 0..64_u32, 4090..4100_u32, any::<u32>(),];
    (block, offset, value, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn changed_images(name in prop::sample::select(NAMES), changes in prop::collection::vec(change(), 1..6)) {
        let mut image = image(name);
        for (nr, offset, value, is_short) in changes {
            let mut block = image.block(BlockNr::new(nr)).clone();
            let bytes = value.to_le_bytes();
            let len = if is_short { 2 } else { 4 };
            block.bytes_mut()[offset..offset + len].copy_from_slice(&bytes[..len]);
            image.set(BlockNr::new(nr), block);
        }
        survives(image);
    }

    #[test]
    fn noise(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 64), 0..4), size in 0..6_u64) {
        let mut image = DiskImage::new(size);
        for (nr, bytes) in (0..size).zip(blocks) {
            image.set(BlockNr::new(nr), Block::starting_with(&bytes.repeat(64)));
        }
        survives(image);
    }

    #[test]
    fn swapped_and_missing_blocks(name in prop::sample::select(NAMES), pairs in prop::collection::vec((0..40_u64, 0..40_u64), 1..4)) {
        let mut image = image(name);
        for (a, b) in pairs {
            let content = image.block(BlockNr::new(a)).clone();
            image.set(BlockNr::new(b), content);
        }
        survives(image);
    }
}

#[test]
fn disks_that_end_early() {
    for name in NAMES {
        for blocks in [0, 1, 2, 20, 26, 30, 1049] {
            let whole = image(name);
            let mut short = DiskImage::new(blocks);
            for (nr, block) in whole.written().filter(|(nr, _)| nr.get() < blocks) {
                short.set(nr, block.clone());
            }
            assert!(
                recover(&mut short, &Profile::of(Kernel::V6_6)).is_err(),
                "{name} cut to {blocks} blocks"
            );
        }
    }
}
