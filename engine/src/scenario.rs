//! The scenario language: RON text in, a checked [`Scenario`] out.
//!
//!   text ──parse──▶ document (serde, ron) ──check──▶ Scenario
//!              └── syntax errors       └── errors of meaning, all of them, each at its line
//!
//! This is the only module that knows RON. A checked scenario names only descriptors that are open, marks that
//! exist and calls that the model knows; loops are unrolled and data is evaluated to bytes.
//!
//! Not checked here: whether a call succeeds. That is the run's business.

mod ast;

pub use ast::*;
