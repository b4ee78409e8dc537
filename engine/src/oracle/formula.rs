//! What is left to decide of a claim where only the contents of blocks are unknown.
//!
//! ```text
//!   any([content("/f", "old…"), content("/f", "new…")])      /f is 700 701 on this outline
//!
//!   any ─┬─ text  "old…" at 700, "…" at 701          a conjunction of bytes is one text: wrong at its first wrong byte
//!        └─ text  "new…" at 700, "…" at 701
//! ```
//! Blocks are seen in ascending order, their bytes from the first to the last. What is left to decide is then the
//! formula without the parts that have been decided, so that a [`Residual`] names only those: the topmost parts that
//! were decided before their last byte was seen. A part whose value matters decides the part that it belongs to, so
//! that no values need to be kept: equal rests are equal residuals, and a conjunction of thousands of contents has two.
//!
//! Not done: finding that two different parts say the same. Such residuals are told apart, and counts are right.

use crate::crash::Fold;
use crate::format::journal::MAGIC;
use crate::recovery::Source;
use crate::scenario::Data;
use crate::units::BlockNr;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Bytes that stand in a block, or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Check {
    pub(super) block: BlockNr,
    /// Where in the block.
    pub(super) at: usize,
    /// These bytes, of this data.
    pub(super) data: Data,
    pub(super) range: Range<usize>,
}

/// How parts are joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Join {
    All,
    Any,
}

/// A formula while it is made: negations stand at the texts alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Draft {
    Known(bool),
    /// All of these bytes stand there: it is `is` that this is so.
    Text {
        checks: Vec<Check>,
        is: bool,
    },
    /// At least two parts, none of which is known or joined the same way.
    Joined(Join, Vec<Draft>),
}

/// A claim about the contents of blocks.
#[derive(Clone, Debug)]
pub struct Formula {
    known: Option<bool>,
    /// Each before those that it consists of.
    nodes: Vec<Node>,
    /// For each block, what texts want there.
    checks: BTreeMap<BlockNr, Vec<(usize, Check)>>,
    /// For each block, the texts whose last byte stands there, and where it ends.
    closes: BTreeMap<BlockNr, Vec<(usize, usize)>>,
}

/// A place: a block, and how many of its bytes have been seen.
type Place = (BlockNr, usize);

#[derive(Clone, Debug)]
struct Node {
    parent: Option<usize>,
    /// Its parts are the nodes from the next one up to this.
    end: usize,
    kind: Kind,
    /// Where its last byte ends.
    close: Place,
}

#[derive(Clone, Debug)]
enum Kind {
    Text {
        is: bool,
    },
    /// Its own parts, by the place of their last byte.
    Joined(Join, Vec<usize>),
}

/// What is left to decide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Residual {
    /// Nothing: this is so.
    Known(bool),
    /// All but these parts.
    Open(BTreeSet<usize>),
}

impl Join {
    /// The value of a part that decides the whole. The other one decides nothing.
    pub(super) const fn decisive(self) -> bool {
        matches!(self, Self::Any)
    }

    /// Joins parts, in normal form. Texts that one wrong byte decides together are one text.
    pub(super) fn of(self, parts: impl IntoIterator<Item = Draft>) -> Draft {
        let mut joined: Vec<Draft> = Vec::new();
        let mut text: Vec<Check> = Vec::new();
        for part in parts {
            let flat = match part {
                Draft::Joined(join, parts) if join == self => parts,
                Draft::Known(_) | Draft::Text { .. } | Draft::Joined(..) => vec![part],
            };
            for part in flat {
                match part {
                    Draft::Known(known) if known == self.decisive() => return Draft::Known(known),
                    Draft::Known(_) => {}
                    Draft::Text { checks, is } if is != self.decisive() => text.extend(checks),
                    Draft::Text { .. } | Draft::Joined(..) => joined.push(part),
                }
            }
        }
        if !text.is_empty() {
            joined.insert(0, Draft::Text { checks: text, is: !self.decisive() });
        }
        match joined.len() {
            0 => Draft::Known(!self.decisive()),
            1 => joined.swap_remove(0),
            _ => Draft::Joined(self, joined),
        }
    }
}

impl Draft {
    /// Whether `data[range]` stands in a block of a file, from the byte `at` on. A file has zeros where it has no block.
    pub(super) fn bytes(source: Option<&Source>, at: usize, data: &Data, range: Range<usize>) -> Self {
        let check = |block: &BlockNr, at: usize, range: Range<usize>| Self::Text {
            checks: vec![Check { block: *block, at, data: Data::clone(data), range }],
            is: true,
        };
        match source {
            None => Self::Known(data[range].iter().all(|byte| *byte == 0)),
            Some(Source::Kept(block)) => Self::Known(block.bytes()[at..at + range.len()] == data[range]),
            Some(Source::Disk(block) | Source::Copy { at: block, escaped: false }) => check(block, at, range),
            Some(Source::Copy { at: block, escaped: true }) => {
                // Whatever the copy holds there, the magic is put back.
                let magic = MAGIC.to_be_bytes();
                let known = at.min(magic.len())..(at + range.len()).min(magic.len());
                let (first, later) = data[range.clone()].split_at(known.len());
                if *first != magic[known.clone()] {
                    Self::Known(false)
                } else if later.is_empty() {
                    Self::Known(true)
                } else {
                    check(block, at + known.len(), range.start + known.len()..range.end)
                }
            }
        }
    }

    /// The opposite.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Known(known) => Self::Known(!known),
            Self::Text { checks, is } => Self::Text { checks, is: !is },
            Self::Joined(join, parts) => {
                let join = match join {
                    Join::All => Join::Any,
                    Join::Any => Join::All,
                };
                Self::Joined(join, parts.into_iter().map(Self::negated).collect())
            }
        }
    }
}

