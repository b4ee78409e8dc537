//! Expectations: a quantifier, a window between marks, a predicate.
//!
//! ```text
//! always(P)                                 from the first step to the end
//! never(after: "a", before: "b", holds: P)  from mark a until mark b
//! sometimes(on: "..2.6.18", holds: P)       under these kernels only
//! ```

use super::super::ast::{Expectation, Name, Quantifier};
use super::super::quote;
use super::super::tree::Node;
use super::Checker;
use super::args::{Form, Param, Param::Needed, Param::Optional};

const PARAMS: &[Param] = &[Needed("holds"), Optional("after"), Optional("before"), Optional("on")];

struct QuantifierForm {
    form: Form,
    quantifier: Quantifier,
}

const fn quantified(name: &'static str, quantifier: Quantifier) -> QuantifierForm {
    QuantifierForm { form: Form { name, params: PARAMS, unnamed: 1 }, quantifier }
}

const QUANTIFIERS: &[QuantifierForm] = &[
    quantified("always", Quantifier::Always),
    quantified("sometimes", Quantifier::Sometimes),
    quantified("never", Quantifier::Never),
];

impl Checker<'_> {
    pub(super) fn expectations(&mut self, node: &Node) -> Vec<Expectation> {
        let nodes = self.list(node, "a list of expectations").unwrap_or_default();
        let read = |(at, node): (usize, &Node)| self.within(&format!("[{at}]"), |c| c.expectation(node));
        nodes.iter().enumerate().filter_map(read).collect()
    }

    fn expectation(&mut self, node: &Node) -> Option<Expectation> {
        let found = self.form_of(node, QUANTIFIERS, |entry| entry.form.name, "an expectation", &[])?;
        let args = self.bind(&found.form, node);
        if !self.is_on(&args) {
            return None;
        }
        let after = args.get("after").and_then(|node| self.within(".after", |c| c.known_mark(node)));
        let before = args.get("before").and_then(|node| self.within(".before", |c| c.known_mark(node)));
        if let (Some((after, from)), Some((before, to)), Some(node)) = (&after, &before, args.get("before"))
            && from >= to
        {
            // An expectation about no crash at all could not fail.
            let (before, after) = (quote::text(before), quote::text(after));
            let message = if from == to {
                format!("no crash lies between the mark {after} and itself")
            } else {
                format!("the mark {before} is set before the mark {after}")
            };
            self.refuse("empty-window", &node.span, message, "a mark that is set later than `after`");
        }
        let holds = args.get("holds").and_then(|node| self.within(".holds", |c| c.predicate(node)));
        let mark = |mark: Option<(Name, usize)>| mark.map(|(name, _)| name);
        Some(Expectation {
            quantifier: found.quantifier,
            after: mark(after),
            before: mark(before),
            holds: holds?,
            line: self.lines.line(node.span.start),
            text: self.one_line(node),
        })
    }
}
