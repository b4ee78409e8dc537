//! The table of what calls promise, for people and for programs.
//!
//! ```text
//!   fsync
//!     documented  the bytes and the size of the file; not promised: its name, other files
//!                 fsync(2); POSIX fsync: synchronized I/O file integrity completion
//! ```

use crate::render::human::layout::{WIDTH, wrap};
use crate::render::human::{BOLD, FAINT};
use serde_json::{Value, json};
use unplug::contract::{Row, TABLE};

const MARGIN: &str = "              ";

/// For people.
pub(crate) fn human() -> String {
    let mut text = vec![
        format!("{BOLD}What calls promise about a power cut, once they have returned{BOLD:#}"),
        String::new(),
        "documented  POSIX or a manual page says it".to_owned(),
        "ext4        this file system gives it in practice; who relies on it relies on more than is written"
            .to_owned(),
    ];
    let mut call = "";
    for row in TABLE {
        if row.call != call {
            call = row.call;
            text.extend([String::new(), format!("{BOLD}{call}{BOLD:#}")]);
        }
        text.extend(promise(row));
    }
    text.push(String::new());
    let other = "unplug guarantees --matrix shows what ext4 really does, by mount option and kernel";
    text.push(format!("{FAINT}{other}{FAINT:#}"));
    text.push(String::new());
    text.join("\n")
}

/// The lines of one promise.
fn promise(row: &Row) -> Vec<String> {
    let on = if row.on.is_empty() { String::new() } else { format!(" ({})", row.on) };
    let not = if row.not.is_empty() { String::new() } else { format!("; not promised: {}", row.not) };
    let space = WIDTH - MARGIN.len();
    let said = wrap(&format!("{}{on}{not}", row.promise), space);
    let lines = said.iter().enumerate().map(|(number, line)| match number {
        0 => format!("  {:<12}{line}", row.level.name()),
        _ => format!("{MARGIN}{line}"),
    });
    let source = wrap(row.source, space).into_iter().map(|line| format!("{MARGIN}{FAINT}{line}{FAINT:#}"));
    lines.chain(source).collect()
}

/// For programs.
pub(crate) fn json() -> String {
    let row = |row: &Row| {
        json!({
            "call": row.call,
            "level": row.level.name(),
            "promise": row.promise,
            "not": row.not,
            "on": row.on,
            "source": row.source,
        })
    };
    let rows: Vec<Value> = TABLE.iter().map(row).collect();
    format!("{:#}\n", json!({ "unplug": env!("CARGO_PKG_VERSION"), "promises": rows }))
}
