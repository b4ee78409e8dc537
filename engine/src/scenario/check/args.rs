//! Arguments: what stands in parentheses, matched with what a call or a group of options takes.
//!
//! ```text
//! write("tmp", "new")             ┐
//! write(fd: "tmp", data: "new")   ┴──▶ fd ▸ "tmp", data ▸ "new"
//! ```
//!
//! An argument is found by its name; `Some(x)` stands for x and `None` for an argument left out.

use super::super::quote;
use super::super::tree::{Args, Kind, Node};
use super::Checker;
use std::ops::Range;

/// How many names are listed where none of them is near.
const LISTED: usize = 16;

/// What something in parentheses is called and takes.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// How many arguments may stand without a name; 0 where all must be named.
    pub(super) unnamed: usize,
}

/// One argument.
pub(super) enum Param {
    Needed(&'static str),
    Optional(&'static str),
}

impl Param {
    const fn name(&self) -> &'static str {
        match self {
            Self::Needed(name) | Self::Optional(name) => name,
        }
    }
}

impl Form {
    /// How it is written: `open(fd: …, path: …, flags: …, mode?: …)`.
    fn usage(&self) -> String {
        if self.params.is_empty() {
            return quote::code(self.name);
        }
        let params = self.params.iter().enumerate().map(|(at, param)| match param {
            Param::Needed(name) if at < self.unnamed => name.to_uppercase(),
            Param::Needed(name) => format!("{name}: …"),
            Param::Optional(name) => format!("{name}?: …"),
        });
        let shown: Vec<String> = if self.unnamed > 0 {
            let needed = self.params.iter().filter(|param| matches!(param, Param::Needed(_))).count();
            params.take(needed.max(1)).collect()
        } else {
            params.collect()
        };
        format!("`{}({})`", self.name, shown.join(", "))
    }
}

/// The arguments that were given.
pub(super) struct Bound<'n> {
    given: Vec<(&'static str, &'n Node)>,
    /// Arguments that a mistyped name seems to mean.
    meant: Vec<&'static str>,
    /// The name of what they were given to.
    pub(super) head: Range<usize>,
    /// All of it.
    pub(super) span: Range<usize>,
}

impl<'n> Bound<'n> {
    /// The argument of this name; where it was needed and is missing, that was reported.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, node)| *node)
    }
}

