#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::{flipped, inode_seed, mke2fs, mkimg, patched};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entry(ino: u32, kind: FileKind, name: &str) -> Dirent {
    Dirent { ino: Ino::new(ino), kind, name: name.as_bytes().to_vec() }
}

fn seed_if(has: bool, ino: u32) -> Option<InodeSeed> {
    has.then(|| inode_seed(ino))
}

fn names(block: &Block, csum: Option<InodeSeed>) -> Vec<String> {
    let entries = entries(block, csum).unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.name).unwrap()).collect()
}

#[test]
fn reads_what_others_wrote() {
    let (dir, file, link) = (FileKind::DIRECTORY, FileKind::REGULAR, FileKind::SYMLINK);
    let root = [
        entry(2, dir, "."),
        entry(2, dir, ".."),
        entry(11, dir, "lost+found"),
        entry(12, file, "hello"),
        entry(13, dir, "sub"),
        entry(14, link, "fast"),
        entry(15, link, "slow"),
    ];
    assert_eq!(entries(&mkimg("csum root"), seed_if(true, 2)).unwrap(), root);
    assert_eq!(entries(&mkimg("plain root"), None).unwrap(), root);
    assert_eq!(find(&mkimg("plain root"), b"sub", None).unwrap().as_ref(), Some(&root[4]));
    assert_eq!(find(&mkimg("plain root"), b"su", None).unwrap(), None);

    let made = names(&mke2fs("root"), seed_if(true, 2));
    assert_eq!(made, [".", "..", "lost+found", "fast", "hello", "islands", "many", "slow", "sub"]);
    assert_eq!(names(&mke2fs("many"), seed_if(true, 15)).len(), 5);
    assert_eq!(names(&mke2fs("lost+found 2"), seed_if(true, 11)), [""; 0]);
}

#[test]
fn writes_what_others_wrote() {
    for csum in [true, false] {
        let profile = if csum { "csum" } else { "plain" };
        let lost = new_block_dots(Ino::new(11), Ino::new(2), seed_if(csum, 11));
        assert_eq!(lost, mkimg(&format!("{profile} lost+found")), "{profile}: a new directory");

        let seed = seed_if(csum, 2);
        let mut root = mkimg(&format!("{profile} root"));
        assert_eq!(insert(&mut root, &entry(16, FileKind::REGULAR, "new"), seed), Ok(Inserted::Yes));
        assert_eq!(root, mkimg(&format!("{profile} copy 3")), "{profile}: the root with one name more");
        assert_eq!(remove(&mut root, b"new", seed), Ok(true));
        assert_eq!(root, mkimg(&format!("{profile} root")), "{profile}: and without it");
    }
    assert_eq!(new_empty_block(seed_if(true, 11)), mke2fs("lost+found 2"));
}

#[test]
fn a_removed_name_becomes_slack_of_the_one_before() {
    for seed in [seed_if(true, 2), None] {
        let mut block = new_block_dots(Ino::new(2), Ino::new(2), seed);
        for (ino, name) in [(20, "aaaa"), (21, "bbbb"), (22, "cccc")] {
            insert(&mut block, &entry(ino, FileKind::REGULAR, name), seed).unwrap();
        }
        // Entries at 24, 36 and 48, 12 bytes each.
        assert_eq!(remove(&mut block, b"bbbb", seed), Ok(true));
        assert_eq!(block.bytes()[28..30], [24, 0], "the entry before reaches over the gap");
        assert_eq!(block.bytes()[36..48], [0; 12], "the name is wiped");
        insert(&mut block, &entry(23, FileKind::REGULAR, "longer"), seed).unwrap();
        assert_eq!(
            names(&block, seed),
            [".", "..", "aaaa", "cccc", "longer"],
            "16 bytes don't fit in the gap"
        );
        insert(&mut block, &entry(24, FileKind::REGULAR, "dd"), seed).unwrap();
        assert_eq!(names(&block, seed), [".", "..", "aaaa", "dd", "cccc", "longer"], "12 bytes do");
        assert_eq!(remove(&mut block, b"absent", seed), Ok(false));
    }
}

