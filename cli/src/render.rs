//! One format a file. A renderer turns results into text and decides nothing.

pub(crate) mod diagnostic;
pub(crate) mod guarantees;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod kernels;
pub(crate) mod numbers;
pub(crate) mod promises;
mod table;
pub(crate) mod trace;

use crate::commands::Trouble;
use std::path::Path;
use unplug::report::Report;

/// A format for the reports of a run.
pub(crate) trait Renderer {
    /// What can be printed as soon as one file is done: a report for each of its kernels.
    fn scenario(&mut self, file: &Path, results: &[Result<Report, Trouble>]) -> String;
    /// What follows when all are done.
    fn end(&mut self) -> String;
}

/// `1 write`, `2 writes`.
pub(crate) fn count(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{number} {}", if number == 1 { one } else { many })
}
