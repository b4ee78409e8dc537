//! The matrix of what ext4 keeps, for people and for programs.
//!
//! ```text
//!  fsync(file)     def lock …
//!   fsync-bytes    yes yes  …  overwritten bytes survive
//! ```
//! One kernel's matrix is shown in full, of the others only what differs from it.

use super::table::{Between, grid, lines};
use crate::render::human::{BOLD, FAINT};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use unplug::guarantees::{Answers, Cell, Difference, Matrix, differences};
use unplug::kernel::Kernel;

/// For people: the first matrix, and what the others have in other ways.
pub(crate) fn human(matrices: &[Matrix]) -> String {
    let Some((here, others)) = matrices.split_first() else { return String::new() };
    let mut text = vec![
        format!("{BOLD}What ext4 keeps after a crash, on Linux {}{BOLD:#}", here.kernel.span()),
        String::new(),
        "yes  in every legal crash state        ?  not every crash state was looked at".to_owned(),
        "no   not in one of them                —  refused by this kernel or mount".to_owned(),
        "The disk writes 4096 bytes wholly or not at all, or 512 where a row says so.".to_owned(),
        String::new(),
    ];
    text.extend(here.mounts.iter().map(|mount| format!("{:<7}{}", mount.name, mount.options)));
    text.push(String::new());
    text.extend(table(here));
    text.push(String::new());
    text.extend(refused(here));
    if !others.is_empty() {
        text.extend(others_table(here, others));
    }
    let shown = format!(
        "unplug guarantees --scenario ROW --mount COLUMN --kernel {} prints the scenario of a cell",
        here.kernel
    );
    text.push(format!("{FAINT}{shown}{FAINT:#}"));
    text.push(String::new());
    text.join("\n")
}

/// The rows of a kernel, those of one call below its name.
fn table(matrix: &Matrix) -> Vec<String> {
    let mut header = vec![String::new()];
    header.extend(matrix.mounts.iter().map(|mount| mount.name.to_owned()));
    header.push(String::new());
    let mut rows = Vec::new();
    let mut titles = Vec::new();
    let mut call = "";
    for Answers { probe, cells } in &matrix.rows {
        let (of, question) = probe.title();
        if of != call {
            titles.push((rows.len(), of));
            call = of;
        }
        let mut row = vec![format!(" {}", probe.name)];
        row.extend(cells.iter().map(ToString::to_string));
        row.push(question.to_owned());
        rows.push(row);
    }
    let mut lines = grid(&header, &rows);
    // The header is one line, and so is each row.
    let head = lines.len().saturating_sub(rows.len());
    for (row, title) in titles.into_iter().rev() {
        lines.insert(head + row, format!("{BOLD}{title}{BOLD:#}"));
    }
    lines
}

/// Why cells have no answer: each reason once in its row.
fn refused(matrix: &Matrix) -> Vec<String> {
    let mut reasons = Vec::new();
    for row in &matrix.rows {
        let of_row: BTreeSet<&str> = row.cells.iter().filter_map(reason).collect();
        reasons.extend(of_row.into_iter().map(|reason| format!("—  {}: {reason}", row.probe.name)));
    }
    if !reasons.is_empty() {
        reasons.push(String::new());
    }
    reasons
}

fn reason(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Refused(reason) => Some(reason),
        Cell::Yes | Cell::No | Cell::Open => None,
    }
}

fn others_table(here: &Matrix, others: &[Matrix]) -> Vec<String> {
    let span = here.kernel.version();
    let found = differences(here, others);
    if found.is_empty() {
        return vec![format!("The same on {}.", versions(&sorted(others))), String::new()];
    }
    let mut text = vec![format!("{BOLD}Where other kernels differ from {span}{BOLD:#}"), String::new()];
    let row = |difference: &Difference| {
        let mounts = if covers_all(difference, others) {
            "all".to_owned()
        } else {
            difference.mounts.iter().map(|mount| mount.name).collect::<Vec<_>>().join(", ")
        };
        vec![
            difference.probe.name.to_owned(),
            versions(&difference.kernels),
            mounts,
            difference.there.to_string(),
            difference.here.as_ref().map_or_else(String::new, ToString::to_string),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let header = ["row", "kernels", "mounts", "there", span].map(str::to_owned);
    text.extend(lines(&header, &rows, Between::Nothing));
    text.push(String::new());
    let reasons: BTreeMap<&str, &str> = found
        .iter()
        .filter_map(|difference| Some((difference.probe.name, reason(&difference.there)?)))
        .collect();
    text.extend(reasons.iter().map(|(row, reason)| format!("—  {row}: {reason}")));
    if !reasons.is_empty() {
        text.push(String::new());
    }
    text
}

/// Whether a difference is about every column that its kernels have.
fn covers_all(difference: &Difference, others: &[Matrix]) -> bool {
    others
        .iter()
        .filter(|matrix| difference.kernels.contains(&matrix.kernel))
        .all(|matrix| matrix.mounts.len() == difference.mounts.len())
}

fn sorted(matrices: &[Matrix]) -> Vec<Kernel> {
    let kernels: BTreeSet<Kernel> = matrices.iter().map(|matrix| matrix.kernel).collect();
    kernels.into_iter().collect()
}

/// Kernels as ranges: `3.10..5.4, 6.1`. A range has no kernel in it that is not meant.
fn versions(kernels: &[Kernel]) -> String {
    let runs = Kernel::ALL.chunk_by(|one, next| kernels.contains(one) == kernels.contains(next));
    let meant = runs.filter(|run| run.first().is_some_and(|first| kernels.contains(first)));
    let text = |run: &[Kernel]| match run {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first}..{last}"),
    };
    meant.map(text).collect::<Vec<_>>().join(", ")
}

/// For programs: every matrix in full.
pub(crate) fn json(matrices: &[Matrix]) -> String {
    let matrices: Vec<Value> = matrices.iter().map(matrix).collect();
    format!("{:#}\n", json!({ "unplug": env!("CARGO_PKG_VERSION"), "matrices": matrices }))
}

fn matrix(matrix: &Matrix) -> Value {
    let mount = |mount: &&unplug::guarantees::Mount| json!({ "name": mount.name, "options": mount.options });
    let row = |answers: &Answers| {
        let (call, question) = answers.probe.title();
        let places = matrix.mounts.iter().zip(&answers.cells);
        let cells: Map<String, Value> =
            places.clone().map(|(mount, cell)| (mount.name.to_owned(), word(cell).into())).collect();
        let refused: Map<String, Value> =
            places.filter_map(|(mount, cell)| Some((mount.name.to_owned(), reason(cell)?.into()))).collect();
        json!({
            "row": answers.probe.name, "call": call, "question": question, "cells": cells, "refused": refused,
        })
    };
    json!({
        "kernel": matrix.kernel.version(),
        "mounts": matrix.mounts.iter().map(mount).collect::<Vec<_>>(),
        "rows": matrix.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// An answer as programs read it.
const fn word(cell: &Cell) -> &'static str {
    match cell {
        Cell::Yes => "yes",
        Cell::No => "no",
        Cell::Open => "inconclusive",
        Cell::Refused(_) => "refused",
    }
}
