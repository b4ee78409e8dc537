//! Disk images as text: `block+offset: bytes`, where bytes are hex digits or `byte*count`.

use crate::device::DiskImage;
use crate::units::{BlockNr, Widen};

macro_rules! fixtures {
    ($($name:literal)*) => {
        /// The fixtures by name; a dirty one changes the clean one of its kind.
        pub(super) const NAMES: &[&str] = &[$($name,)*];

        fn text(name: &str) -> &'static str {
            match name {
                $($name => include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/", $name, ".txt")),)*
                _ => panic!("there is no fixture {name}"),
            }
        }
    };
}

fixtures! {
    "csum-clean" "csum-dirty" "csum-torn-commit" "csum-torn-meta" "csum-revoke" "csum-escape" "csum-async"
    "plain-clean" "plain-dirty" "plain-torn-commit" "plain-torn-meta" "plain-revoke" "plain-escape"
    "v1-dirty" "v1-torn-last" "v1-torn-meta" "v1async-dirty" "v1async-torn-last" "v1async-torn-meta"
}

/// A fixture of 4096 blocks.
pub(super) fn image(name: &str) -> DiskImage {
    let mut image = DiskImage::new(4096);
    let clean = if name.starts_with("csum") { "csum-clean" } else { "plain-clean" };
    apply(&mut image, text(clean));
    if name != clean {
        apply(&mut image, text(name));
    }
    image
}

fn apply(image: &mut DiskImage, text: &str) {
    for line in text.lines() {
        let (place, data) = line.split_once(": ").unwrap();
        let (block, offset) = place.split_once('+').unwrap();
        let nr = BlockNr::new(block.parse().unwrap());
        let mut at = offset.parse::<u32>().unwrap().index();
        let mut block = image.block(nr).clone();
        for token in data.split(' ') {
            let bytes = match token.split_once('*') {
                Some((byte, count)) => vec![hex(byte); count.parse::<u32>().unwrap().index()],
                None => token.as_bytes().chunks(2).map(|pair| hex(str::from_utf8(pair).unwrap())).collect(),
            };
            block.bytes_mut()[at..at + bytes.len()].copy_from_slice(&bytes);
            at += bytes.len();
        }
        image.set(nr, block);
    }
}

fn hex(digits: &str) -> u8 {
    u8::from_str_radix(digits, 16).unwrap()
}
