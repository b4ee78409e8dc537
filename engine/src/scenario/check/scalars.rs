//! Single values: strings, paths, numbers, words.
//!
//! ```text
//! "${i}.log" ──ron──▶ ${i}.log ──loop──▶ 7.log
//! "32M", 33554432 ──▶ 33554432
//! ```
//!
//! `ron` reads the bytes of a string or a number; this says what was expected in their place.

use super::super::quote;
use super::super::tree::{Kind, Node};
use super::Checker;
use super::args::{either, one_of};
use std::ops::RangeInclusive;

/// A word of the language: what it means, or nothing where Linux knows it and the model does not.
pub(super) type Word<T> = (&'static str, Option<T>);

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Things: `commit: 5`.
    Plain,
    /// Bytes, so that `"4K"` will do as well.
    Bytes,
}

impl Checker<'_> {
    /// A string, with the variables of the loops around it filled in.
    pub(super) fn text(&mut self, node: &Node, expected: &str) -> Option<String> {
        if node.kind != Kind::Text {
            self.wrong_type_of_text(node, expected);
            return None;
        }
        let raw = self.text.get(node.span.clone()).unwrap_or("");
        match ron::from_str::<String>(raw) {
            Ok(text) => self.filled_in(node, text),
            Err(error) => {
                self.refuse("syntax", &node.span, format!("not a string: {}", error.code), expected);
                None
            }
        }
    }

    fn wrong_type_of_text(&mut self, node: &Node, expected: &str) {
        let shown = self.show(&node.span);
        if let Some(error) = self.error("wrong-type", &node.span) {
            let error = error.say(format!("{shown} is {}", node.what())).expected(expected);
            let help = match node.kind {
                Kind::Word => Some(format!("strings have quotes: \"{}\"", shown.trim_matches('`'))),
                Kind::Bytes => Some("bytes that are not text are written hex(\"00 ff\")".to_owned()),
                Kind::Text | Kind::Char | Kind::Number | Kind::List(_) | Kind::Map | Kind::Group(..) => None,
            };
            self.push(error.maybe_help(help));
        }
    }

    /// Puts the rounds of the loops in place of `${i}`. Outside of loops a string is left alone.
    fn filled_in(&mut self, node: &Node, text: String) -> Option<String> {
        if self.loops.is_empty() || !text.contains("${") {
            return Some(text);
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            // The innermost loop comes last.
            let value = self.loops.iter().rev().find(|one| one.var.as_deref() == Some(name));
            match value {
                Some(one) => filled.push_str(&one.round.to_string()),
                None => {
                    self.unknown_variable(node, name);
                    return None;
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn unknown_variable(&mut self, node: &Node, name: &str) {
        if let Some(error) = self.error("unknown-variable", &node.span) {
            let vars: Vec<&str> = self.loops.iter().filter_map(|one| one.var.as_deref()).collect();
            let expected = match vars.as_slice() {
                [] => "no `${`, because the loops here have no variable".to_owned(),
                _ => format!("the variable of a loop around it: {}", either(&vars)),
            };
            let help = quote::did_you_mean(name, vars);
            let message = format!("no loop has the variable {}", quote::code(name));
            self.push(error.say(message).expected(expected).maybe_help(help));
        }
    }

    /// A name that the scenario gives to something.
    pub(super) fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let name = self.text(node, &format!("the name of a {what}, a string"))?;
        if name.is_empty() {
            self.refuse("empty-name", &node.span, format!("the name of this {what} is empty"), "");
            return None;
        }
        Some(name)
    }

    /// An absolute path.
    pub(super) fn path(&mut self, node: &Node) -> Option<String> {
        let path = self.text(node, "a path, a string")?;
        if !path.starts_with('/') {
            if let Some(error) = self.error("relative-path", &node.span) {
                let error = error.say(format!("the path {} is not absolute", quote::text(&path)));
                let help =
                    (!path.is_empty()).then(|| format!("did you mean {}?", quote::text(&format!("/{path}"))));
                self.push(error.expected("a path that starts with `/`").maybe_help(help));
            }
        } else if path.contains('\0') {
            let message = format!("the path {} contains NUL", quote::text(&path));
            self.refuse("nul-in-path", &node.span, message, "a path without NUL, where it would end");
        }
        Some(path)
    }

    /// A whole number.
    pub(super) fn integer(&mut self, node: &Node, unit: Unit, range: RangeInclusive<i128>) -> Option<i128> {
        let (low, high) = (*range.start(), *range.end());
        let kind = match unit {
            Unit::Plain => "a whole number",
            Unit::Bytes => "a number of bytes",
        };
        let suffix = if unit == Unit::Bytes { ", as 4096 or \"4K\"" } else { "" };
        let bounds = match (unit, low == high) {
            (Unit::Plain, _) => format!("from {low} to {high}"),
            (Unit::Bytes, false) => format!("from {} to {}", with_suffix(low), with_suffix(high)),
            (Unit::Bytes, true) => format!("that is {}", with_suffix(low)),
        };
        let expected = format!("{kind} {bounds}{suffix}");
        let value = match node.kind {
            Kind::Number => whole(self.text.get(node.span.clone()).unwrap_or("")),
            Kind::Text => {
                let text = self.text(node, &expected)?;
                sized(&text, unit)
            }
            Kind::Char | Kind::Bytes | Kind::Word | Kind::List(_) | Kind::Map | Kind::Group(..) => {
                self.wrong_type(node, &expected);
                return None;
            }
        };
        match value {
            Some(value) if range.contains(&value) => Some(value),
            Some(_) => {
                let message = format!("{} is out of range", self.show(&node.span));
                self.refuse("out-of-range", &node.span, message, &expected);
                None
            }
            None => {
                let message = format!("{} is not {kind}", self.show(&node.span));
                self.refuse("bad-number", &node.span, message, &expected);
                None
            }
        }
    }

    /// A number of bytes or an offset as a program passes it: any 64-bit number with a sign.
    pub(super) fn signed(&mut self, node: &Node) -> Option<i64> {
        let value = self.integer(node, Unit::Bytes, i128::from(i64::MIN)..=i128::from(i64::MAX))?;
        i64::try_from(value).ok()
    }

    /// A number of bytes that is really there.
    pub(super) fn bytes(&mut self, node: &Node) -> Option<u64> {
        let value = self.integer(node, Unit::Bytes, 0..=i128::from(i64::MAX))?;
        u64::try_from(value).ok()
    }

    /// A number of bytes as a program passes it where it has no sign, up to SIZE_MAX.
    pub(super) fn unsigned(&mut self, node: &Node) -> Option<u64> {
        let value = self.integer(node, Unit::Bytes, 0..=i128::from(u64::MAX))?;
        u64::try_from(value).ok()
    }

    /// `0o644`
    pub(super) fn mode(&mut self, node: &Node) -> Option<u16> {
        let Some(mode) = self.integer_quietly(node, 0..=0o7777) else {
            let message = format!("{} is not a mode", self.show(&node.span));
            self.refuse("out-of-range", &node.span, message, "a number from 0o0 to 0o7777, as 0o644");
            return None;
        };
        u16::try_from(mode).ok()
    }

    fn integer_quietly(&self, node: &Node, range: RangeInclusive<i128>) -> Option<i128> {
        let raw = self.text.get(node.span.clone()).unwrap_or("");
        whole(raw).filter(|value| node.kind == Kind::Number && range.contains(value))
    }

    /// `true` or `false`
    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        self.word(node, "a switch", &[("true", Some(true)), ("false", Some(false))])
    }

    /// One word out of a table.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, kind: &str, table: &[Word<T>]) -> Option<T> {
        let names = || table.iter().map(|(name, _)| *name);
        let known: Vec<&str> = names().collect();
        let Some(word) = node.name(self.text).filter(|_| node.kind == Kind::Word) else {
            self.wrong_type(node, &one_of(kind, &known, None));
            return None;
        };
        match table.iter().find(|(name, _)| *name == word) {
            Some((_, Some(value))) => Some(*value),
            Some((name, None)) => {
                self.not_modelled(&node.span, name);
                None
            }
            None => {
                if let Some(error) = self.error("unknown-word", &node.span) {
                    let message = format!("{} is not {kind}", quote::code(word));
                    let help = quote::did_you_mean(word, names());
                    let expected = one_of(kind, &known, help.as_deref());
                    self.push(error.say(message).expected(expected).maybe_help(help));
                }
                None
            }
        }
    }
}

