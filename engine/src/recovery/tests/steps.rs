//! A recovery that is copied between its steps, what it asks for, and what tells two disks apart.

use super::fixture::{NAMES, image};
use super::*;
use crate::device::{Question, Step};
use crate::format::{RawInode, Superblock};
use std::collections::BTreeSet;

/// What a recovery finds of which a copy is kept at each step. Each copy goes on by itself, on a disk of zeros and on
/// the same disk, behind the back of the first one.
pub(super) fn stepped(image: &mut DiskImage, profile: &Profile) -> Result<Survivors, MountError> {
    let full = recover(image, profile);
    let mut zeros = DiskImage::new(image.blocks());
    let mut reader = Recovery::new(profile);
    loop {
        let (here, elsewhere) = (reader.clone(), reader.clone());
        match reader.step(image) {
            Step::Done(found) => return found,
            Step::GoOn(next) => reader = next,
        }
        drop(elsewhere.finish(&mut zeros));
        assert_eq!(here.finish(image), full, "a copy finds the same");
    }
}

/// A disk that keeps in mind which blocks were asked about.
pub(super) struct Asked {
    pub(super) image: DiskImage,
    pub(super) blocks: Vec<u64>,
}

impl Media for Asked {
    fn blocks(&self) -> u64 {
        self.image.blocks()
    }
    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        self.blocks.push(block.get());
        self.image.ask(block, question)
    }
}

/// For each step the blocks that it asked about.
pub(super) fn steps(image: DiskImage, mut reader: Recovery) -> Vec<Vec<u64>> {
    let mut disk = Asked { image, blocks: Vec::new() };
    let mut steps = Vec::new();
    loop {
        let step = reader.step(&mut disk);
        steps.push(std::mem::take(&mut disk.blocks));
        match step {
            Step::Done(_) => return steps,
            Step::GoOn(next) => reader = next,
        }
    }
}

/// A recovery that takes transactions ahead, and one that goes through the log three times.
fn both() -> [Recovery; 2] {
    let profile = Profile::of(Kernel::V6_6);
    [Recovery::new(&profile), Recovery::in_turn(&profile)]
}

#[test]
fn a_step_asks_little() {
    for (name, reader) in NAMES.iter().flat_map(|name| both().map(|reader| (name, reader))) {
        for step in steps(image(name), reader) {
            // The most is a group: its descriptor and two bitmaps.
            let blocks: BTreeSet<_> = step.iter().collect();
            assert!(blocks.len() <= 3, "{name}: {step:?}");
        }
    }
}

#[test]
fn what_replay_overwrites_is_not_asked_about_before() {
    for (name, reader) in NAMES.iter().flat_map(|name| both().map(|reader| (name, reader))) {
        let asked: Vec<u64> = steps(image(name), reader).concat();
        let again = asked.iter().skip(1).position(|block| *block == 0).map_or(asked.len(), |at| at + 1);
        // Superblock, group descriptors, the block of the journal's inode, the journal.
        let known = |block: &&u64| [0, 1, 4].contains(*block) || (26..1050).contains(*block);
        let early: Vec<&u64> = asked[..again].iter().filter(|block| !known(block)).collect();
        assert!(early.is_empty(), "{name}: {early:?}");
    }
    // Superblock, descriptors, journal │ scan │ revoke │ replay │ superblock and descriptors again, of the latter a copy.
    let in_turn = "0 1 4 26 27 32 33 27 32 27 27 28 29 30 31 32 0 28 ";
    // The same, but the scan goes on to 33 when all else was done with the transaction before it.
    let ahead = "0 1 4 26 27 32 27 32 27 27 28 29 30 31 32 33 0 28 ";
    for (reader, expected) in both().into_iter().zip([ahead, in_turn]) {
        let all: Vec<String> =
            steps(image("csum-dirty"), reader).concat().iter().map(ToString::to_string).collect();
        let all = all.join(" ");
        assert!(all.starts_with(expected), "{all}");
    }
}

/// Two disks that are asked the same: where they answer differently.
struct Twins {
    one: DiskImage,
    other: DiskImage,
    told: BTreeSet<u64>,
}