#[test]
fn the_first_name_of_a_block_leaves_a_free_entry() {
    for seed in [seed_if(true, 2), None] {
        let empty = new_empty_block(seed);
        let mut block = empty.clone();
        insert(&mut block, &entry(20, FileKind::REGULAR, "first"), seed).unwrap();
        assert_eq!(names(&block, seed), ["first"]);
        assert_eq!(remove(&mut block, b"first", seed), Ok(true));
        assert_eq!(block, empty);
    }
}

#[test]
fn a_name_can_stand_for_another_inode() {
    for seed in [seed_if(true, 2), None] {
        let mut block = new_block_dots(Ino::new(20), Ino::new(2), seed);
        assert_eq!(replace_ino(&mut block, b"..", Ino::new(30), FileKind::DIRECTORY, seed), Ok(true));
        assert_eq!(block, new_block_dots(Ino::new(20), Ino::new(30), seed));
        assert_eq!(replace_ino(&mut block, b"absent", Ino::new(30), FileKind::REGULAR, seed), Ok(false));
        assert_eq!(is_empty_dir(&block, seed), Ok(true));
        insert(&mut block, &entry(21, FileKind::REGULAR, "x"), seed).unwrap();
        assert_eq!(is_empty_dir(&block, seed), Ok(false));
    }
}

#[test]
fn a_block_takes_what_fits_and_no_more() {
    // 255 bytes of name need 264; a block has room for 15 of them, and then 136 bytes, less a tail of 12.
    for (seed, room) in [(None, 136), (seed_if(true, 2), 124)] {
        let mut block = new_empty_block(seed);
        for nr in 0..15 {
            let name = format!("{nr:0255}");
            assert_eq!(insert(&mut block, &entry(20, FileKind::REGULAR, &name), seed), Ok(Inserted::Yes));
        }
        let full = block.clone();
        let longer = "x".repeat(room - 8 + 1);
        assert_eq!(insert(&mut block, &entry(21, FileKind::REGULAR, &longer), seed), Ok(Inserted::Full));
        assert_eq!(block, full, "a full block is as it was");
        assert_eq!(insert(&mut block, &entry(21, FileKind::REGULAR, &longer[1..]), seed), Ok(Inserted::Yes));
        assert_eq!(insert(&mut block, &entry(22, FileKind::REGULAR, "y"), seed), Ok(Inserted::Full));
        assert_eq!(entries(&block, seed).unwrap().len(), 16);
    }
}

#[test]
fn a_bad_checksum_is_refused() {
    let root = mkimg("csum root");
    let check = |name: &str, mut block: Block, ino| {
        let seed = seed_if(true, ino);
        assert!(entries(&block, seed).unwrap_err().is_bad_checksum(), "{name}");
        let before = block.clone();
        assert!(insert(&mut block, &entry(20, FileKind::REGULAR, "x"), seed).is_err(), "{name}");
        assert!(remove(&mut block, b"hello", seed).is_err(), "{name}");
        assert!(replace_ino(&mut block, b"hello", Ino::new(9), FileKind::REGULAR, seed).is_err(), "{name}");
        assert_eq!(block, before, "{name}: nothing is sealed that was not good");
    };
    check("an inode", flipped(&root, 0), 2);
    check("behind the names", flipped(&root, 4000), 2);
    check("the checksum", flipped(&root, 4095), 2);
    check("the tail's length", flipped(&root, 4084 + 4), 2);
    check("the tail's kind", flipped(&root, 4084 + 7), 2);
    check("the block of another directory", root.clone(), 13);
    check("a block without a tail", mkimg("plain root"), 2);
    check("a block that was never written", Block::zeroed(), 2);
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |what: &str, at: usize, with: &[u8], message: &str| {
        let found =
            entries(&patched(&mkimg("plain root"), at, with), None).map_err(|error| error.to_string());
        let message = format!("corrupt directory block: {message}");
        assert_eq!(found.err().as_deref(), Some(message.as_str()), "{what}");
    };
    check("an entry that never ends", 4, &[0], "length of an entry is 0, expected at least 12");
    check("shorter than its header", 4, &[4], "length of an entry is 4, expected at least 12");
    check("shorter than its name", 6, &[5], "length of an entry is 12, expected at least 16");
    check("not aligned", 4, &[13], "length of an entry is 13, expected a multiple of 4");
    check("beyond the block", 4, &[0, 0xF0], "end of an entry is 61440, expected at most 4096");
    check(
        "no room behind it",
        4,
        &[0xF8, 0x0F],
        "end of an entry that is not the last is 4088, expected at most 4084",
    );
}

