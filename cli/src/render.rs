//! What the command prints, one format a file.

pub(crate) mod diagnostic;
