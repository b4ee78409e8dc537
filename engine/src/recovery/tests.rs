//! Images that an independent program built, what is left of them, and what no bytes may do.

mod ahead;
mod audited;
mod fixture;
mod hostile;
mod made;
mod measured;
mod steps;

use super::*;
use crate::device::DiskImage;
use crate::history::Errno;
use crate::units::{FileBlock, Ino};
use fixture::image;

/// The tree as lines, for tables.
fn lines(tree: &Tree) -> Vec<String> {
    let line = |(path, node): (&String, &Node)| match node {
        Node::Directory(ino) => format!("{path} {ino} directory"),
        Node::Symlink(ino, target) => format!("{path} {ino} -> {target}"),
        Node::File(file) => {
            let extents: Vec<String> =
                file.extents.iter().map(|it| format!(" {}+{}@{}", it.from, it.blocks, it.at)).collect();
            format!("{path} {} {} bytes{}", file.ino, file.size, extents.concat())
        }
        Node::Unreadable(errno) => format!("{path} {errno}"),
    };
    tree.entries.iter().map(line).collect()
}

fn mount(image: &DiskImage, kernel: Kernel) -> Result<Survivors, MountError> {
    recover(&mut image.clone(), &Profile::of(kernel))
}

fn old() -> Vec<String> {
    let slow = format!("/slow 15 -> {}/{}", "x".repeat(100), "y".repeat(50));
    let rest = ["/fast 14 -> hello", "/hello 12 5000 bytes 0+2@22", &slow, "/sub 13 directory"];
    rest.map(str::to_owned).to_vec()
}

fn new() -> Vec<String> {
    let mut lines = old();
    lines.insert(2, "/new 16 0 bytes".to_owned());
    lines
}

/// The names that a fixture has after a mount, and that nothing is to be repaired.
fn check(name: &str, kernel: Kernel, expected: Result<Vec<String>, MountError>) {
    let found = mount(&image(name), kernel);
    let repairs = found.as_ref().map_or(&[][..], |found| &found.repairs);
    assert_eq!(repairs, [], "{name} needs no repair");
    assert_eq!(found.map(|found| lines(&found.tree)), expected, "{name}");
}

#[test]
fn logs_without_checksums() {
    use Kernel::V6_6;
    check("plain-clean", V6_6, Ok(old()));
    check("plain-dirty", V6_6, Ok(new()));
    check("plain-torn-commit", V6_6, Ok(new()));
    // The torn copy is that of the descriptors, of which only the first 32 bytes are in use.
    check("plain-torn-meta", V6_6, Ok(new()));
    check("plain-revoke", V6_6, Ok(new()));
    check("plain-escape", V6_6, Ok(new()));
}

#[test]
fn logs_with_checksums_v3() {
    use Kernel::{V6_6, V6_6_51};
    let bad = MountError::BadCopy { block: BlockNr::new(1), tid: crate::units::Tid::new(2) };
    check("csum-clean", V6_6, Ok(old()));
    check("csum-dirty", V6_6, Ok(new()));
    check("csum-torn-commit", V6_6, Err(MountError::BadCommit { tid: crate::units::Tid::new(2) }));
    check("csum-torn-commit", V6_6_51, Ok(new()));
    check("csum-torn-meta", V6_6, Err(bad.clone()));
    check("csum-async", V6_6, Err(bad));
    check("csum-revoke", V6_6, Ok(new()));
    check("csum-escape", V6_6, Ok(new()));
}

#[test]
fn logs_with_checksums_v1() {
    use Kernel::V6_6;
    let bad = MountError::BadCommit { tid: crate::units::Tid::new(2) };
    check("v1-dirty", V6_6, Ok(new()));
    check("v1-torn-last", V6_6, Err(bad.clone()));
    check("v1-torn-meta", V6_6, Err(bad.clone()));
    check("v1async-dirty", V6_6, Ok(new()));
    check("v1async-torn-last", V6_6, Ok(old()));
    check("v1async-torn-meta", V6_6, Err(bad));
}

#[test]
fn replayed_blocks_are_read_through_the_overlay() {
    for (name, start) in [
        ("csum-dirty", &b"hello, real"[..]),
        ("csum-revoke", b"hello, real"),
        ("plain-revoke", b"hello, real"),
        ("csum-escape", b"\xc0\x3b\x39\x98\0"),
        ("plain-escape", b"\xc0\x3b\x39\x98\0"),
    ] {
        let mut image = image(name);
        let found = recover(&mut image, &Profile::of(Kernel::V6_6)).unwrap();
        let block = found.read(&mut image, BlockNr::new(22));
        assert!(block.bytes().starts_with(start), "{name}");
    }
}

#[test]
fn extents_end_with_the_file() {
    let found = mount(&image("csum-clean"), Kernel::V6_6).unwrap();
    let expected = Extent { from: FileBlock::new(0), blocks: 2, at: BlockNr::new(22) };
    let file = File { ino: Ino::new(12), size: 5000, extents: vec![expected], unwritten: Vec::new() };
    assert_eq!(found.tree.entries.get("/hello"), Some(&Node::File(file)));
}

#[test]
fn errors_of_mount() {
    let rows = [
        (MountError::Root { errno: Errno::EBADMSG }, "EBADMSG: the root directory cannot be read: EBADMSG"),
        (
            MountError::CopyOutside {
                tid: crate::units::Tid::new(7),
                block: BlockNr::new(9000),
                blocks: 4096,
            },
            "ENOMEM: transaction 7 has a copy of block 9000, but the disk has 4096",
        ),
        (
            MountError::JournalTooLong { claimed: 2000, mapped: 1024 },
            "EINVAL: the journal has 2000 blocks, but its inode has 1024",
        ),
    ];
    for (error, expected) in rows {
        assert_eq!(format!("{}: {error}", error.errno()), expected);
    }
}
