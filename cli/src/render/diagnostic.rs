//! What is wrong with a scenario file, one line each.

use unplug::scenario::Diagnostic;

/// All diagnostics of a file.
pub(crate) fn render(file: &str, _text: &str, diagnostics: &[Diagnostic], _colour: bool) -> String {
    let line = |diagnostic: &Diagnostic| {
        format!("{file}:{}:{}: {}\n", diagnostic.line, diagnostic.column, diagnostic.message)
    };
    diagnostics.iter().map(line).collect()
}
