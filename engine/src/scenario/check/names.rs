//! Which names a scenario has given to what, step by step.
//!
//! ```text
//! open(fd: "f")   close("f")      open(fd: "f")
//!  unknown ──▶ open ──▶ closed by steps[1] ──▶ open
//! ```
//!
//! A step whose arguments could not be read may have opened anything by the name it gives: such a name is vague,
//! and nothing is said about it.

use super::super::ast::{Name, Wanted};
use super::super::quote;
use super::super::tree::Node;
use super::Checker;
use crate::history::Errno;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A place in the scenario.
#[derive(Clone)]
pub(super) struct Place {
    path: String,
    span: Range<usize>,
}

enum State {
    Open(Place),
    Closed(Place),
    Vague,
}

/// The names of descriptors, or of mappings.
pub(super) struct Names {
    known: BTreeMap<String, State>,
}

/// The marks that were set: after how many steps, and where.
pub(super) struct Marks {
    set: BTreeMap<String, (usize, Place)>,
}

/// Which names are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handle {
    Descriptor,
    Mapping,
}

/// How an error speaks of a descriptor, or of a mapping.
struct Words {
    what: &'static str,
    /// What was expected.
    open: &'static str,
    /// A step … it.
    opens: &'static str,
    /// It is still ….
    opened: &'static str,
    /// Where that was.
    opened_here: &'static str,
    /// It was ….
    closed: &'static str,
    /// What to do about a name that is taken.
    help: &'static str,
}

impl Names {
    pub(super) const fn new() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl Marks {
    pub(super) const fn new() -> Self {
        Self { set: BTreeMap::new() }
    }
}

impl Handle {
    /// The codes of its errors: unknown, closed, still open.
    const fn codes(self) -> [&'static str; 3] {
        match self {
            Self::Descriptor => ["unknown-descriptor", "closed-descriptor", "open-descriptor"],
            Self::Mapping => ["unknown-mapping", "closed-mapping", "open-mapping"],
        }
    }
    /// How its errors speak of it.
    const fn words(self) -> Words {
        match self {
            Self::Descriptor => Words {
                what: "descriptor",
                open: "an open descriptor",
                opens: "opens",
                opened: "open",
                opened_here: "opened here",
                closed: "closed",
                help: "close it first, or take another name",
            },
            Self::Mapping => Words {
                what: "mapping",
                open: "a mapping",
                opens: "maps",
                opened: "mapped",
                opened_here: "mapped here",
                closed: "unmapped",
                help: "unmap it first, or take another name",
            },
        }
    }
}

impl Checker<'_> {
    fn names(&mut self, handle: Handle) -> &mut Names {
        match handle {
            Handle::Descriptor => &mut self.descriptors,
            Handle::Mapping => &mut self.mappings,
        }
    }

    fn here(&self, span: &Range<usize>) -> Place {
        let path = self.place.rsplit_once('.').map_or(self.place.as_str(), |(step, _)| step);
        let path = path.trim_start_matches('.').to_owned();
        Place { path, span: span.clone() }
    }

    /// Nothing is open, as when the program starts.
    pub(super) fn forget_names(&mut self) {
        self.descriptors.known.clear();
        self.mappings.known.clear();
    }

    /// A name that must be open.
    pub(super) fn used(&mut self, node: &Node, handle: Handle) -> Option<Name> {
        let name = self.mentioned(node, handle)?;
        if let Some(State::Closed(place)) = self.names(handle).known.get(&*name) {
            let place = place.clone();
            let ([_, code, _], words) = (handle.codes(), handle.words());
            if self.may_be_closed(handle) {
            } else if let Some(error) = self.error(code, &node.span) {
                let message = format!("{} was {} by {}", quote::text(&name), words.closed, place.path);
                let error = error.say(message).expected(words.open);
                self.push(error.related(place.span, format!("{} here", words.closed)));
            }
        }
        Some(name)
    }

    /// Whether this step may well use a name that is closed. A range without a mapping can be asked for, and kernels
    /// differ in what they answer.
    fn may_be_closed(&self, handle: Handle) -> bool {
        match handle {
            Handle::Descriptor => self.wanted == Wanted::Error(Errno::EBADF),
            Handle::Mapping => self.may_fail,
        }
    }

