//! What is wrong with a scenario, as a compiler shows it: the line, carets, what was expected.
//!
//! ```text
//! error[unknown-descriptor]: no step before this one opens "f"
//!  --> replace.ron:3:15
//!   |
//! 3 |         fsync("f"),
//!   |               ^^^ expected an open descriptor
//!   |
//!   = help: did you mean "fd"?
//! ```
//!
//! Not shown: the path in the document (`steps[2].fd`), which is for other programs.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;
use unplug::scenario::Diagnostic;

/// How wide the output is, in columns; a longer line of the text is cut.
const WIDTH: usize = 110;
/// How many bytes of a line before and behind a place are looked at: lines may be very long, a terminal is not.
const NEAR: usize = 1024;
/// How many bytes away another place may be and still be shown in the same snippet.
const FAR: usize = 32 << 10;

/// All of them, each with an empty line behind it. `colour` asks for escape sequences of a terminal.
pub(crate) fn render(file: &str, text: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    diagnostics.iter().map(|one| renderer.render(&[group(file, text, one)]) + "\n\n").collect()
}

fn group<'a>(file: &'a str, text: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let title = Level::ERROR.primary_title(&diagnostic.message).id(diagnostic.code);
    let expected = diagnostic.expected.as_ref().map(|expected| format!("expected {expected}"));
    let mut group = Group::with_title(title);
    match &diagnostic.span {
        Some(span) => {
            let snippet = snippet(file, text, span, expected, diagnostic);
            // Where the start of a line is cut off, the renderer would count columns from there.
            let origin = is_cut(text, window(text, span, diagnostic).start).then(|| {
                let (line, column) = (diagnostic.line, diagnostic.column);
                Origin::path(format!("{file}:{line}:{column}"))
            });
            group = group.elements(origin).element(snippet);
        }
        None => {
            group = group.element(Origin::path(file));
            group = group.elements(expected.map(|expected| Level::NOTE.message(expected)));
        }
    }
    let far = diagnostic.related.iter().filter(|(span, _)| !is_near(diagnostic, span));
    let far =
        far.map(|(span, label)| Level::NOTE.message(format!("line {}: {label}", line_of(text, span.start))));
    group.elements(far).elements(diagnostic.help.as_ref().map(|help| Level::HELP.message(help)))
}

/// The lines of an error and of what belongs to it.
fn snippet<'a>(
    file: &'a str,
    text: &'a str,
    span: &Range<usize>,
    expected: Option<String>,
    diagnostic: &'a Diagnostic,
) -> Snippet<'a, Annotation<'a>> {
    let related: Vec<_> = diagnostic.related.iter().filter(|(span, _)| is_near(diagnostic, span)).collect();
    let window = window(text, span, diagnostic);
    let inside = |span: &Range<usize>| {
        let start = span.start.clamp(window.start, window.end);
        // A span of several lines is pointed at where it starts.
        let end = span.end.clamp(start, end_of_line(text, start).max(start));
        start - window.start..end - window.start
    };
    Snippet::source(text.get(window.clone()).unwrap_or(""))
        .line_start(line_of(text, window.start))
        .path((!is_cut(text, window.start)).then_some(file))
        .annotation(AnnotationKind::Primary.span(inside(span)).label(expected))
        .annotations(
            related
                .iter()
                .map(|(span, label)| AnnotationKind::Context.span(inside(span)).label(label.as_str())),
        )
}

/// From the line of the first place to the line of the last.
fn window(text: &str, span: &Range<usize>, diagnostic: &Diagnostic) -> Range<usize> {
    let related = diagnostic.related.iter().filter(|(span, _)| is_near(diagnostic, span));
    let starts = || related.clone().map(|(span, _)| span.start);
    let (first, last) = (starts().fold(span.start, usize::min), starts().fold(span.start, usize::max));
    start_of_line(text, first)..end_of_line(text, last)
}

fn is_near(diagnostic: &Diagnostic, other: &Range<usize>) -> bool {
    diagnostic.span.as_ref().is_some_and(|span| span.start.abs_diff(other.start) <= FAR)
}

/// The number of the line that holds this byte, 1-based.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Where the line of this byte starts, or somewhere before the byte if that is far away.
fn start_of_line(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |at| at + 1).max(offset.saturating_sub(NEAR));
    (start..=offset).find(|at| text.is_char_boundary(*at)).unwrap_or(offset)
}

/// Whether a window that starts here leaves out the start of its line.
fn is_cut(text: &str, start: usize) -> bool {
    start > 0 && !text.get(..start).is_some_and(|before| before.ends_with('\n'))
}

/// Where the line of this byte ends, or somewhere behind the byte if that is far away.
fn end_of_line(text: &str, offset: usize) -> usize {
    let behind = text.get(offset..).unwrap_or("");
    let end = offset + behind.find('\n').unwrap_or(behind.len()).min(NEAR);
    (offset..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(offset)
}

#[cfg(test)]
mod tests;
