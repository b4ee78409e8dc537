#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::{flipped, seed};
use super::*;
use proptest::prelude::*;

fn attribute(name: &str, value: &[u8]) -> Attribute {
    Attribute { namespace: Namespace::USER, name: name.as_bytes().to_vec(), value: value.to_vec() }
}

#[test]
fn names_have_namespaces() {
    let check = |full: &str, wanted| assert_eq!(Namespace::of(full), wanted, "{full}");
    check("user.a", Some((Namespace(1), "a")));
    check("trusted.a.b", Some((Namespace(4), "a.b")));
    check("security.selinux", Some((Namespace(6), "selinux")));
    check("system.other", None);
    check("mine.a", None);
    assert_eq!(Namespace(6).prefix(), "security.");
}

#[test]
fn what_fits_an_inode() {
    let check = |what: &str, attributes: &[Attribute], fits: bool| {
        let tail = to_inode(attributes);
        assert_eq!(tail.is_some(), fits, "{what}");
        if let Some(tail) = tail {
            assert_eq!(in_inode(&tail).unwrap(), attributes, "{what}");
        }
    };
    check("nothing", &[], true);
    check("an empty value", &[attribute("a", b"")], true);
    check("two", &[attribute("a", b"one"), attribute("b", b"two")], true);
    // 96 bytes without the magic, the end, the entry and a name of 4 bytes.
    check("68 bytes", &[attribute("name", &[7; 68])], true);
    check("69 bytes", &[attribute("name", &[7; 69])], false);
    assert_eq!(to_inode(&[]), Some([0; 96]));
}

#[test]
fn blocks_are_sealed_for_their_place() {
    let block =
        AttributeBlock { users: 2, attributes: vec![attribute("a", b"one"), attribute("bc", &[9; 500])] };
    let (nr, csum) = (BlockNr::new(1234), Some(seed()));
    let bytes = block.to_block(nr, csum).unwrap();
    assert_eq!(AttributeBlock::from_block(&bytes, nr, csum), Ok(block.clone()));
    let refused = |block: &Block, nr| AttributeBlock::from_block(block, nr, csum).unwrap_err();
    assert!(refused(&flipped(&bytes, 3000), nr).is_bad_checksum());
    assert!(refused(&bytes, BlockNr::new(1235)).is_bad_checksum());
    assert_eq!(
        refused(&Block::zeroed(), nr).to_string(),
        "corrupt extended attributes: magic is 0, expected 3925999616"
    );
    let large = AttributeBlock { users: 1, attributes: vec![attribute("a", &[1; 4050])] };
    assert_eq!(large.to_block(nr, csum), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<[u8; 96]>(), more in any::<[u8; 64]>()) {
        let mut tail = bytes;
        tail[..4].copy_from_slice(&MAGIC.to_le_bytes());
        if let Ok(attributes) = in_inode(&tail) {
            prop_assert!(attributes.len() < 6);
        }
        let mut block = AttributeBlock { users: 1, attributes: vec![attribute("a", b"one")] }
            .to_block(BlockNr::new(1), None).unwrap();
        block.bytes_mut()[HEADER..HEADER + 64].copy_from_slice(&more);
        let _ = AttributeBlock::from_block(&block, BlockNr::new(1), None);
    }
}
