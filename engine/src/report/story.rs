//! How a crash image comes about, in the words of the requests' causes.

use super::Story;
use super::ledger::{Fate, Ledger};
use crate::crash::{CrashId, Space};
use crate::device::{DeviceLog, DiskImage, Why};
use crate::history::InMemory;
use crate::recovery::{Audit, Node, Profile, Tree, recover};
use crate::units::{FileBlock, Ino, Moment, RequestIdx};
use std::collections::{BTreeMap, BTreeSet};

/// Tells the stories of one run's crash images.
#[derive(Debug)]
pub struct Storyteller<'a> {
    base: &'a DiskImage,
    log: &'a DeviceLog,
    profile: Profile,
    space: Space,
    ledger: Ledger<'a>,
}

impl<'a> Storyteller<'a> {
    /// For one run, whose crash images are mounted as `profile` says.
    pub fn new(base: &'a DiskImage, log: &'a DeviceLog, profile: Profile) -> Self {
        let profile = Profile { audit: Audit::Skip, ..profile };
        Self { base, log, profile, space: Space::of(base, log), ledger: Ledger::new(base, log) }
    }

    /// The story of an image when the power is cut at `at`; none for an id of another run. Inodes are called by the
    /// names in `names`, where they have any.
    pub fn tell(&self, id: &CrashId, at: Moment, names: &BTreeMap<Ino, BTreeSet<String>>) -> Option<Story> {
        let mut image = self.space.image(self.base, id).ok()?;
        let fates = self.ledger.fates(at, &image);
        let words = |request: RequestIdx| words(&self.log.request(request).cause.why, names);
        // A transfer that did not take a change along lost nothing: the page is dirty still.
        let is_offer = |fate: &&Fate| {
            matches!(self.log.request(fate.request).cause.why, Why::DataChangedInFlight { .. })
        };
        let lost = fates.iter().filter(|fate| fate.lost > 0 && !is_offer(fate));
        let lost = lost.map(|fate| loss(fate, words(fate.request)));
        let survived = fates.iter().filter(|fate| fate.lost == 0).map(|fate| words(fate.request));
        Some(Story {
            lost: lost.collect(),
            survived: survived.collect(),
            unwritten: recover(&mut image, &self.profile)
                .map_or_else(|_| Vec::new(), |found| unwritten(&found.tree)),
            next: self.ledger.next(at).map(words),
        })
    }
}

/// What is nowhere but in memory, in words.
pub(super) fn in_memory(memory: &InMemory, names: &BTreeMap<Ino, BTreeSet<String>>) -> Vec<String> {
    let transaction = memory.transaction.map(|tid| format!("transaction {tid}, not committed"));
    let data = memory.dirty.iter().map(|ino| format!("data of {}, never submitted", named(*ino, names)));
    transaction.into_iter().chain(data).collect()
}

/// The blocks that are still marked as unwritten. The size and the place of a file may be in a transaction that
/// was committed before the file's data had reached the disk: what marks it as written is in a later one.
fn unwritten(tree: &Tree) -> Vec<String> {
    let of_file = |(path, node): (&String, &Node)| match node {
        Node::File(file) => file.unwritten.iter().map(|run| blocks(path, *run)).collect(),
        Node::Directory(_) | Node::Symlink(..) | Node::Unreadable(_) => Vec::new(),
    };
    tree.entries.iter().flat_map(of_file).collect()
}

fn blocks(path: &str, (from, blocks): (FileBlock, u32)) -> String {
    match blocks {
        1 => format!("{path}, block {from}"),
        _ => format!("{path}, blocks {from} to {}", u64::from(from.get()) + u64::from(blocks) - 1),
    }
}

fn loss(fate: &Fate, words: String) -> String {
    let Fate { lost, units, .. } = fate;
    if lost == units { words } else { format!("{lost} of {units} parts of {words}") }
}

/// The cause; where it is data of a file, the file by name.
fn words(why: &Why, names: &BTreeMap<Ino, BTreeSet<String>>) -> String {
    let plain = why.to_string();
    let (Why::Data { ino, .. } | Why::DataChangedInFlight { ino, .. }) = why else { return plain };
    plain.replacen(&format!("inode {ino}"), &named(*ino, names), 1)
}

/// `/f (inode 12)`; only the inode, where no name was found.
fn named(ino: Ino, names: &BTreeMap<Ino, BTreeSet<String>>) -> String {
    let Some(names) = names.get(&ino) else { return format!("inode {ino}") };
    let mut list: Vec<&str> = names.iter().take(2).map(String::as_str).collect();
    if names.len() > 2 {
        list.push("…");
    }
    format!("{} (inode {ino})", list.join(" or "))
}
