//! The scenario language: RON text in, a checked [`Scenario`] out.
//!
//! ```text
//! text ──read──▶ tree with spans ──check──▶ Scenario
//!            └── errors of syntax        └── errors of meaning, all of them, each at its line
//! ```
//!
//! This is the only module that knows RON. `ron` decides what is RON and reads every string and number; a tree of
//! our own remembers where each value stands, so that an error of meaning can point at it. A checked scenario
//! names only descriptors that are open, marks that exist and calls that the model knows; loops are unrolled and
//! data is evaluated to bytes.
//!
//! Not checked here: whether a call succeeds. That is the run's business.

mod ast;
mod check;
mod diagnostic;
mod flags;
mod quote;
mod read;
mod tree;

pub use crate::kernel::Kernel;
pub use ast::*;
pub use diagnostic::{Diagnostic, MAX_DIAGNOSTICS};
pub use flags::*;

/// Reads a scenario, under the first kernel that it names. It is checked under all of them.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file: the first error of syntax, or else all errors of
/// meaning (at most [`MAX_DIAGNOSTICS`], and one more that says so). Where kernels differ in that, those of the first
/// that has any.
pub fn parse(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    let mut scenarios = parse_all(text)?.into_iter();
    scenarios.next().ok_or_else(Vec::new)
}

/// Reads a scenario under every kernel that it names, in the order of the file.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(text: &str) -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    parse_for(text, &[])
}

/// Reads a scenario under these kernels, in this order; under those that it names, if there are none.
///
/// # Errors
/// As [`parse`]. What the scenario says of none of these kernels is passed over.
pub fn parse_for(text: &str, kernels: &[Kernel]) -> Result<Vec<Scenario>, Vec<Diagnostic>> {
    let lines = diagnostic::Lines::new(text);
    let document = read::read(text, &lines).map_err(|error| vec![error.located(&lines)])?;
    check::check(text, &lines, &document, kernels)
}

#[cfg(test)]
mod tests;
