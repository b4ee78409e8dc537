//! What each call of a program has promised about a power cut, and by which text.
//!
//! ```text
//!   scenario ─┐
//!   history ──┼─▶ World (what every file held, what every name stood for, at each time)
//!   the disk ─┘      └─▶ promises: "fsync: the bytes of /f", from the return of step 3 on ──▶ requirements, by window
//!   before
//! ```
//! There are two levels. *Documented* is what POSIX and the manual pages say: breaking it is a bug of the system. *ext4* is
//! what this file system gives in practice with these mount options; who relies on it relies on more than is written
//! down. The table of all promises is in `table`.
//!
//! A promise is about the time after its call. What the program changes later may be there too, or not yet: each sector
//! and each name may be as it was promised, or as it was at any later time. A later call that promises as much takes
//! over.
//!
//! Not covered: time stamps, modes and owners, which are not observed; extended attributes; errors, which make a promise
//! void; what a file system owes while its blocks are being shifted (FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE).

mod promises;
mod table;
mod world;

#[cfg(test)]
mod tests;

pub use promises::{Clause, Promise, promises};
pub use table::{Level, Row, TABLE};
