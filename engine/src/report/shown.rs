//! Trees as text, from outlines and what their files hold.

use super::bodies::{Body, Unit};
use super::{Choices, Shown, ShownTree};
use crate::oracle::{
    Content, Entry, FileShape, Observation, Outline, attribute_texts, entry_text, summary, tree_text,
};
use crate::units::{Ino, Widen, len_u64};
use std::collections::BTreeMap;

/// The texts of contents that have been met, by where their bytes are in memory. A pure cache.
#[derive(Debug, Default)]
pub(super) struct Texts {
    met: BTreeMap<Vec<(u64, usize, usize)>, String>,
}

/// How a body is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum How<'c> {
    /// With these contents of its varying units.
    Whole(&'c [u16]),
    /// As choices.
    Units,
}

impl Texts {
    /// One file.
    pub(super) fn shown(&mut self, body: &Body<'_>, how: How<'_>) -> Shown {
        match how {
            How::Whole(choices) => Shown::Text(self.text(body, choices)),
            How::Units => Shown::Units { size_bytes: body.shape.size_bytes, units: units(body), all: false },
        }
    }

    fn text(&mut self, body: &Body<'_>, choices: &[u16]) -> String {
        let make = || {
            let content = Content::new(body.shape.ino, body.shape.size_bytes, body.filled(choices));
            entry_text(&Entry::File(content))
        };
        let mut key = vec![(body.shape.size_bytes, 0, 0)];
        let mut rest = choices.iter();
        for unit in &body.units {
            let choice = if unit.any.len() > 1 { rest.next().copied().unwrap_or(0) } else { 0 };
            match unit.any.get(usize::from(choice)) {
                Some(std::borrow::Cow::Borrowed(bytes)) => {
                    key.push((unit.at, bytes.as_ptr().addr(), bytes.len()));
                }
                Some(std::borrow::Cow::Owned(_)) | None => return make(),
            }
        }
        self.met.entry(key).or_insert_with(make).clone()
    }
}

/// A tree, where `file` shows each regular file.
pub(super) fn tree(outline: &Outline, mut file: impl FnMut(&str, &FileShape) -> Shown) -> ShownTree {
    match outline {
        Observation::Unmountable { why, repair } => {
            text_tree(&Observation::Unmountable { why: why.clone(), repair: *repair })
        }
        Observation::Mounted(mounted) => {
            let shown = |(path, entry): (&String, &Entry<FileShape>)| {
                let shown = match entry {
                    Entry::File(shape) => file(path, shape),
                    Entry::Directory(ino) => Shown::Text(entry_text(&Entry::Directory(*ino))),
                    Entry::Symlink(ino, target) => {
                        Shown::Text(entry_text(&Entry::Symlink(*ino, target.clone())))
                    }
                    Entry::Unreadable(errno) => Shown::Text(entry_text(&Entry::Unreadable(*errno))),
                };
                (path.clone(), shown)
            };
            let attributes = attribute_texts(mounted, Entry::shape_ino);
            let attributes = attributes.into_iter().map(|(key, text)| (key, Shown::Text(text)));
            mounted.entries.iter().map(shown).chain(attributes).collect()
        }
    }
}

/// A tree of which everything is known.
pub(super) fn text_tree(observation: &Observation) -> ShownTree {
    tree_text(observation).into_iter().map(|(path, text)| (path, Shown::Text(text))).collect()
}

/// What each unit may hold; neighbours with one and the same single content are one.
fn units(body: &Body<'_>) -> Vec<Choices> {
    let mut joined: Vec<(u64, u64, &Unit<'_>)> = Vec::new();
    let mut choices = Vec::new();
    let mut at = 0;
    let flush = |joined: &mut Vec<(u64, u64, &Unit<'_>)>, choices: &mut Vec<Choices>| {
        for (at, len_bytes, unit) in joined.drain(..) {
            let text = |bytes: &[u8]| summary(&bytes.repeat(len_bytes.index() / bytes.len().max(1)));
            let mut any: Vec<String> = unit.any.iter().map(|bytes| text(bytes)).collect();
            any.sort();
            choices.push(Choices { at, len_bytes, any });
        }
    };
    for unit in &body.units {
        if unit.at > at {
            flush(&mut joined, &mut choices);
            choices.push(hole(at, unit.at - at));
        }
        let len = len_u64(unit.any.first().map_or(0, |bytes| bytes.len()));
        match joined.last_mut() {
            Some((_, len_bytes, same)) if same.any.len() == 1 && same.any == unit.any => *len_bytes += len,
            Some(_) | None => joined.push((unit.at, len, unit)),
        }
        at = unit.at + len;
    }
    flush(&mut joined, &mut choices);
    if at < body.shape.size_bytes {
        choices.push(hole(at, body.shape.size_bytes - at));
    }
    choices
}

fn hole(at: u64, len_bytes: u64) -> Choices {
    let zeros = Content::new(Ino::new(0), len_bytes, []);
    Choices { at, len_bytes, any: vec![entry_text(&Entry::File(zeros))] }
}
