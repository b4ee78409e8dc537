//! The journal: transactions that reach the disk whole or not at all.
//!
//! ```text
//!   handle ─▶ running ──commit──▶ committing ──commit block──▶ checkpoint list ──in-place writes──▶ gone
//!
//!   log:  ─ tail ▸ desc copy copy copy commit │ revoke desc copy commit │ ▸ head ─
//! ```
//! * A block is written in its place only while no running or committing transaction owns it.
//! * Log space behind the tail is reused only after a flush (the in-place copies are durable) and a FUA write of the
//!   journal superblock (the new tail is durable).
//!
//! A fast commit stands behind the log: what the running transaction has changed so far, in the words of the file system.
//! It takes blocks of its own, which are used again when that transaction has committed.
//!
//! The file system drives a commit through four phases, because ordered data has to be written between them.
//!
//! With `data=journal` blocks of files are among the blocks; the journal does not tell them apart.
//!
//! Not modelled: external journals, journal aborts, two transactions in flight at one time (a commit
//! runs to its end before the next handle starts).

mod checkpoint;
mod commit;
mod fast;
mod journal;
mod transaction;

pub use checkpoint::CheckpointStep;
pub(crate) use checkpoint::write_in_place;
pub use fast::NoFastCommit;
pub use journal::Journal;
pub use transaction::{OrderedData, OrderedRange, Transaction};