impl Media for Twins {
    fn blocks(&self) -> u64 {
        self.one.blocks()
    }
    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        let answer = self.one.ask(block, question);
        if answer != self.other.ask(block, question) {
            self.told.insert(block.get());
        }
        answer
    }
}

/// The blocks by which recovery tells two disks apart: a fixture, changed in two ways.
fn told(name: &str, nr: u64, one: &dyn Fn(&mut Block), other: &dyn Fn(&mut Block)) -> Vec<u64> {
    let changed = |change: &dyn Fn(&mut Block)| {
        let mut image = image(name);
        let mut block = image.block(BlockNr::new(nr)).clone();
        change(&mut block);
        image.set(BlockNr::new(nr), block);
        image
    };
    let mut twins = Twins { one: changed(one), other: changed(other), told: BTreeSet::new() };
    let found = recover(&mut twins, &Profile::of(Kernel::V6_6));
    if twins.told.is_empty() {
        assert_eq!(found, recover(&mut twins.other, &Profile::of(Kernel::V6_6)), "{name}: block {nr}");
    }
    twins.told.into_iter().collect()
}

#[test]
fn what_nobody_uses_tells_no_disks_apart() {
    let superblock = |change: fn(&mut Superblock)| {
        move |block: &mut Block| {
            let mut superblock = Superblock::from_block(block).unwrap();
            change(&mut superblock);
            superblock.write_into(block);
        }
    };
    let hello = |change: fn(&mut RawInode)| {
        move |block: &mut Block| {
            let seed =
                Superblock::from_block(image("csum-clean").block(BlockNr::new(0))).unwrap().metadata_seed();
            let csum = seed.map(|seed| (seed, Ino::new(12)));
            let mut inode = RawInode::read_from(block, 11, csum).unwrap();
            change(&mut inode);
            inode.write_into(block, 11, csum);
        }
    };
    let flip = |at: usize| move |block: &mut Block| block.bytes_mut()[at] ^= 0x40;
    let same = |_: &mut Block| {};
    let check = |what: &str, found: Vec<u64>, expected: &[u64]| assert_eq!(found, expected, "{what}");
    let clean = "csum-clean";
    let counts = superblock(|sb| (sb.free_blocks, sb.write_time, sb.mount_count, sb.state) = (7, 8, 9, 0));
    check("counts and times of the superblock", told(clean, 0, &same, &counts), &[]);
    check(
        "blocks of the superblock",
        told(clean, 0, &same, &superblock(|sb| sb.journal_ino = Ino::new(7))),
        &[0],
    );
    check("two superblocks with bad checksums", told(clean, 0, &flip(1100), &flip(1101)), &[]);
    check("one with a bad checksum", told(clean, 0, &same, &flip(1100)), &[0]);
    let owner =
        hello(|inode| (inode.uid, inode.mode, inode.version, inode.mtime.secs) = (5, 0o100_600, 6, 7));
    check("owner, permissions and times of an inode", told(clean, 4, &same, &owner), &[]);
    check(
        "the generation of a file without nodes",
        told(clean, 4, &same, &hello(|inode| inode.generation = 9)),
        &[],
    );
    check("the size of an inode", told(clean, 4, &same, &hello(|inode| inode.size = 5001)), &[4]);
    check("two inodes with bad checksums", told(clean, 4, &flip(11 * 256 + 9), &flip(11 * 256 + 10)), &[]);
    check("group descriptors with bad checksums", told(clean, 1, &flip(12), &flip(13)), &[]);
    check(
        "block bitmaps that are wrong in one bit, but not the same",
        told(clean, 2, &flip(1), &flip(2)),
        &[2],
    );
    check("the nanoseconds of a commit block", told("plain-dirty", 32, &same, &flip(0x3B)), &[]);
    check("the inode table of which there is a copy in the log", told("csum-dirty", 4, &same, &owner), &[]);
    check("the head of the journal", told("plain-clean", 26, &same, &flip(0x5B)), &[]);
    check("the errors of the journal", told("plain-clean", 26, &same, &flip(0x23)), &[]);
}
