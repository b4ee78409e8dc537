//! Bytes of a real kernel, and bytes of nobody.

use super::*;
use crate::format::ExtentState;
use crate::units::BlockNr;

/// What Linux 6.18 wrote for a new file of three bytes in the root directory: transaction 6.
const RECORDED: &str = "0900080000000000060000000600a4000d000000a481000003000000b19c026bb19c026bb19c026b00000000000001000800\
000000000800010000000af30100040000000000000000000000010000001e06000000000000000000000000000000000000\
00000000000000000000000000000000000000004f2959a400000000000000000000000000000000000000002af500002000\
85ea0836a6480836a6480836a648b19c026b0836a6480000000000000000010010000d00000000000000010000001e060000\
03000900020000000d000000670600a4000d000000a481000003000000b19c026bb19c026bb19c026b000000000000010008\
00000000000800010000000af30100040000000000000000000000010000001e060000000000000000000000000000000000\
0000000000000000000000000000000000000000004f2959a400000000000000000000000000000000000000002af5000020\
0085ea0836a6480836a6480836a648b19c026b0836a648000000000000000008007f0e06000000fd69f3db";

fn recorded() -> Block {
    let digits: Vec<u8> = RECORDED.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Block::starting_with(&digits.chunks(2).map(byte).collect::<Vec<u8>>())
}

fn tid() -> Tid {
    Tid::new(6)
}

fn link(name: &[u8]) -> FastTag {
    FastTag::Name(FastName {
        change: NameChange::Link,
        parent: Ino::new(2),
        ino: Ino::new(12),
        name: name.to_vec(),
    })
}

#[test]
fn a_recorded_block_is_read_and_written_again() {
    let block = recorded();
    let found = Scan::of(tid()).block(&block);
    let tags = found.sealed.expect("a good TAIL");
    let extent =
        Extent { from: FileBlock::new(0), blocks: 1, at: BlockNr::new(0x61E), state: ExtentState::Written };
    let ino = Ino::new(13);
    let (FastTag::Inode { bytes, .. }, [_, add, creat, last]) = (&tags[0], &tags[..]) else {
        panic!("{tags:?}")
    };
    assert_eq!(*add, FastTag::AddRange { ino, extent });
    let name = FastName { change: NameChange::Creat, parent: Ino::new(2), ino, name: b"g".to_vec() };
    assert_eq!(*creat, FastTag::Name(name));
    let raw = bytes.over(&Block::zeroed(), 0).unwrap();
    assert_eq!((raw.size, raw.links, raw.sectors), (3, 1, 8));
    assert_eq!(raw.block, ExtentNode::EMPTY.to_root(), "where its blocks lie is not taken from it");
    assert_eq!(tags[0], *last);
    assert!(matches!(found.end, ScanEnd::GoOn(Scan { has_tail: true, crc: 0, .. })));
    assert_eq!(to_blocks(tid(), Head::Written, &tags), [block]);
}

#[test]
fn several_blocks_are_sealed_by_the_last() {
    let tags: Vec<FastTag> =
        (0..250).map(|nr| link(format!("a name of some length, {nr}").as_bytes())).collect();
    let blocks = to_blocks(tid(), Head::Written, &tags);
    assert_eq!(blocks.len(), 3, "250 tags of about 38 bytes");
    let (mut scan, mut all) = (Scan::of(tid()), Vec::new());
    for (nr, block) in (1..).zip(&blocks) {
        let found = scan.block(block);
        assert_eq!(found.sealed.is_some(), nr == 3, "block {nr}");
        all.extend(found.sealed.unwrap_or_default());
        all.extend(found.open);
        let ScanEnd::GoOn(next) = found.end else { panic!("block {nr}: {:?}", found.end) };
        scan = next;
    }
    assert_eq!(all, tags);
}

#[test]
fn what_ends_a_scan() {
    let first = &to_blocks(tid(), Head::Written, &[link(b"a")])[0];
    let next = &to_blocks(tid(), Head::Before, &[link(b"b")])[0];
    let stale = &to_blocks(Tid::new(5), Head::Before, &[link(b"b")])[0];
    let long = &to_blocks(tid(), Head::Written, &vec![link(&[b'x'; 255]); 20])[0];
    let changed = |at: usize, value: &[u8]| {
        let mut block = first.clone();
        put(block.bytes_mut(), at, value);
        block
    };
    let check = |name: &str, blocks: &[&Block], end: Option<ScanEnd>, sealed: usize| {
        let (mut scan, mut count) = (Scan::of(tid()), 0);
        for (nr, block) in (1..).zip(blocks) {
            let found = scan.block(block);
            count += found.sealed.map_or(0, |tags| tags.len());
            match found.end {
                ScanEnd::GoOn(next) if nr < blocks.len() || end.is_none() => scan = next,
                found @ (ScanEnd::GoOn(_) | ScanEnd::Stop | ScanEnd::Fail(_)) => {
                    assert_eq!((nr, Some(found)), (blocks.len(), end), "{name}")
                }
            }
        }
        assert_eq!(count, sealed, "{name}");
    };
    let fail = |error| Some(ScanEnd::Fail(error));
    let zeros = &Block::zeroed();
    check("an area that was never used", &[zeros], Some(ScanEnd::Stop), 0);
    check("no HEAD in the first block", &[next], Some(ScanEnd::Stop), 0);
    check("two in a row", &[first, next], None, 2);
    check("one of an earlier transaction", &[first, stale], Some(ScanEnd::Stop), 1);
    check("zeros behind one", &[first, zeros], Some(ScanEnd::Stop), 1);
    check("zeros behind the start of one", &[long, zeros], fail(FastError::Tag), 0);
    check("a stale end behind the start of one", &[long, stale], fail(FastError::Checksum), 0);
    check("another transaction", &[&changed(8, &[7])], Some(ScanEnd::Stop), 0);
    check("features", &[&changed(4, &[1])], fail(FastError::Features(1)), 0);
    check("another name", &[&changed(24, b"c")], fail(FastError::Checksum), 0);
    check("no such tag", &[&changed(12, &[77])], fail(FastError::Tag), 0);
    check("a name without letters", &[&changed(14, &[8])], fail(FastError::Tag), 0);
    check("longer than the block", &[&changed(14, &[0xFF, 0xFF])], fail(FastError::Tag), 0);
}

#[test]
fn no_bytes_are_too_strange() {
    let mut seed = 1_u32;
    for _ in 0..2000 {
        let mut block = to_blocks(tid(), Head::Written, &[link(b"a"), link(b"b")])[0].clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = usize::from(u8::try_from(seed >> 24).unwrap() % 64);
            put(block.bytes_mut(), at, &[u8::try_from(seed >> 8 & 0xFF).unwrap()]);
        }
        let _ = Scan::of(tid()).block(&block);
        let _ = Scan { is_first: false, has_tail: true, ..Scan::of(tid()) }.block(&block);
    }
}

#[test]
fn as_many_blocks_as_mke2fs_makes() {
    for (size_mib, blocks) in [(8, 16), (32, 16), (64, 16), (128, 64), (512, 64), (1024, 128)] {
        assert_eq!(default_blocks(size_mib * 256), blocks, "{size_mib} MiB");
    }
}
