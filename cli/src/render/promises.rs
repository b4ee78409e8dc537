//! The table of what calls promise, for people and for programs.
//!
//! ```text
//!  call    level        survives                             not promised          written where
//!  fsync   documented   the bytes and the size of the file   its name, other files fsync(2); …
//! ```

use super::table::{Between, lines};
use crate::render::human::{BOLD, FAINT};
use serde_json::{Value, json};
use unplug::contract::{Row, TABLE};

/// For people.
pub(crate) fn human() -> String {
    let header = ["call", "level", "what survives once it has returned", "not promised", "source"];
    let header: Vec<String> = header.map(str::to_owned).to_vec();
    let row = |row: &Row| {
        let promise = match row.on {
            "" => row.promise.to_owned(),
            on => format!("{} ({on})", row.promise),
        };
        [row.call, row.level.name(), &promise, row.not, row.source].map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = TABLE.iter().map(row).collect();
    let mut text = vec![
        format!("{BOLD}What calls promise about a power cut{BOLD:#}"),
        String::new(),
        "documented  POSIX or a manual page says it".to_owned(),
        "ext4        this file system gives it in practice; who relies on it relies on more than is written"
            .to_owned(),
        String::new(),
    ];
    text.extend(lines(&header, &rows, Between::Rule));
    text.push(String::new());
    let other = "unplug guarantees --matrix shows what ext4 really does, by mount option and kernel";
    text.push(format!("{FAINT}{other}{FAINT:#}"));
    text.push(String::new());
    text.join("\n")
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
