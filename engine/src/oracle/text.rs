//! The text form of contents.
//!
//! ```text
//!   hello, a tab, a run       "hello\x09 A*4096"
//!   longer than 120 letters   "8192 bytes, sha256 0123456789abcdef"
//! ```
//! A run of 8 or more equal bytes is written `c*N` and set off by single spaces, as is whatever contains a `*`;
//! printable ASCII stands for itself, all else (and `\` and the blank) as `\xNN`.

use super::{Content, Entry, Mounted, Observation, Segment, attribute_name};
use crate::units::{Ino, Widen, len_u64};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Longer texts become a length and a digest.
const LONGEST: usize = 120;
/// From so many equal bytes on, they are a run.
const RUN: u64 = 8;
/// Beyond this size (a sparse file of gigabytes) only the blocks that hold something are digested.
const DIGESTED_BYTES: u64 = 1 << 30;

/// The tree as text: path to text form. A disk that cannot be mounted is `{"!": "mount failed: …"}`.
pub fn tree_text(observation: &Observation) -> BTreeMap<String, String> {
    match observation {
        Observation::Unmountable { why, .. } => {
            BTreeMap::from([("!".to_owned(), format!("mount failed: {why}"))])
        }
        Observation::Mounted(mounted) => {
            let entries = mounted.entries.iter().map(|(path, entry)| (path.clone(), entry_text(entry)));
            entries.chain(attribute_texts(mounted, Entry::ino)).collect()
        }
    }
}

/// What stands between a path and the name of an attribute in the key of a tree: neither has it.
const MARK: char = '\0';

/// The key of an attribute in a tree.
pub fn attribute_key(path: &str, name: &str) -> String {
    format!("{path}{MARK}{name}")
}

/// The path of a key, and the name of the attribute, if it is the key of one.
pub fn key_parts(key: &str) -> (&str, Option<&str>) {
    key.split_once(MARK).map_or((key, None), |(path, name)| (path, Some(name)))
}

/// The attributes of all names as text, by their keys. `ino` is that of an entry. Those that cannot be read are one
/// entry without a name.
pub fn attribute_texts<F>(
    mounted: &Mounted<F>,
    ino: impl Fn(&Entry<F>) -> Option<Ino>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (path, entry) in &mounted.entries {
        match ino(entry).and_then(|ino| mounted.attributes.get(&ino)) {
            Some(Ok(attributes)) => texts.extend(attributes.iter().map(|attribute| {
                let name = String::from_utf8_lossy(&attribute_name(attribute)).into_owned();
                (attribute_key(path, &name), summary(&attribute.value))
            })),
            Some(Err(errno)) => {
                texts.insert(attribute_key(path, ""), format!("!{} {}", errno.name(), errno.text()));
            }
            None => {}
        }
    }
    texts
}

/// One entry as text.
pub fn entry_text(entry: &Entry) -> String {
    match entry {
        Entry::Directory(_) => "dir".to_owned(),
        Entry::Symlink(_, target) => format!("link:{target}"),
        Entry::File(content) => content_text(content),
        Entry::Unreadable(errno) => format!("!{} {}", errno.name(), errno.text()),
    }
}

/// Bytes as text.
pub fn summary(bytes: &[u8]) -> String {
    segments_text(&[Segment::Bytes(bytes)]).unwrap_or_else(|| hashed(&[Segment::Bytes(bytes)]))
}

fn content_text(content: &Content) -> String {
    let segments = content.segments();
    segments_text(&segments).unwrap_or_else(|| {
        if content.size_bytes() <= DIGESTED_BYTES { hashed(&segments) } else { sparse(content) }
    })
}

/// The text, unless it is too long.
fn segments_text(segments: &[Segment<'_>]) -> Option<String> {
    let mut text = Text { out: String::new(), run: None, set_off: false };
    for segment in segments {
        match segment {
            Segment::Zeros(len) => text.put(0, *len),
            Segment::Bytes(bytes) => {
                for equal in bytes.chunk_by(|one, other| one == other) {
                    text.put(equal.first().copied().unwrap_or(0), len_u64(equal.len()));
                    if text.out.len() > LONGEST {
                        return None;
                    }
                }
            }
        }
    }
    text.flush();
    (text.out.len() <= LONGEST).then_some(text.out)
}

struct Text {
    out: String,
    run: Option<(u8, u64)>,
    /// The last piece wants a blank behind it.
    set_off: bool,
}

impl Text {
    fn put(&mut self, byte: u8, count: u64) {
        match &mut self.run {
            Some((same, total)) if *same == byte => *total += count,
            Some(_) | None => {
                self.flush();
                self.run = Some((byte, count));
            }
        }
    }

    fn flush(&mut self) {
        let Some((byte, count)) = self.run.take() else { return };
        let letter = letter(byte);
        let piece = if count >= RUN { format!("{letter}*{count}") } else { letter.repeat(count.index()) };
        let starred = piece.contains('*');
        if (starred || self.set_off) && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(&piece);
        self.set_off = starred;
    }
}

fn letter(byte: u8) -> String {
    if byte.is_ascii_graphic() && byte != b'\\' {
        char::from(byte).to_string()
    } else {
        format!("\\x{byte:02x}")
    }
}

fn hashed(segments: &[Segment<'_>]) -> String {
    let zeros = [0; 4096];
    let mut hasher = Sha256::new();
    let mut len = 0;
    for segment in segments {
        match segment {
            Segment::Bytes(bytes) => {
                hasher.update(bytes);
                len += len_u64(bytes.len());
            }
            Segment::Zeros(count) => {
                let mut rest = *count;
                while rest > 0 {
                    let now = rest.min(len_u64(zeros.len()));
                    hasher.update(&zeros[..now.index()]);
                    rest -= now;
                }
                len += count;
            }
        }
    }
    format!("{len} bytes, sha256 {}", first_16_hex(&hasher.finalize()))
}

fn sparse(content: &Content) -> String {
    let mut hasher = Sha256::new();
    for (at, block) in content.blocks() {
        hasher.update(at.get().to_le_bytes());
        hasher.update(block.bytes());
    }
    format!(
        "{} bytes, sparse, sha256 of its blocks {}",
        content.size_bytes(),
        first_16_hex(&hasher.finalize())
    )
}

fn first_16_hex(digest: &[u8]) -> String {
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let written = write!(hex, "{byte:02x}");
        debug_assert!(written.is_ok(), "a String takes all that is written");
        hex
    })
}
