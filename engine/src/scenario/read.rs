//! RON text to a tree of spans: a recursive descent that says which bracket is still open.
//!
//! ```text
//! text ──Reader──▶ Node ──ron──▶ the same Node, if ron takes the text for RON too
//! ```
//!
//! `ron` has the last word on what is RON. It comes second because its messages about missing commas and open
//! brackets point behind the mistake, and because it would build all of a hostile document first.
//!
//! Bounds: text of 16 MiB, brackets 64 deep, a million values. So no text exhausts the stack or the memory.

#![expect(clippy::result_large_err, reason = "an error ends the reading, so it is moved once")]

use super::diagnostic::{Diagnostic, Lines};
use super::tree::{Args, Kind, Node};
use std::ops::Range;

/// The longest text, in bytes.
pub(super) const MAX_TEXT: usize = 16 << 20;
/// How deep brackets may nest.
pub(super) const MAX_DEPTH: usize = 64;
/// How many values a text may hold.
pub(super) const MAX_VALUES: usize = 1_000_000;

/// Reads a text.
///
/// # Errors
/// The first error of syntax.
pub(super) fn read(text: &str, lines: &Lines<'_>) -> Result<Node, Diagnostic> {
    if text.len() > MAX_TEXT {
        let message = format!("the text has {} bytes, the longest scenario {MAX_TEXT}", text.len());
        let mut error = Diagnostic::new("too-long", 0..0, message);
        error.span = None;
        return Err(error);
    }
    let mut reader = Reader { text, at: 0, depth: 0, values: 0 };
    reader.skip_blank()?;
    reader.skip_attributes()?;
    if reader.rest().is_empty() {
        return Err(Diagnostic::new("syntax", text.len()..text.len(), "there is no scenario in this text")
            .expected("`(title: \"…\", steps: […])`"));
    }
    let node = reader.value()?;
    reader.skip_blank()?;
    if !reader.rest().is_empty() {
        let found = reader.token();
        let message = format!("{} behind the end", reader.show(&found));
        let last = node.span.end - text[..node.span.end].chars().next_back().map_or(0, char::len_utf8);
        return Err(Diagnostic::new("syntax", found, message)
            .expected("nothing")
            .related(last..node.span.end, "the scenario is complete here"));
    }
    ask_ron(text, lines, &reader)?;
    Ok(node)
}

/// The parser of record.
fn ask_ron(text: &str, lines: &Lines<'_>, reader: &Reader<'_>) -> Result<(), Diagnostic> {
    let Err(error) = ron::from_str::<serde::de::IgnoredAny>(text) else { return Ok(()) };
    let start = lines.offset(error.span.start.line, error.span.start.col);
    let end = lines.offset(error.span.end.line, error.span.end.col);
    let mut there = Reader { text, at: start, depth: 0, values: 0 };
    // ron counts the blank before a token as part of it.
    let span = match there.skip_blank() {
        Ok(()) if there.at < end => there.at..end,
        Ok(()) => there.token(),
        Err(_) => reader.token(),
    };
    Err(Diagnostic::new("syntax", span, format!("not RON: {}", decapitalised(&error.code.to_string()))))
}

