//! What can a power cut leave behind, at any moment, and why?
//!
//! ```text
//! scenario ──stack──▶ device log + history ──crash──▶ legal crash states ──recovery──▶ survivors ──oracle──▶ report
//! ```
//!
//! ```
//! use unplug::check::check;
//! use unplug::crash::Bounds;
//! use unplug::report::Verdict;
//! use unplug::scenario::parse;
//!
//! let scenario = parse(
//!     r#"(
//!         title: "overwrite",
//!         stack: (disk: (atomic_write: 4096)),
//!         setup: [create("/f", "old")],
//!         steps: [open(fd: "f", path: "/f", flags: [O_WRONLY]), write("f", "new"), fdatasync("f"), mark("synced")],
//!         expect: [always(after: "synced", holds: content("/f", "new")), sometimes(holds: content("/f", "old"))],
//!     )"#,
//! )
//! .expect("a scenario in order");
//! let report = check(&scenario, &Bounds::default()).expect("calls that return what the file says");
//! assert_eq!(report.verdict, Verdict::Holds);
//! // Old and new: the write survives or it does not.
//! assert_eq!(report.images, 2_u32.into());
//! ```
//!
//! `engine/ARCHITECTURE.md` is the map, `engine/MODEL.md` says what is modelled and what is not.
#![forbid(unsafe_code)]

pub mod block;
pub mod check;
pub mod contract;
pub mod crash;
pub mod device;
pub mod ext4;
pub mod format;
pub mod guarantees;
pub mod history;
pub mod jbd2;
pub mod kernel;
pub mod mm;
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