impl Check {
    /// How far into the block it reaches.
    fn end(&self) -> usize {
        self.at + self.range.len()
    }

    /// Whether the bytes from `at` on are as it wants them, where it wants any of them.
    fn agrees(&self, at: usize, bytes: &[u8]) -> bool {
        let from = self.at.max(at);
        let to = self.end().min(at + bytes.len());
        let wanted = &self.data[self.range.clone()];
        from >= to || wanted[from - self.at..to - self.at] == bytes[from - at..to - at]
    }
}

impl Formula {
    pub(super) fn of(draft: Draft) -> Self {
        let mut formula =
            Self { known: None, nodes: Vec::new(), checks: BTreeMap::new(), closes: BTreeMap::new() };
        formula.known = formula.add(draft, None);
        for checks in formula.checks.values_mut() {
            checks.sort_by_key(|(_, check)| check.at);
        }
        for closes in formula.closes.values_mut() {
            closes.sort_unstable();
        }
        formula
    }

    /// Adds a part and all that it consists of; says what it is where that is known.
    fn add(&mut self, draft: Draft, parent: Option<usize>) -> Option<bool> {
        let id = self.nodes.len();
        let nowhere = (BlockNr::new(0), 0);
        match draft {
            Draft::Known(known) => return Some(known),
            Draft::Text { checks, is } => {
                let close = checks.iter().map(|check| (check.block, check.end())).max().unwrap_or(nowhere);
                self.nodes.push(Node { parent, end: id + 1, kind: Kind::Text { is }, close });
                self.closes.entry(close.0).or_default().push((close.1, id));
                for check in checks {
                    self.checks.entry(check.block).or_default().push((id, check));
                }
            }
            Draft::Joined(join, parts) => {
                let kind = Kind::Joined(join, Vec::new());
                self.nodes.push(Node { parent, end: id + 1, kind, close: nowhere });
                let mut children = Vec::with_capacity(parts.len());
                for part in parts {
                    children.push(self.nodes.len());
                    self.add(part, Some(id));
                }
                children.sort_by_key(|child| self.nodes[*child].close);
                let close = children.last().map_or(nowhere, |child| self.nodes[*child].close);
                let end = self.nodes.len();
                self.nodes[id] = Node { parent, end, kind: Kind::Joined(join, children), close };
            }
        }
        None
    }

    /// What is so whatever the blocks hold, if anything is.
    pub const fn known(&self) -> Option<bool> {
        self.known
    }

    /// The blocks that matter, in ascending order.
    pub fn blocks(&self) -> impl Iterator<Item = BlockNr> {
        self.checks.keys().copied()
    }
}

impl Fold for Formula {
    type State = Residual;

    fn start(&self) -> Residual {
        self.known.map_or_else(|| Residual::Open(BTreeSet::new()), Residual::Known)
    }

    /// Blocks come in ascending order; others than [`Self::blocks`] change nothing.
    fn see(&self, before: &Residual, block: BlockNr, at: usize, bytes: &[u8]) -> Residual {
        let (Residual::Open(done), Some(checks)) = (before, self.checks.get(&block)) else {
            return before.clone();
        };
        let end = at + bytes.len();
        let mut seeing = Seeing { formula: self, seen: (block, at), done: done.clone() };
        for (text, check) in checks.iter().take_while(|(_, check)| check.at < end) {
            if !check.agrees(at, bytes)
                && let Some(known) = seeing.text(*text, false)
            {
                return Residual::Known(known);
            }
        }
        let closes = self.closes.get(&block).map_or(&[][..], Vec::as_slice);
        for (_, text) in closes.iter().filter(|(close, _)| at < *close && *close <= end) {
            if let Some(known) = seeing.text(*text, true) {
                return Residual::Known(known);
            }
        }
        seeing.done.retain(|part| self.nodes[*part].close > (block, end));
        Residual::Open(seeing.done)
    }
}

/// Bytes being seen.
struct Seeing<'a> {
    formula: &'a Formula,
    /// All before this was seen before.
    seen: Place,
    /// The topmost parts that are decided, of those that were open before.
    done: BTreeSet<usize>,
}

impl Seeing<'_> {
    /// It is certain now whether all of a text stands there; says what the whole formula is, if that is certain too.
    fn text(&mut self, text: usize, stands: bool) -> Option<bool> {
        let Kind::Text { is } = self.formula.nodes[text].kind else { return None };
        let mut above = Some(text);
        while let Some(part) = above {
            if self.done.contains(&part) {
                return None;
            }
            above = self.formula.nodes[part].parent;
        }
        self.decide(text, stands == is)
    }

    /// An open part is decided.
    fn decide(&mut self, part: usize, value: bool) -> Option<bool> {
        let mut part = part;
        loop {
            let Some(parent) = self.formula.nodes[part].parent else { return Some(value) };
            let Kind::Joined(join, parts) = &self.formula.nodes[parent].kind else { return None };
            if value != join.decisive() {
                let end = self.formula.nodes[part].end;
                let below: Vec<usize> = self.done.range(part..end).copied().collect();
                below.iter().for_each(|part| {
                    self.done.remove(part);
                });
                self.done.insert(part);
                if !parts.iter().rev().all(|part| self.is_settled(*part)) {
                    return None;
                }
            }
            part = parent;
        }
    }

    /// Whether a part of something open is decided.
    fn is_settled(&self, part: usize) -> bool {
        self.done.contains(&part) || self.formula.nodes[part].close <= self.seen
    }
}