    /// A name that is open or was.
    pub(super) fn mentioned(&mut self, node: &Node, handle: Handle) -> Option<Name> {
        let ([code, _, _], words) = (handle.codes(), handle.words());
        let name = self.name(node, words.what)?;
        if !self.names(handle).known.contains_key(&name)
            && let Some(error) = self.error(code, &node.span)
        {
            let known = self.names(handle).known.keys().map(String::as_str);
            let help =
                quote::nearest(&name, known).map(|near| format!("did you mean {}?", quote::text(near)));
            let message = format!("no step before this one {} {}", words.opens, quote::text(&name));
            self.push(error.say(message).expected(words.open).maybe_help(help));
        }
        Some(Arc::from(name))
    }

    /// A name that a step gives, if it succeeds.
    pub(super) fn opened(&mut self, node: &Node, handle: Handle) -> Option<Name> {
        let ([_, _, code], words) = (handle.codes(), handle.words());
        let name = self.name(node, words.what)?;
        if matches!(self.wanted, Wanted::Error(_)) {
            return Some(Arc::from(name));
        }
        if let Some(State::Open(place)) = self.names(handle).known.get(&name) {
            let place = place.clone();
            if let Some(error) = self.error(code, &node.span) {
                let message =
                    format!("{} is still {}, from {}", quote::text(&name), words.opened, place.path);
                let error = error.say(message).expected("a name that is free");
                let elsewhere = place.span != node.span;
                let error = if elsewhere { error.related(place.span, words.opened_here) } else { error };
                self.push(error.help(words.help));
            }
        }
        let here = self.here(&node.span);
        self.names(handle).known.insert(name.clone(), State::Open(here));
        Some(Arc::from(name))
    }

    /// An open name, closed from here on.
    pub(super) fn closed(&mut self, node: &Node, handle: Handle) -> Option<Name> {
        let name = self.used(node, handle)?;
        // A close that fails with anything but EBADF has closed the descriptor; a munmap that fails has done nothing.
        let done = match self.wanted {
            Wanted::Success | Wanted::Short(_) => true,
            Wanted::Error(errno) => handle == Handle::Descriptor && errno != Errno::EBADF,
        };
        if done {
            let here = self.here(&node.span);
            if let Some(state) = self.names(handle).known.get_mut(&*name) {
                *state = State::Closed(here);
            }
        }
        Some(name)
    }

    /// A name that a step gives which was not understood.
    pub(super) fn vague(&mut self, name: String) {
        self.descriptors.known.entry(name.clone()).or_insert(State::Vague);
        self.mappings.known.entry(name).or_insert(State::Vague);
    }

    /// A mark, set after `steps` steps.
    pub(super) fn marked(&mut self, node: &Node, steps: usize) -> Option<Name> {
        let name = self.name(node, "mark")?;
        if let Some((_, first)) = self.marks.set.get(&name) {
            let first = first.clone();
            if let Some(error) = self.error("duplicate-mark", &node.span) {
                let message = format!("the mark {} is set twice", quote::text(&name));
                let error = error.say(message);
                let in_loop = first.span == node.span;
                let error = if in_loop { error } else { error.related(first.span, "first set here") };
                let help =
                    in_loop.then(|| "in a loop, put its variable into the name: \"m ${i}\"".to_owned());
                self.push(error.expected("a name that no step before it sets").maybe_help(help));
            }
        } else {
            let here = self.here(&node.span);
            self.marks.set.insert(name.clone(), (steps, here));
        }
        Some(Arc::from(name))
    }

    /// A mark that some step sets, and after how many steps.
    pub(super) fn known_mark(&mut self, node: &Node) -> Option<(Name, usize)> {
        let name = self.name(node, "mark")?;
        if let Some((steps, _)) = self.marks.set.get(&name) {
            return Some((Arc::from(name), *steps));
        }
        if let Some(error) = self.error("unknown-mark", &node.span) {
            let known = self.marks.set.keys().map(String::as_str);
            let help =
                quote::nearest(&name, known).map(|near| format!("did you mean {}?", quote::text(near)));
            let expected = match self.marks.set.len() {
                0 => "a mark, but no step sets any".to_owned(),
                1..=8 => {
                    let names: Vec<String> = self.marks.set.keys().map(|name| quote::text(name)).collect();
                    format!("a mark that is set: {}", names.join(", "))
                }
                _ => "a mark that a step sets".to_owned(),
            };
            let message = format!("no step sets the mark {}", quote::text(&name));
            self.push(error.say(message).expected(expected).maybe_help(help));
        }
        None
    }
}