impl Checker<'_> {
    /// Matches a node with a form. What does not match is reported and left out.
    pub(super) fn bind<'n>(&mut self, form: &Form, node: &'n Node) -> Bound<'n> {
        let mut bound =
            Bound { given: Vec::new(), meant: Vec::new(), head: node.head(), span: node.span.clone() };
        match &node.kind {
            Kind::Group(_, Args::Positional(values)) => self.bind_positional(form, values, &mut bound),
            Kind::Group(_, Args::Named(values)) => self.bind_named(form, values, &mut bound),
            Kind::Word => {}
            Kind::Text | Kind::Char | Kind::Bytes | Kind::Number | Kind::List(_) | Kind::Map => {
                self.wrong_type(node, &form.usage());
                return bound;
            }
        }
        let missing: Vec<&str> = form
            .params
            .iter()
            .filter(|param| matches!(param, Param::Needed(name) if bound.get(name).is_none()))
            .map(Param::name)
            .filter(|name| !bound.meant.contains(name))
            .collect();
        if !missing.is_empty() {
            let head = if node.name_span().is_some() { bound.head.clone() } else { start_of(node) };
            let message = format!("{} lacks {}", quote::code(form.name), all_of(&missing));
            self.refuse("missing-field", &head, message, &form.usage());
        }
        // Where `None` was written, that was the argument: left out on purpose.
        bound.given.retain(|(_, node)| node.name(self.text) != Some("None"));
        bound
    }

    fn bind_positional<'n>(&mut self, form: &Form, values: &'n [Node], bound: &mut Bound<'n>) {
        if let Some(first) = values.first().filter(|_| form.unnamed == 0) {
            let message = match form.params {
                [] => format!("{} takes no arguments", quote::code(form.name)),
                _ => format!("the arguments of {} have names", quote::code(form.name)),
            };
            self.refuse("wrong-arguments", &first.span, message, &form.usage());
        } else if let Some(extra) = values.get(form.unnamed) {
            let message = format!("{} has too many arguments", quote::code(form.name));
            self.refuse("wrong-arguments", &extra.span, message, &form.usage());
        }
        bound.given = form.params.iter().map(Param::name).zip(values.iter().map(|v| self.inner(v))).collect();
    }

    fn bind_named<'n>(&mut self, form: &Form, values: &'n [(Range<usize>, Node)], bound: &mut Bound<'n>) {
        let mut spans: Vec<(&'static str, Range<usize>)> = Vec::new();
        for (span, value) in values {
            let name = self.text.get(span.clone()).unwrap_or("");
            let Some(param) = form.params.iter().map(Param::name).find(|param| *param == name) else {
                self.unknown_field(form, name, span);
                bound.meant.extend(quote::nearest(name, form.params.iter().map(Param::name)));
                continue;
            };
            if let Some((_, first)) = spans.iter().find(|(other, _)| *other == param) {
                let first = first.clone();
                if let Some(error) = self.error("duplicate-field", span) {
                    let message = format!("{} is given twice", quote::code(name));
                    self.push(error.say(message).related(first, "first given here"));
                }
                continue;
            }
            spans.push((param, span.clone()));
            bound.given.push((param, self.inner(value)));
        }
    }

    fn unknown_field(&mut self, form: &Form, name: &str, span: &Range<usize>) {
        if let Some(error) = self.error("unknown-field", span) {
            let names: Vec<&str> = form.params.iter().map(Param::name).collect();
            let expected = match names.as_slice() {
                [] => "nothing in parentheses".to_owned(),
                names => either(names),
            };
            let message = format!("{} has no {}", quote::code(form.name), quote::code(name));
            let help = quote::did_you_mean(name, names);
            self.push(error.say(message).expected(expected).maybe_help(help));
        }
    }

    /// The x of `Some(x)`, and everything else itself.
    fn inner<'n>(&self, node: &'n Node) -> &'n Node {
        match &node.kind {
            Kind::Group(Some(_), Args::Positional(values)) if node.name(self.text) == Some("Some") => {
                values.first().unwrap_or(node)
            }
            Kind::Group(..)
            | Kind::Text
            | Kind::Char
            | Kind::Bytes
            | Kind::Number
            | Kind::Word
            | Kind::List(_)
            | Kind::Map => node,
        }
    }

    /// The nodes of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n [Node]> {
        if let Kind::List(values) = &node.kind {
            return Some(values);
        }
        self.wrong_type(node, expected);
        None
    }

    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let span = node.span.clone();
        let message = format!("{} is {}", self.show(&span), node.what());
        self.refuse("wrong-type", &span, message, expected);
    }

    /// The form of this name out of a table; where there is none, that is reported.
    pub(super) fn form_of<T>(
        &mut self,
        node: &Node,
        table: &'static [T],
        name_of: fn(&T) -> &'static str,
        kind: &'static str,
        also: &[&'static str],
    ) -> Option<&'static T> {
        let Some(name) = node.name(self.text) else {
            self.wrong_type(node, kind);
            return None;
        };
        let found = table.iter().find(|entry| name_of(entry) == name);
        if found.is_none() {
            let head = node.head();
            if let Some(error) = self.error("unknown-variant", &head) {
                let known: Vec<&str> = table.iter().map(name_of).chain(also.iter().copied()).collect();
                let help = quote::did_you_mean(name, known.iter().copied());
                let expected = one_of(kind, &known, help.as_deref());
                let message = format!("{} is not {kind}", quote::code(name));
                self.push(error.say(message).expected(expected).maybe_help(help));
            }
        }
        found
    }
}

/// The opening bracket of something without a name.
fn start_of(node: &Node) -> Range<usize> {
    node.span.start..node.span.start + 1
}

/// `a`, `b` and `c`
fn all_of(names: &[&str]) -> String {
    joined(names, "and")
}

/// `a`, `b` or `c`
pub(super) fn either(names: &[&str]) -> String {
    joined(names, "or")
}

/// What was expected of a name: its kind, and the names there are, unless they are many or the right one is known.
pub(super) fn one_of(kind: &str, names: &[&str], help: Option<&str>) -> String {
    if help.is_some() || names.len() > LISTED {
        return kind.to_owned();
    }
    format!("{kind}: {}", either(names))
}

fn joined(names: &[&str], last_word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote::code(name)).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} {last_word} {last}", some.join(", ")),
    }
}
