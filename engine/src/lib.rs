//! What can a power cut leave behind, at any moment, and why?
//!
//! ```text
//! scenario ──stack──▶ device log + history ──crash──▶ legal crash states ──recovery──▶ survivors ──oracle──▶ report
//! ```
#![forbid(unsafe_code)]

pub mod block;
pub mod check;
pub mod crash;
pub mod device;
pub mod ext4;
pub mod format;
pub mod history;
pub mod jbd2;
pub mod mutant;
pub mod oracle;
pub mod page_cache;
pub mod recovery;
pub mod report;
pub mod scenario;
pub mod schedule;
pub mod stack;
pub mod units;
pub mod vfs;
