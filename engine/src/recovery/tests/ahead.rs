//! Logs of which transactions are taken ahead: the same is found as by three passes in turn, and no block of the log is
//! read behind the end of the scan.

use super::made::{JOURNAL, Made};
use super::steps::steps;
use crate::device::{DiskImage, Reader};
use crate::format::journal::JournalIncompat;
use crate::recovery::{MountError, Profile, Recovery, Survivors};
use crate::scenario::Kernel;
use crate::units::BlockNr;
use proptest::prelude::*;

/// What both orders find in an image.
fn found(image: &DiskImage, kernel: Kernel) -> [Result<Survivors, MountError>; 2] {
    let profile = Profile::of(kernel);
    [Recovery::new(&profile), Recovery::in_turn(&profile)].map(|reader| reader.finish(&mut image.clone()))
}

/// What is put into a log.
#[derive(Clone, Debug)]
enum Put {
    /// Copies of some targets, all of one byte.
    Copies(Vec<BlockNr>, u8),
    /// So many copies of blocks that nobody uses.
    Many(u64),
    Revoke(Vec<BlockNr>),
    Commit(u64),
    /// A byte of a block of the journal is changed.
    Spoil(u64, usize),
}

/// A few blocks, so that they come again.
fn target() -> impl Strategy<Value = BlockNr> {
    prop_oneof![
        20 => 2000..2006_u64,
        // The group descriptors, whose copy is used by the rest of recovery.
        1 => Just(1),
        // The journal, and what is behind the end of the disk.
        1 => JOURNAL + 1..JOURNAL + 20,
        1 => Just(4096),
    ]
    .prop_map(BlockNr::new)
}

fn put() -> impl Strategy<Value = Put> {
    let targets = || prop::collection::vec(target(), 1..4);
    prop_oneof![
        8 => (targets(), any::<u8>()).prop_map(|(blocks, byte)| Put::Copies(blocks, byte)),
        1 => (100..250_u64).prop_map(Put::Many),
        3 => targets().prop_map(Put::Revoke),
        8 => (50..52_u64).prop_map(Put::Commit),
        1 => (1..40_u64, prop_oneof![0..64_usize, 0..4096_usize]).prop_map(|(at, byte)| Put::Spoil(at, byte)),
    ]
}

/// A fixture, where its log starts, and its features.
fn kind() -> impl Strategy<Value = (&'static str, u32, Vec<JournalIncompat>)> {
    let features = prop::sample::select(vec![
        ("csum-clean", Vec::new()),
        ("csum-clean", vec![JournalIncompat::ASYNC_COMMIT]),
        ("plain-clean", Vec::new()),
        ("plain-clean", Vec::new()),
        ("plain-clean", vec![JournalIncompat::BITS_64]),
    ]);
    (features, prop_oneof![Just(1_u32), 1010..1024_u32])
        .prop_map(|((name, features), at)| (name, at, features))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn ahead_finds_what_three_passes_find(
        (fixture, start, features) in kind(),
        puts in prop::collection::vec(put(), 1..24),
    ) {
        let mut made = Made::at(fixture, start, u32::MAX - 2, &features);
        for put in puts {
            match put {
                Put::Copies(blocks, byte) => {
                    let copies: Vec<(BlockNr, u8)> = blocks.into_iter().map(|block| (block, byte)).collect();
                    made.log(&copies);
                }
                Put::Many(blocks) => {
                    let copies: Vec<(BlockNr, u8)> =
                        (0..blocks).map(|nr| (BlockNr::new(2001 + nr), 7)).collect();
                    made.log(&copies);
                }
                Put::Revoke(blocks) => drop(made.revoke(&blocks)),
                Put::Commit(secs) => drop(made.commit(secs)),
                Put::Spoil(back, byte) => {
                    let at = (made.at + 1023 - back) % 1024;
                    made.spoil(BlockNr::new(JOURNAL + at.max(1)), byte);
                }
            }
        }
        for kernel in [Kernel::V6_6, Kernel::V6_6_51] {
            let [ahead, in_turn] = found(&made.image, kernel);
            prop_assert_eq!(ahead, in_turn);
        }
    }
}

/// How often the log is asked about behind the end of the scan, and what both orders find.
fn check(what: &str, made: &Made, expected: &[u64]) {
    let [ahead, in_turn] = found(&made.image, Kernel::V6_6);
    assert_eq!(ahead, in_turn, "{what}");
    let steps = steps(made.image.clone(), Recovery::new(&Profile::of(Kernel::V6_6)));
    let asked = steps.concat();
    // The scan ends behind the last block that was put.
    let end = asked.iter().position(|block| *block == JOURNAL + made.at).unwrap();
    let superblock = asked.iter().rposition(|block| *block == 0).unwrap_or(asked.len());
    let later = asked.get(end + 1..superblock.max(end + 1)).unwrap();
    let later: Vec<u64> = later.iter().map(|block| block - JOURNAL).collect();
    assert_eq!(later, expected, "{what}");
}

#[test]
fn what_is_read_behind_the_end_of_the_scan() {
    let [one, two] = [2000, 2001].map(BlockNr::new);
    let mut made = Made::at("csum-clean", 1, 2, &[]);
    made.log(&[(one, 1), (two, 2)]);
    made.commit(50);
    check("one transaction", &made, &[]);
    made.revoke(&[one]);
    made.log(&[(two, 3)]);
    made.commit(50);
    check("a revoke of what was taken ahead", &made, &[]);
    made.log(&[(one, 4)]);
    made.commit(51);
    check("a copy behind the revoke", &made, &[]);

    let mut bad = made.clone();
    // Its journal blocks are 1: D, 2: one, 3: two, 4: C, 5: R, 6: D, 7: two, 8: C, 9: D, 10: one, 11: C.
    bad.spoil(BlockNr::new(JOURNAL + 2), 77);
    check(
        "a bad copy that is revoked later: replay waits before it",
        &bad,
        &[3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11],
    );
    // 1: D, 2: the copy of 5, 3: C, 4: D, 5: one, 6: C, 7: R, 8: C; replay must not have put 1 over the copy at 5.
    let mut onto_log = Made::at("plain-clean", 1, 2, &[]);
    onto_log.log(&[(BlockNr::new(JOURNAL + 5), 1)]);
    onto_log.commit(50);
    onto_log.log(&[(one, 2)]);
    onto_log.commit(50);
    onto_log.revoke(&[BlockNr::new(JOURNAL + 5)]);
    onto_log.commit(50);
    check("a copy of a block of the log that is revoked later", &onto_log, &[3, 4, 4, 5, 6, 7, 8]);
    let mut asynchronous = Made::at("csum-clean", 1, 2, &[JournalIncompat::ASYNC_COMMIT]);
    asynchronous.log(&[(one, 1)]);
    asynchronous.commit(50);
    check("asynchronous commits are read in turn", &asynchronous, &[1, 3, 1, 1, 2, 3]);
}
