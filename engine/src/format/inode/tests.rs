#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::{NOW, flipped, mke2fs, mkimg, patched, seed};
use super::*;
use proptest::prelude::*;

fn made() -> Timestamp {
    Timestamp { secs: NOW.into(), nanos: 0 }
}

#[test]
fn reads_what_others_wrote() {
    #[track_caller]
    fn check(block: &Block, csum: bool, ino: u32, mode: u16, size: u64, links: u16, sectors: u64) {
        let csum = csum.then(|| (seed(), Ino::new(ino)));
        let slot = usize::try_from((ino - 1) % 16).unwrap();
        let inode = RawInode::read_from(block, slot, csum).unwrap();
        let found = (inode.mode, inode.size, inode.links, inode.sectors);
        assert_eq!(found, (mode, size, links, sectors), "inode {ino}");
        let mut written = Block::zeroed();
        inode.write_into(&mut written, slot, csum);
        let bytes = slot * LEN..(slot + 1) * LEN;
        assert_eq!(
            written.bytes()[bytes.clone()],
            block.bytes()[bytes],
            "inode {ino} written as it was read"
        );
    }
    for (csum, block) in [(true, mkimg("csum inode table")), (false, mkimg("plain inode table"))] {
        check(&block, csum, 2, 0o40755, 4096, 4, 8);
        check(&block, csum, 8, 0o100_600, 4 << 20, 1, 8192);
        check(&block, csum, 11, 0o40700, 4096, 2, 8);
        check(&block, csum, 12, 0o100_644, 5000, 1, 16);
        check(&block, csum, 14, 0o120_777, 5, 1, 0);
        check(&block, csum, 15, 0o120_777, 151, 1, 8);
    }
    let block = mke2fs("inode table");
    check(&block, true, 1, 0, 0, 0, 0); // mke2fs gives it times, but no second half and half a checksum
    check(&block, true, 2, 0o40755, 4096, 5, 8);
    check(&block, true, 8, 0o100_600, 4 << 20, 1, 8192);
    check(&block, true, 12, 0o120_777, 5, 1, 0);
    check(&block, true, 14, 0o100_644, 65536, 1, 56);
    check(&mke2fs("inode table 2"), true, 19, 0o120_777, 100, 1, 8);
}

#[test]
fn every_field_is_where_debugfs_put_it() {
    let inode = RawInode::read_from(&mke2fs("inode table"), 12, Some((seed(), Ino::new(13)))).unwrap();
    assert_eq!((inode.uid, inode.gid, inode.generation), (100_000, 70_000, 0xDEAD_BEEF));
    assert_eq!((inode.ctime, inode.crtime), (made(), made()));
    // debugfs prints these as 2159-12-22 04:41:36 and 2106-02-07 06:28:15.
    assert_eq!(inode.mtime, Timestamp { secs: 5_994_967_296, nanos: 123_456_789 });
    assert_eq!(inode.atime, Timestamp { secs: 4_294_967_295, nanos: 0 });
    assert_eq!((inode.kind(), inode.flags), (FileKind::REGULAR, InodeFlags::EXTENTS));

    let link = RawInode::read_from(&mke2fs("inode table"), 11, None).unwrap();
    assert_eq!((link.kind(), &link.block[..6]), (FileKind::SYMLINK, b"hello\0".as_slice()));
}

#[test]
fn times_have_34_bits() {
    let check = |name: &str, secs, words: (u32, u32)| {
        let time = Timestamp { secs, nanos: 999_999_999 };
        let nanos = 999_999_999 << 2;
        assert_eq!(time.encode(), (words.0, nanos | words.1), "{name}");
        assert_eq!(Timestamp::decode(words.0, nanos | words.1), time, "{name}");
    };
    check("1970", 0, (0, 0));
    check("the last second of 32 bits", (1 << 31) - 1, (0x7FFF_FFFF, 0));
    check("the one behind it", 1 << 31, (0x8000_0000, 1));
    check("1901", Timestamp::MIN_SECS, (0x8000_0000, 0));
    check("1969", -1, (0xFFFF_FFFF, 0));
    check("2446", Timestamp::MAX_SECS, (0x7FFF_FFFF, 3));
    assert_eq!(Timestamp { secs: i64::MAX, nanos: 0 }.encode(), (0x7FFF_FFFF, 3), "later than can be stored");
    assert_eq!(
        Timestamp { secs: i64::MIN, nanos: 0 }.encode(),
        (0x8000_0000, 0),
        "earlier than can be stored"
    );
}

#[test]
fn a_bad_checksum_is_refused() {
    let block = mkimg("csum inode table");
    let at = 11 * LEN;
    let csum = Some((seed(), Ino::new(12)));
    for offset in [0x04, 0x64, CHECKSUM_LOW, CHECKSUM_HIGH, 0xFF] {
        let error = RawInode::read_from(&flipped(&block, at + offset), 11, csum).unwrap_err();
        assert!(error.is_bad_checksum(), "byte {offset:#x}: {error}");
    }
    let error = RawInode::read_from(&block, 11, Some((seed(), Ino::new(13)))).unwrap_err();
    assert!(error.is_bad_checksum(), "another inode's checksum: {error}");
    let zeros = RawInode::from_bytes(&[0; LEN], csum).unwrap_err();
    assert!(zeros.is_bad_checksum(), "an inode that was never written: {zeros}");
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |what: &str, at: usize, with: &[u8], message: &str| {
        let block = patched(&mkimg("plain inode table"), 11 * LEN + at, with);
        let found = RawInode::read_from(&block, 11, None).map_err(|error| error.to_string());
        assert_eq!(found.err().as_deref(), Some(message), "{what}");
    };
    check(
        "a second half beyond the inode",
        0x80,
        &[132],
        "corrupt inode: extra_isize is 132, expected at most 128",
    );
    check("an odd second half", 0x80, &[30], "corrupt inode: extra_isize is 30, expected a multiple of 4");
    check("a short second half", 0x80, &[28], "unsupported extra_isize in the inode: 0x1c");
    check(
        "a negative size",
        0x6C,
        &[0, 0, 0, 0x80],
        "corrupt inode: size is 9223372036854780808, expected at most 9223372036854775807",
    );
    let found = RawInode::read_from(&Block::zeroed(), 16, None).unwrap_err();
    assert_eq!(found.to_string(), "corrupt inode: slot is 16, expected at most 15");
}

proptest! {
    #[test]
    fn any_bytes_come_back(
        start in any::<[u8; 128]>(), rest in any::<[u8; 128]>(), isize in 0_u8..140, ino in any::<u32>(),
        slot in 0_usize..16,
    ) {
        let mut bytes = [0; LEN];
        bytes[..128].copy_from_slice(&start);
        bytes[128..].copy_from_slice(&rest);
        bytes[0x80..0x82].copy_from_slice(&[isize, 0]);
        if let Ok(inode) = RawInode::from_bytes(&bytes, None) {
            let csum = Some((seed(), Ino::new(ino)));
            let mut block = Block::zeroed();
            inode.write_into(&mut block, slot, csum);
            prop_assert_eq!(RawInode::read_from(&block, slot, csum), Ok(inode));
        }
        let _ = RawInode::from_bytes(&bytes, Some((seed(), Ino::new(ino))));
    }
}