fn decapitalised(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    values: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Node, Diagnostic> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.error("too-long", format!("more than {MAX_VALUES} values in one scenario")));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some('"') => self.text()?,
            Some('r') if self.is_raw_text(1) => self.raw_text(1, Kind::Text)?,
            Some('b') if self.rest().starts_with("b\"") => self.bytes()?,
            Some('b') if self.rest().starts_with("br") && self.is_raw_text(2) => {
                self.raw_text(2, Kind::Bytes)?
            }
            Some('b') if self.rest().starts_with("b'") => self.character(2)?,
            Some('\'') => self.character(1)?,
            Some('(') => self.group(None)?,
            Some('[') => self.list()?,
            Some('{') => self.map()?,
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number(),
            Some(c) if starts_word(c) => self.word_or_group()?,
            Some(_) | None => return Err(self.unexpected("a value")),
        };
        Ok(Node { span: start..self.at, kind })
    }

    fn word_or_group(&mut self) -> Result<Kind, Diagnostic> {
        let name = self.word();
        let end = self.at;
        self.skip_blank()?;
        if self.peek() == Some('(') {
            return self.group(Some(name));
        }
        self.at = end;
        Ok(Kind::Word)
    }

    /// The bytes of a word, without the `r#` that a raw one starts with.
    fn word(&mut self) -> Range<usize> {
        if self.rest().starts_with("r#") {
            self.at += 2;
        }
        let start = self.at;
        let len = self.rest().find(|c| !continues_word(c)).unwrap_or(self.rest().len());
        self.at += len;
        start..self.at
    }

    fn number(&mut self) -> Kind {
        let mut exponent = false;
        let hex = self.rest().trim_start_matches(['+', '-']).starts_with("0x");
        let rest = self.rest();
        let end = rest.char_indices().find(|&(at, c)| {
            let sign = matches!(c, '+' | '-') && (at == 0 || exponent);
            exponent = !hex && matches!(c, 'e' | 'E');
            !(sign || c == '.' || continues_word(c))
        });
        self.at += end.map_or(rest.len(), |(at, _)| at);
        Kind::Number
    }

    fn group(&mut self, name: Option<Range<usize>>) -> Result<Kind, Diagnostic> {
        let open = self.open()?;
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        while !self.closes(')', &open)? {
            match self.field_name()? {
                Some(field) => {
                    self.skip_blank()?;
                    named.push((field, self.value()?));
                }
                None => positional.push(self.value()?),
            }
            if let (Some(value), Some((field, _))) = (positional.last(), named.last()) {
                let later = if value.span.start > field.start { value.span.clone() } else { field.clone() };
                let message = "some arguments have names here and some have none";
                return Err(Diagnostic::new("syntax", later, message)
                    .expected("names for all of them, or for none")
                    .related(open, "in these parentheses"));
            }
            self.separator(')', &open)?;
        }
        self.depth -= 1;
        let args = if named.is_empty() { Args::Positional(positional) } else { Args::Named(named) };
        Ok(Kind::Group(name, args))
    }

    /// `name:`, if that is what comes; else nothing is consumed.
    fn field_name(&mut self) -> Result<Option<Range<usize>>, Diagnostic> {
        let start = self.at;
        if self.peek().is_some_and(starts_word) && !self.is_raw_text(1) {
            let name = self.word();
            self.skip_blank()?;
            if self.peek() == Some(':') {
                self.at += 1;
                return Ok(Some(name));
            }
        }
        self.at = start;
        Ok(None)
    }

    fn list(&mut self) -> Result<Kind, Diagnostic> {
        let open = self.open()?;
        let mut values = Vec::new();
        while !self.closes(']', &open)? {
            values.push(self.value()?);
            self.separator(']', &open)?;
        }
        self.depth -= 1;
        Ok(Kind::List(values))
    }

    fn map(&mut self) -> Result<Kind, Diagnostic> {
        let open = self.open()?;
        while !self.closes('}', &open)? {
            self.value()?;
            self.skip_blank()?;
            if self.peek() != Some(':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.skip_blank()?;
            self.value()?;
            self.separator('}', &open)?;
        }
        self.depth -= 1;
        Ok(Kind::Map)
    }

    /// Steps over an opening bracket.
    fn open(&mut self) -> Result<Range<usize>, Diagnostic> {
        let open = self.at..self.at + 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("brackets nest more than {MAX_DEPTH} deep");
            return Err(Diagnostic::new("too-deep", open, message));
        }
        self.at += 1;
        Ok(open)
    }

    /// Steps over blanks, and over the closing bracket if that comes next.
    fn closes(&mut self, close: char, open: &Range<usize>) -> Result<bool, Diagnostic> {
        self.skip_blank()?;
        match self.peek() {
            Some(c) if c == close => {
                self.at += 1;
                Ok(true)
            }
            Some(')' | ']' | '}') => Err(self.wrong_bracket(close, open)),
            Some(_) => Ok(false),
            None => Err(self.never_closed(close, open)),
        }
    }

    /// Steps over the comma behind a value, which may be missing only before the closing bracket.
    fn separator(&mut self, close: char, open: &Range<usize>) -> Result<(), Diagnostic> {
        let behind = self.at;
        self.skip_blank()?;
        match self.peek() {
            Some(',') => {
                self.at += 1;
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            Some(')' | ']' | '}') => Err(self.wrong_bracket(close, open)),
            Some(c) => {
                let error = self
                    .unexpected(&format!("`,` or `{close}`"))
                    .related(open.clone(), "inside of this bracket");
                let value_follows =
                    starts_word(c) || c.is_ascii_digit() || matches!(c, '"' | '(' | '[' | '-');
                let gap = behind < self.at;
                Err(match c {
                    '|' => error.help("flags are a list: `[O_CREAT, O_WRONLY]`"),
                    _ if value_follows && gap => error.help("a comma is missing before it"),
                    _ => error,
                })
            }
            None => Err(self.never_closed(close, open)),
        }
    }

    fn wrong_bracket(&self, close: char, open: &Range<usize>) -> Diagnostic {
        self.unexpected(&format!("`{close}`")).related(open.clone(), "to close this bracket")
    }

    fn never_closed(&self, close: char, open: &Range<usize>) -> Diagnostic {
        let message = format!("{} is never closed", self.show(open));
        Diagnostic::new("unclosed-bracket", open.clone(), message)
            .expected(format!("`{close}` before the end of the text"))
            .related(self.text.len()..self.text.len(), "the text ends here")
    }

    fn text(&mut self) -> Result<Kind, Diagnostic> {
        self.quoted(1)?;
        Ok(Kind::Text)
    }

    fn bytes(&mut self) -> Result<Kind, Diagnostic> {
        self.quoted(2)?;
        Ok(Kind::Bytes)
    }

    /// Steps over a string whose opening quote ends `opening` bytes further on.
    fn quoted(&mut self, opening: usize) -> Result<(), Diagnostic> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + opening;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err(self.unclosed_text(start, "\"")),
            }
        }
        self.at = at + 1;
        Ok(())
    }

    /// Whether a raw string starts here: quotes or number signs and quotes after `prefix` bytes.
    fn is_raw_text(&self, prefix: usize) -> bool {
        self.peek().is_some_and(|c| matches!(c, 'r' | 'b'))
            && self.rest().get(prefix..).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    }

    fn raw_text(&mut self, prefix: usize, kind: Kind) -> Result<Kind, Diagnostic> {
        let start = self.at;
        let rest = self.rest().get(prefix..).unwrap_or("");
        let signs = rest.len() - rest.trim_start_matches('#').len();
        let close = format!("\"{}", "#".repeat(signs));
        let body = start + prefix + signs + 1;
        let len = self.text.get(body..).and_then(|body| body.find(&close));
        let Some(len) = len else { return Err(self.unclosed_text(start, &close)) };
        self.at = body + len + close.len();
        Ok(kind)
    }

    fn unclosed_text(&self, start: usize, close: &str) -> Diagnostic {
        let line = self.text.get(start..).unwrap_or("").lines().next().unwrap_or("");
        let span = start..start + line.len().max(1);
        Diagnostic::new("unclosed-string", span, "this string is never closed")
            .expected(format!("`{close}` before the end of the text"))
    }

    fn character(&mut self, opening: usize) -> Result<Kind, Diagnostic> {
        let start = self.at;
        let body = self.rest().get(opening..).unwrap_or("");
        // One character, or an escape, of which `\u{10ffff}` is the longest.
        let (first, longest) = if body.starts_with('\\') { (2, 10) } else { (1, 1) };
        let mut chars = body.char_indices().skip(first).take(longest);
        let Some((len, _)) = chars.find(|&(_, c)| c == '\'') else {
            return Err(Diagnostic::new("syntax", start..start + opening, "this is not a character")
                .expected("one character and `'`")
                .help("strings are written with double quotes"));
        };
        self.at = start + opening + len + 1;
        Ok(if opening == 1 { Kind::Char } else { Kind::Number })
    }

    /// Steps over blanks and comments.
    fn skip_blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(is_blank).len();
            if self.rest().starts_with("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut level = 0_usize;
        loop {
            match (bytes.get(self.at), bytes.get(self.at + 1)) {
                (Some(b'/'), Some(b'*')) => (level, self.at) = (level + 1, self.at + 2),
                (Some(b'*'), Some(b'/')) => (level, self.at) = (level - 1, self.at + 2),
                (Some(_), _) => self.at += 1,
                (None, _) => {
                    return Err(Diagnostic::new(
                        "unclosed-comment",
                        start..start + 2,
                        "this comment is never closed",
                    )
                    .expected("`*/` before the end of the text"));
                }
            }
            if level == 0 {
                return Ok(());
            }
        }
    }

    /// Steps over `#![enable(…)]`, which only `ron` needs to understand.
    fn skip_attributes(&mut self) -> Result<(), Diagnostic> {
        while self.rest().starts_with("#!") {
            let len = self.rest().find(']').ok_or_else(|| self.unexpected("`#![enable(…)]`"))?;
            self.at += len + 1;
            self.skip_blank()?;
        }
        Ok(())
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The bytes of whatever comes next, for a message.
    fn token(&self) -> Range<usize> {
        let word = self.rest().find(|c| !continues_word(c)).unwrap_or(self.rest().len());
        let len = if word > 0 { word } else { self.peek().map_or(0, char::len_utf8) };
        self.at..self.at + len
    }

    fn show(&self, span: &Range<usize>) -> String {
        match self.text.get(span.clone()) {
            Some("") | None => "the end of the text".to_owned(),
            Some(found) => super::quote::code(found),
        }
    }

    fn unexpected(&self, expected: &str) -> Diagnostic {
        let found = self.token();
        let message = format!("unexpected {}", self.show(&found));
        Diagnostic::new("syntax", found, message).expected(expected)
    }

    fn error(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::new(code, self.token(), message)
    }
}

/// Unicode's Pattern_White_Space, as in `ron`.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

fn starts_word(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn continues_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
