//! Tables over texts, contents and claims.

use super::*;
use crate::format::xattr::{Attribute, Namespace};
use crate::history::Errno;
use crate::recovery::{Extent, File, Node, RepairNeeded, Tree};
use crate::scenario::{Data, Expectation, Predicate, Quantifier};
use crate::units::{Block, BlockNr, FileBlock, Ino};
use std::collections::BTreeMap;

mod folded;

fn data(bytes: &[u8]) -> Data {
    bytes.into()
}

fn path(text: &str) -> String {
    text.to_owned()
}

fn file(ino: u32, bytes: &[u8]) -> Entry {
    let blocks =
        (0..).zip(bytes.chunks(4096)).map(|(at, chunk)| (FileBlock::new(at), Block::starting_with(chunk)));
    Entry::File(Content::new(Ino::new(ino), bytes.len().try_into().unwrap(), blocks))
}

fn dead(why: &str, repair: RepairNeeded) -> Observation {
    Observation::Unmountable { why: why.to_owned(), repair }
}

fn mounted(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Mounted {
    Mounted {
        entries: entries.into_iter().map(|(path, entry)| (path.to_owned(), entry)).collect(),
        repairs: Vec::new(),
        repair: RepairNeeded::None,
        attributes: BTreeMap::new(),
    }
}

#[test]
fn bytes_as_text() {
    // The second column is what truth/record/crash.py prints for the first.
    let long = "ab".repeat(60);
    let check = |name: &str, bytes: &[u8], text: &str| {
        assert_eq!(summary(bytes), text, "{name}");
        assert_eq!(entry_text(&file(12, bytes)), text, "{name}, as a file");
    };
    check("nothing", b"", "");
    check("a word", b"old", "old");
    check("a blank", b"a b", r"a\x20b");
    check("seven are no run", b"AAAAAAA", "AAAAAAA");
    check("eight are a run", b"AAAAAAAA", "A*8");
    check("a run between letters", &[b"x", [b'A'; 4096].as_slice(), b"y"].concat(), "x A*4096 y");
    check("two runs", &[[b'A'; 512], [b'B'; 512]].concat(), "A*512 B*512");
    check("zeros", &[0; 4096], r"\x00*4096");
    check("a run over the edge of a block", &[b'A'; 8193], "A*8193");
    check("newline and backslash", b"hi\n\\", r"hi\x0a\x5c");
    check("a star of its own", b"a*b", "a * b");
    check("two stars and a digit", b"**8", "** 8");
    check("eight stars", b"********", "**8");
    check("a star between runs", b"AAAAAAAAA*BBBBBBBBB", "A*9 * B*9");
    check("beyond ASCII", &[0, 255, 127], r"\x00\xff\x7f");
    check("120 letters", long.as_bytes(), &long);
    check("121 letters", format!("{long}c").as_bytes(), "121 bytes, sha256 ed6090743bb70756");
    check("never a run", "ab".repeat(4096).as_bytes(), "8192 bytes, sha256 cfdfd2b71147a7b8");
    let edge = ["ab".repeat(57), "A".repeat(100)].concat();
    check("a last run up to letter 120", edge.as_bytes(), &format!("{} A*100", "ab".repeat(57)));
    let beyond = ["ab".repeat(57), "c".to_owned(), "A".repeat(100)].concat();
    check("a last run up to letter 121", beyond.as_bytes(), "215 bytes, sha256 8f4f5d86db4a1135");
    let tail = ["ab".repeat(100).as_bytes(), &[0; 10_000]].concat();
    check("zeros behind a long text", &tail, "10200 bytes, sha256 249cbc05f6cef18c");
}

#[test]
fn entries_as_text() {
    let check = |entry: Entry, text: &str| assert_eq!(entry_text(&entry), text);
    check(Entry::Directory(Ino::new(12)), "dir");
    check(Entry::Symlink(Ino::new(12), "a/b".to_owned()), "link:a/b");
    check(Entry::Unreadable(Errno::EUCLEAN), "!EUCLEAN Structure needs cleaning");
    check(Entry::Unreadable(Errno::EBADMSG), "!EBADMSG Bad message");
    let hole = |size| Entry::File(Content::new(Ino::new(12), size, []));
    check(hole(1 << 43), r"\x00*8796093022208");
    let text = "ab".repeat(100);
    let sparse =
        Content::new(Ino::new(12), 1 << 40, [(FileBlock::new(0), Block::starting_with(text.as_bytes()))]);
    let long = entry_text(&Entry::File(sparse));
    assert!(long.starts_with("1099511627776 bytes, sparse, sha256 of its blocks "), "{long}");
    let unmountable = dead("bad magic 0 of the superblock", RepairNeeded::Manual);
    let expected = BTreeMap::from([(path("!"), path("mount failed: bad magic 0 of the superblock"))]);
    assert_eq!(tree_text(&unmountable), expected);
}

#[test]
fn what_lies_where() {
    let letters = |letter: u8| Block::from([letter; 4096]);
    let tree = |size, extents: &[(u32, u32, u64)]| {
        let extents = extents.iter().map(|(from, blocks, at)| Extent {
            from: FileBlock::new(*from),
            blocks: *blocks,
            at: BlockNr::new(*at),
        });
        let node =
            Node::File(File { ino: Ino::new(12), size, extents: extents.collect(), unwritten: Vec::new() });
        Tree { entries: BTreeMap::from([(path("/f"), node)]), attributes: BTreeMap::new() }
    };
    // Block n of a disk of 64 is filled with the n-th letter, block 0 with zeros.
    let read = |nr: BlockNr| letters(if nr.get() == 0 { 0 } else { b'@' + u8::try_from(nr.get()).unwrap() });
    let check = |name: &str, size: u64, extents: &[(u32, u32, u64)], text: &str| {
        let found = observe_tree(&tree(size, extents), Vec::new(), 64, read);
        assert_eq!(tree_text(&found), BTreeMap::from([(path("/f"), path(text))]), "{name}");
    };
    check("empty", 0, &[], "");
    check("empty, with a block behind its end", 0, &[(0, 1, 1)], "");
    check("one whole block", 4096, &[(0, 1, 1)], "A*4096");
    check("the end within a block", 5, &[(0, 1, 1)], "AAAAA");
    check("one extent of two blocks", 8192, &[(0, 2, 1)], "A*4096 B*4096");
    check("a hole in front", 8192, &[(1, 1, 1)], r"\x00*4096 A*4096");
    check("a hole behind", 5000, &[(0, 1, 1)], r"A*4096 \x00*904");
    check("a written block of zeros", 8192, &[(0, 1, 0), (1, 1, 1)], r"\x00*4096 A*4096");
    check("blocks behind the end", 4097, &[(0, 4, 1)], "A*4096 B");
    check("beyond the disk", 4096, &[(0, 1, 64)], "!EUCLEAN Structure needs cleaning");
    check("so far beyond that numbers end", 4096, &[(0, 2, u64::MAX)], "!EUCLEAN Structure needs cleaning");
}

/// Two directories, hard links, symlinks, and files that are empty, short, sparse or broken.
fn example() -> Observation {
    let sparse = Content::new(Ino::new(15), 10_000, [(FileBlock::new(1), Block::from([b'B'; 4096]))]);
    Observation::Mounted(mounted([
        ("/broken", Entry::Unreadable(Errno::EUCLEAN)),
        ("/conf", file(12, b"old value")),
        ("/d", Entry::Directory(Ino::new(13))),
        ("/d/e", Entry::Directory(Ino::new(17))),
        ("/d/e/deep", file(18, b"x")),
        ("/d/hard", file(12, b"old value")),
        ("/empty", file(14, b"")),
        ("/link", Entry::Symlink(Ino::new(16), path("/conf"))),
        ("/sparse", Entry::File(sparse)),
    ]))
}

#[test]
fn claims_about_names() {
    let found = example();
    let check = |predicate: Predicate, expected: bool| {
        assert_eq!(holds(&predicate, &found), expected, "{predicate:?}");
    };
    for (name, there) in [
        ("/conf", true),
        ("/d", true),
        ("/link", true),
        ("/broken", true),
        ("/", true),
        ("/d/", true),
        ("/d//hard", true),
        ("/con", false),
        ("/conf/x", false),
        ("/link/x", false),
        ("/d/nothing", false),
    ] {
        check(Predicate::Exists(path(name)), there);
        check(Predicate::Missing(path(name)), !there);
    }
    check(Predicate::SameFile(path("/conf"), path("/d/hard")), true);
    check(Predicate::SameFile(path("/conf"), path("/conf")), true);
    check(Predicate::SameFile(path("/conf"), path("/link")), false);
    check(Predicate::SameFile(path("/no"), path("/no")), false);
    check(Predicate::SameFile(path("/broken"), path("/broken")), false);
    check(Predicate::SameFile(path("/"), path("/")), true);
    let entries = |dir: &str, names: &[&str]| {
        Predicate::Entries(path(dir), names.iter().map(|name| path(name)).collect())
    };
    check(entries("/d", &["hard", "e"]), true);
    check(entries("/d", &["hard"]), false);
    check(entries("/d", &["hard", "e", "f"]), false);
    check(entries("/d/e/", &["deep"]), true);
    check(entries("/", &["broken", "conf", "d", "empty", "link", "sparse"]), true);
    check(entries("/conf", &[]), false);
    check(entries("/no", &[]), false);
    check(entries("/link", &[]), false);
    check(Predicate::Target(path("/link"), path("/conf")), true);
    check(Predicate::Target(path("/link"), path("/con")), false);
    check(Predicate::Target(path("/conf"), path("/conf")), false);
}

#[test]
fn claims_about_contents() {
    let found = example();
    let check = |predicate: Predicate, expected: bool| {
        assert_eq!(holds(&predicate, &found), expected, "{predicate:?}");
    };
    let content = |name: &str, bytes: &[u8]| Predicate::Content(path(name), data(bytes));
    check(content("/conf", b"old value"), true);
    check(content("/conf", b"old valu"), false);
    check(content("/conf", b"old value\0"), false);
    check(content("/conf", b"new value"), false);
    check(content("/empty", b""), true);
    check(content("/empty", b"x"), false);
    check(content("/no", b""), false);
    check(content("/d", b""), false);
    check(content("/link", b"old value"), false);
    check(content("/broken", b""), false);
    let sparse = [[0; 4096].as_slice(), &[b'B'; 4096], &[0; 10_000 - 8192]].concat();
    check(content("/sparse", &sparse), true);
    check(content("/sparse", &sparse[..9_999]), false);

    let prefix_of = |name: &str, bytes: &[u8]| Predicate::PrefixOf(path(name), data(bytes));
    check(prefix_of("/conf", b"old value and more"), true);
    check(prefix_of("/conf", b"old value"), true);
    check(prefix_of("/conf", b"old valu"), false);
    check(prefix_of("/conf", b"new value and more"), false);
    check(prefix_of("/empty", b"anything"), true);
    check(prefix_of("/empty", b""), true);
    check(prefix_of("/no", b"anything"), false);

    let starts_with = |name: &str, bytes: &[u8]| Predicate::StartsWith(path(name), data(bytes));
    check(starts_with("/conf", b"old"), true);
    check(starts_with("/conf", b""), true);
    check(starts_with("/conf", b"old value and"), false);
    check(starts_with("/sparse", &[0; 4096]), true);
    check(starts_with("/sparse", &[0; 4097]), false);
    check(starts_with("/d", b""), false);

    let range = |offset, bytes: &[u8]| Predicate::Range { path: path("/sparse"), offset, data: data(bytes) };
    check(range(4095, b"\0B"), true);
    check(range(4096, b"B"), true);
    check(range(8191, b"B\0"), true);
    check(range(9_999, b"\0"), true);
    check(range(9_999, b"\0\0"), false);
    check(range(10_000, b""), true);
    check(range(10_001, b""), false);
    check(range(u64::MAX, b"\0"), false);

    check(Predicate::Size(path("/sparse"), 10_000), true);
    check(Predicate::Size(path("/sparse"), 8192), false);
    check(Predicate::Size(path("/empty"), 0), true);
    check(Predicate::Size(path("/d"), 4096), false);
}

#[test]
fn claims_about_the_whole() {
    let there = || Predicate::Exists(path("/conf"));
    let absent = || Predicate::Exists(path("/no"));
    let repaired =
        Mounted { repairs: vec![path("block 700 is in use, its bitmap says free")], ..mounted([]) };
    let repaired = Observation::Mounted(repaired);
    let dead = dead("journal superblock: bad magic", RepairNeeded::Manual);
    let check = |predicate: Predicate, on_example: bool, on_repaired: bool, on_dead: bool| {
        assert_eq!(holds(&predicate, &example()), on_example, "{predicate:?}");
        assert_eq!(holds(&predicate, &repaired), on_repaired, "{predicate:?}, repaired");
        assert_eq!(holds(&predicate, &dead), on_dead, "{predicate:?}, unmountable");
    };
    check(Predicate::Repairable, true, true, false);
    check(Predicate::Mounts, true, true, false);
    check(Predicate::Clean, true, false, false);
    check(there(), true, false, false);
    check(Predicate::Missing(path("/conf")), false, true, false);
    check(Predicate::All(vec![]), true, true, true);
    check(Predicate::All(vec![there(), absent()]), false, false, false);
    check(Predicate::All(vec![there(), Predicate::Mounts]), true, false, false);
    check(Predicate::Any(vec![]), false, false, false);
    check(Predicate::Any(vec![absent(), there()]), true, false, false);
    check(Predicate::Not(Box::new(there())), false, true, true);
    check(Predicate::Implies(Box::new(there()), Box::new(absent())), false, true, true);
    check(Predicate::Implies(Box::new(absent()), Box::new(there())), true, true, true);
}

#[test]
fn what_is_repairable() {
    let check = |repair, mounted_so: bool, dead_so: bool| {
        let found = example().needing(repair);
        assert_eq!(holds(&Predicate::Repairable, &found), mounted_so, "{repair:?}");
        let found = dead("torn", RepairNeeded::Manual).needing(repair);
        assert_eq!(holds(&Predicate::Repairable, &found), dead_so, "{repair:?}, unmountable");
    };
    check(RepairNeeded::None, true, true);
    check(RepairNeeded::Automatic, true, true);
    check(RepairNeeded::Manual, false, false);
    let dropped = dead("torn", RepairNeeded::Manual).needing(RepairNeeded::None);
    assert_eq!(dropped.repair(), RepairNeeded::Automatic, "what does not mount needs something");
}

#[test]
fn claims_about_attributes() {
    let attribute = |name: &str, value: &[u8]| Attribute {
        namespace: Namespace::USER,
        name: name.as_bytes().to_vec(),
        value: value.to_vec(),
    };
    let Observation::Mounted(found) = example() else { panic!("it is mounted") };
    let attributes = BTreeMap::from([
        (Ino::new(12), Ok(vec![attribute("a", b"1"), attribute("b", b"")])),
        (Ino::new(13), Err(Errno::EBADMSG)),
    ]);
    let found = Observation::Mounted(Mounted { attributes, ..found });
    let check = |path_of: &str, name: &str, value: &[u8], is: bool, is_missing: bool| {
        let has = Predicate::Xattr(path(path_of), path(name), data(value));
        assert_eq!(holds(&has, &found), is, "{path_of} {name}");
        let lacks = Predicate::NoXattr(path(path_of), path(name));
        assert_eq!(holds(&lacks, &found), is_missing, "{path_of} without {name}");
    };
    check("/conf", "user.a", b"1", true, false);
    check("/d/hard", "user.a", b"1", true, false);
    check("/conf", "user.a", b"2", false, false);
    check("/conf", "user.b", b"", true, false);
    check("/conf", "user.c", b"", false, true);
    check("/conf", "trusted.a", b"1", false, true);
    check("/empty", "user.a", b"1", false, true);
    check("/", "user.a", b"1", false, true);
    // Nobody can tell.
    check("/no", "user.a", b"1", false, false);
    check("/d", "user.a", b"1", false, false);
    check("/broken", "user.a", b"1", false, false);
    let shown = tree_text(&found);
    assert_eq!(shown.get(&attribute_key("/d/hard", "user.a")), Some(&path("1")));
    assert_eq!(shown.get(&attribute_key("/d", "")), Some(&path("!EBADMSG Bad message")));
    assert_eq!(key_parts("/d/hard"), ("/d/hard", None));
    assert_eq!(key_parts(&attribute_key("/f", "user.a")), ("/f", Some("user.a")));
    let dead = dead("torn", RepairNeeded::Manual);
    assert!(!holds(&Predicate::NoXattr(path("/conf"), path("user.a")), &dead));
}

#[test]
fn who_speaks_of_mounts() {
    let expectation = |holds: Predicate| Expectation {
        quantifier: Quantifier::Always,
        after: None,
        before: None,
        holds,
        line: 0,
        text: String::new(),
    };
    let check = |predicate: Predicate, expected: bool| {
        assert_eq!(speaks_of_mounts(&[expectation(predicate.clone())]), expected, "{predicate:?}");
    };
    assert!(!speaks_of_mounts(&[]), "nothing is said");
    check(Predicate::Clean, false);
    check(Predicate::Mounts, true);
    check(Predicate::Not(Box::new(Predicate::Mounts)), true);
    check(Predicate::All(vec![Predicate::Clean, Predicate::Any(vec![Predicate::Mounts])]), true);
    check(Predicate::Implies(Box::new(Predicate::Mounts), Box::new(Predicate::Clean)), true);
    check(Predicate::Implies(Box::new(Predicate::Clean), Box::new(Predicate::Clean)), false);
}
