//! A RON document as a tree that remembers where each value stands.
//!
//! ```text
//! write("tmp", repeat("A", 8))
//! └─ Group write ─ Positional ─┬─ Text   "tmp"
//!                              └─ Group repeat ─ Positional ─┬─ Text "A"
//!                                                            └─ Number 8
//! ```
//!
//! Strings and numbers stay as they are written: whoever needs the value has `ron` read those bytes of the text.
//! Not kept: what is inside of a map (`{…}`), because the language has none.

use std::ops::Range;

/// One value and the bytes of the text it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `"…"` or `r"…"`
    Text,
    /// `'…'`
    Char,
    /// `b"…"`
    Bytes,
    /// `12`, `0o644`, `-1`, `1.5`
    Number,
    /// `O_CREAT`, `true`, `sync`
    Word,
    /// `[…]`
    List(Vec<Node>),
    /// `{…}`
    Map,
    /// `name(…)` or `(…)`
    Group(Option<Range<usize>>, Args),
}

/// What stands between the parentheses of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Args {
    /// `(a, b)`, `()`
    Positional(Vec<Node>),
    /// `(x: a, y: b)`, with the bytes that each name takes.
    Named(Vec<(Range<usize>, Node)>),
}

impl Node {
    /// What this value is, for a message.
    pub(super) const fn what(&self) -> &'static str {
        match self.kind {
            Kind::Text => "a string",
            Kind::Char => "a character",
            Kind::Bytes => "a byte string",
            Kind::Number => "a number",
            Kind::Word => "a word",
            Kind::List(_) => "a list",
            Kind::Map => "a map",
            Kind::Group(None, _) => "a group in parentheses",
            Kind::Group(Some(_), _) => "a named group",
        }
    }

    /// The word that names it: `sync` of `sync` and `write` of `write(…)`.
    pub(super) fn name<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.name_span().and_then(|span| text.get(span))
    }

    /// The bytes that its name takes.
    pub(super) fn name_span(&self) -> Option<Range<usize>> {
        match &self.kind {
            Kind::Word => Some(self.span.clone()),
            Kind::Group(name, _) => name.clone(),
            Kind::Text | Kind::Char | Kind::Bytes | Kind::Number | Kind::List(_) | Kind::Map => None,
        }
    }

    /// What to point at when the value as a whole is meant: its name if it has one.
    pub(super) fn head(&self) -> Range<usize> {
        self.name_span().unwrap_or_else(|| self.span.clone())
    }
}