/// What is done to a block and to a plain map of names.
#[derive(Clone, Debug)]
enum Change {
    Insert(u32, String),
    Remove(String),
    Replace(u32, String),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let name = || "[a-c]{1,2}|[d-e]{200}";
    let change = prop_oneof![
        3 => (1_u32..99, name()).prop_map(|(ino, name)| Change::Insert(ino, name)),
        2 => name().prop_map(Change::Remove),
        1 => (1_u32..99, name()).prop_map(|(ino, name)| Change::Replace(ino, name)),
    ];
    proptest::collection::vec(change, 1..80)
}

proptest! {
    #[test]
    fn a_block_holds_what_a_map_holds(changes in changes(), csum in any::<bool>()) {
        let seed = seed_if(csum, 2);
        let mut block = new_empty_block(seed);
        let mut map = BTreeMap::new();
        for change in changes {
            match change {
                Change::Insert(ino, name) if !map.contains_key(&name) => {
                    let added = insert(&mut block, &entry(ino, FileKind::REGULAR, &name), seed).unwrap();
                    if added == Inserted::Yes {
                        map.insert(name, ino);
                    }
                }
                Change::Insert(..) => {}
                Change::Remove(name) => {
                    let removed = remove(&mut block, name.as_bytes(), seed).unwrap();
                    prop_assert_eq!(removed, map.remove(&name).is_some());
                }
                Change::Replace(ino, name) => {
                    let kind = FileKind::REGULAR;
                    let replaced = replace_ino(&mut block, name.as_bytes(), Ino::new(ino), kind, seed).unwrap();
                    prop_assert_eq!(replaced, map.contains_key(&name));
                    map.entry(name).and_modify(|found| *found = ino);
                }
            }
            let mut found = entries(&block, seed).unwrap();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            let expected: Vec<Dirent> =
                map.iter().map(|(name, ino)| entry(*ino, FileKind::REGULAR, name)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 4096), lengths in proptest::collection::vec(0_u16..40, 1..400),
        csum in any::<bool>(),
    ) {
        let mut block = Block::starting_with(&bytes);
        // A chain of entries that is good for a while.
        let mut at = 0;
        for length in lengths {
            let step = usize::from(length) * 4;
            if step < SHORTEST || at + step > BLOCK_BYTES - SHORTEST {
                break;
            }
            block = patched(&block, at + 4, &(length * 4).to_le_bytes());
            at += step;
        }
        let rest = u16::try_from(BLOCK_BYTES - at).unwrap();
        block = patched(&block, at + 4, &rest.to_le_bytes());
        let seed = seed_if(csum, 2);
        let _ = entries(&block, seed);
        let _ = find(&block, b"x", seed);
        let _ = remove(&mut block, b"x", seed);
        let _ = insert(&mut block, &entry(1, FileKind::REGULAR, "x"), seed);
        let _ = replace_ino(&mut block, b"x", Ino::new(2), FileKind::REGULAR, seed);
    }
}
