//! What can a power cut leave behind, at any moment, and why?
//!
//! ```text
//! scenario ──stack──▶ device log + history ──crash──▶ legal crash states ──recovery──▶ survivors ──oracle──▶ report
//! ```
#![forbid(unsafe_code)]

pub mod check;
pub mod crash;
pub mod device;
pub mod format;
pub mod history;
pub mod oracle;
pub mod recovery;
pub mod report;
pub mod scenario;
pub mod schedule;
pub mod stack;
pub mod units;
