//! Lines of at most 100 columns.

use crate::render::numbers::{Digits, amount, amount_of};
use anstyle::Style;
use num_bigint::BigUint;

/// Columns of a page.
pub(in crate::render) const WIDTH: usize = 100;

/// Text being laid out.
#[derive(Debug)]
pub(super) struct Page {
    /// What is there so far.
    pub(super) text: String,
    /// How large numbers are said.
    digits: Digits,
}

impl Page {
    pub(super) const fn new(digits: Digits) -> Self {
        Self { text: String::new(), digits }
    }

    /// How large numbers are said.
    pub(super) const fn digits(&self) -> Digits {
        self.digits
    }

    /// A number as this page says it.
    pub(super) fn amount(&self, number: &BigUint) -> String {
        amount(number, self.digits)
    }

    /// `1 image`, `2 images`.
    pub(super) fn amount_of(&self, number: &BigUint, one: &str, many: &str) -> String {
        amount_of(number, self.digits, one, many)
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A line in a style.
    pub(super) fn styled(&mut self, line: &str, style: Style) {
        self.line(&format!("{style}{line}{style:#}"));
    }

    /// A styled word, and a sentence that is wrapped behind it.
    pub(super) fn tagged(&mut self, word: &str, style: Style, sentence: &str) {
        let tag = format!("{word}: ");
        for (number, line) in wrap(sentence, WIDTH - columns(&tag)).iter().enumerate() {
            if number == 0 {
                self.line(&format!("{style}{word}{style:#}: {line}"));
            } else {
                self.line(&format!("{}{line}", " ".repeat(columns(&tag))));
            }
        }
    }

    /// Text behind a margin, wrapped at blanks; later lines are as far in as the first.
    pub(super) fn wrapped(&mut self, margin: &str, text: &str, style: Style) {
        for line in wrap(text, WIDTH - columns(margin)) {
            self.line(&format!("{margin}{style}{line}{style:#}"));
        }
    }

    /// A label behind a margin, and text beside it, wrapped.
    pub(super) fn labelled(&mut self, margin: &str, label: &str, text: &str) {
        let space = WIDTH.saturating_sub(columns(margin) + columns(label));
        for (number, line) in wrap(text, space).iter().enumerate() {
            let label = if number == 0 { label.to_owned() } else { " ".repeat(columns(label)) };
            self.line(&format!("{margin}{label}{line}"));
        }
    }
}

/// How many columns a plain text takes.
pub(in crate::render) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Filled up with blanks.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Cut off where it is too long.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Lines of at most `width` columns, broken at blanks, or where there are none.
pub(in crate::render) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word.to_owned();
        if !line.is_empty() && columns(&line) + 1 + columns(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while columns(&word) > width {
            let head: String = word.chars().take(width).collect();
            word = word.chars().skip(width).collect();
            lines.push(head);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

/// Some of a list, and how many more there are.
pub(super) fn listed(items: &[String], most: usize) -> String {
    let mut list: Vec<String> = items.iter().take(most).cloned().collect();
    if items.len() > most {
        list.push(format!("and {} more", items.len() - most));
    }
    list.join(", ")
}