/// A whole number as RON writes it.
fn whole(raw: &str) -> Option<i128> {
    let signed = ron::from_str::<i64>(raw).ok().map(i128::from);
    signed.or_else(|| ron::from_str::<u64>(raw).ok().map(i128::from))
}

/// A number of bytes as it is best read: `8M`, `4097`.
fn with_suffix(bytes: i128) -> String {
    let suffixes = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let found = suffixes.into_iter().find(|(unit, _)| bytes > 0 && bytes % unit == 0);
    found.map_or_else(|| bytes.to_string(), |(unit, suffix)| format!("{}{suffix}", bytes / unit))
}

/// A number in a string, with a suffix where it counts bytes: `32M`, `-4K`, `512`.
fn sized(text: &str, unit: Unit) -> Option<i128> {
    let (number, shift) = match (unit, text.as_bytes().last()) {
        (Unit::Bytes, Some(b'K')) => (text.get(..text.len() - 1)?, 10),
        (Unit::Bytes, Some(b'M')) => (text.get(..text.len() - 1)?, 20),
        (Unit::Bytes, Some(b'G')) => (text.get(..text.len() - 1)?, 30),
        (Unit::Bytes, Some(b'T')) => (text.get(..text.len() - 1)?, 40),
        (Unit::Bytes | Unit::Plain, _) => (text, 0),
    };
    if number.starts_with('+') {
        return None;
    }
    // 64 bits, with a sign or without.
    let number =
        number.parse::<i64>().map(i128::from).or_else(|_| number.parse::<u64>().map(i128::from)).ok()?;
    Some(number << shift)
}
