//! A step or an expectation on one line, as the report shows it.
//!
//! ```text
//! pwrite(               ┐
//!    fd: "f", // log    ├──▶ pwrite(fd: "f", data: repeat("B", 4096), offset: 0)
//!    data: …            ┘
//! ```
//!
//! Comments and line breaks go, the variables of loops are filled in, long strings and lists are shortened.

use super::super::quote;
use super::super::tree::{Args, Kind, Node};
use super::Checker;

/// How many bytes a line takes at most, but for the value in which that is reached.
const LONGEST: usize = 240;
/// How many values of a list are shown.
const LONGEST_LIST: usize = 16;

impl Checker<'_> {
    /// This node on one line.
    pub(super) fn one_line(&self, node: &Node) -> String {
        let mut line = String::new();
        self.put(node, &mut line);
        line
    }

    fn put(&self, node: &Node, line: &mut String) {
        if line.len() > LONGEST {
            if !line.ends_with('…') {
                line.push('…');
            }
            return;
        }
        let raw = self.text.get(node.span.clone()).unwrap_or("");
        match &node.kind {
            Kind::Text => {
                let text = ron::from_str::<String>(raw).unwrap_or_default();
                line.push_str(&quote::text(&self.rounds_in(text)));
            }
            Kind::Char | Kind::Bytes | Kind::Number | Kind::Word | Kind::Map => {
                line.push_str(&quote::short(raw));
            }
            Kind::List(values) => self.put_all('[', values.iter().map(|value| (None, value)), ']', line),
            Kind::Group(_, args) => {
                line.push_str(node.name(self.text).unwrap_or(""));
                match args {
                    Args::Positional(values) => {
                        self.put_all('(', values.iter().map(|value| (None, value)), ')', line);
                    }
                    Args::Named(values) => {
                        let named = values.iter().map(|(name, value)| (self.text.get(name.clone()), value));
                        self.put_all('(', named, ')', line);
                    }
                }
            }
        }
    }

    fn put_all<'n>(
        &self,
        open: char,
        values: impl ExactSizeIterator<Item = (Option<&'n str>, &'n Node)>,
        close: char,
        line: &mut String,
    ) {
        line.push(open);
        let more = values.len().saturating_sub(LONGEST_LIST);
        for (at, (name, value)) in values.take(LONGEST_LIST).enumerate() {
            if at > 0 {
                line.push_str(", ");
            }
            if let Some(name) = name {
                line.push_str(name);
                line.push_str(": ");
            }
            self.put(value, line);
        }
        if more > 0 {
            line.push_str(&format!(", … {more} more"));
        }
        line.push(close);
    }

    /// The string with the loops' variables filled in; unknown ones stay, they were reported.
    fn rounds_in(&self, text: String) -> String {
        if !text.contains("${") {
            return text;
        }
        self.loops.iter().rev().fold(text, |text, one| match &one.var {
            Some(var) => text.replace(&format!("${{{var}}}"), &one.round.to_string()),
            None => text,
        })
    }
}
