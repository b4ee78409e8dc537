//! What is wrong with a scenario, where, and what would be right.
//!
//! ```text
//! steps[2].fd  ──▶  bytes 412..417 of the text  ──▶  line 14, column 15
//! ```
//!
//! A diagnostic is plain data: the command line draws carets from it, JSON and SARIF print its fields. The code
//! is stable from release to release, the wording is not.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// How many errors of one file are reported. The last one says that there were more.
pub const MAX_DIAGNOSTICS: usize = 100;

/// One error of a scenario file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// A stable name for this kind of error: `unknown-descriptor`.
    pub code: &'static str,
    /// What is wrong, with the offending text: lower case, no full stop.
    pub message: String,
    /// Where, as a byte range of the text; none if the text as a whole is meant.
    pub span: Option<Range<usize>>,
    /// The line where it starts, 1-based.
    pub line: u32,
    /// The column where it starts, 1-based, in characters.
    pub column: u32,
    /// Where in the document: `steps[2].fd`; empty for an error of syntax.
    pub path: String,
    /// What was expected there.
    pub expected: Option<String>,
    /// What to do about it, where we know.
    pub help: Option<String>,
    /// Other places that belong to it, as byte ranges of the text, with what they have to do with it.
    pub related: Vec<(Range<usize>, String)>,
}

impl Diagnostic {
    /// An error at these bytes of the text; line, column and path are filled in when it is reported.
    pub(super) fn new(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: Some(span),
            line: 1,
            column: 1,
            path: String::new(),
            expected: None,
            help: None,
            related: Vec::new(),
        }
    }
    pub(super) fn say(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
    pub(super) fn related(mut self, span: Range<usize>, message: impl Into<String>) -> Self {
        self.related.push((span, message.into()));
        self
    }
    /// Fills in line and column from the span.
    pub(super) fn located(mut self, lines: &Lines<'_>) -> Self {
        let start = self.span.as_ref().map_or(0, |span| span.start);
        (self.line, self.column) = lines.line_and_column(start);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, ", expected {expected}")?;
        }
        if let Some(help) = &self.help {
            write!(f, " (help: {help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The lines of a text, found once.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }
    /// The line that holds this byte, 1-based.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }
    /// The byte at this line and column, both 1-based, the column in characters.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or("");
        rest.char_indices().nth(column.saturating_sub(1)).map_or(self.text.len(), |(at, _)| start + at)
    }
    /// The line and the column of this byte, both 1-based, the column in characters.
    pub(super) fn line_and_column(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("").chars().count();
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(before + 1).unwrap_or(u32::MAX))
    }
}

/// The errors found so far: each place and code once, and no more than [`MAX_DIAGNOSTICS`].
pub(super) struct Findings {
    found: Vec<Diagnostic>,
    seen: BTreeSet<(&'static str, usize, usize)>,
    left_out: u64,
}

impl Findings {
    pub(super) const fn new() -> Self {
        Self { found: Vec::new(), seen: BTreeSet::new(), left_out: 0 }
    }
    /// Whether an error of this code at this place would be new. In a loop, each is reported once.
    pub(super) fn wants(&mut self, code: &'static str, span: &Range<usize>) -> bool {
        if self.found.len() < MAX_DIAGNOSTICS {
            return self.seen.insert((code, span.start, span.end));
        }
        if !self.seen.contains(&(code, span.start, span.end)) {
            self.left_out += 1;
        }
        false
    }
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
    /// All of them, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| d.span.as_ref().map_or((0, 0), |span| (span.start, span.end)));
        if self.left_out > 0 {
            let message =
                format!("more errors than the {MAX_DIAGNOSTICS} shown: this one stands for the rest");
            let mut rest = Diagnostic::new("too-many-errors", 0..0, message);
            rest.span = None;
            self.found.push(rest);
        }
        self.found
    }
}
