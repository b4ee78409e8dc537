//! How far long work is: a line on standard error, where that is a terminal.
//!
//! ```text
//!   12 of 76 files, 40321 different results of recovery
//! ```
//! Nothing is shown in the first half second, and reports never have anything of it in them.
#![expect(clippy::disallowed_types, reason = "people wait in real time; nothing but this line depends on it")]

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Work that is done sooner is not told of.
const SILENT: Duration = Duration::from_millis(500);

/// How far the work is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    leaves: AtomicU64,
    files: AtomicU64,
}

/// One scenario's part of it.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    progress: &'a Progress,
    before: AtomicU64,
}

impl Progress {
    /// Of so many files.
    pub(crate) fn new(files: usize) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                u64::try_from(files).ok(),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let style = ProgressStyle::with_template("{pos} of {len} files, {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, began: Instant::now(), leaves: AtomicU64::new(0), files: AtomicU64::new(0) }
    }

    /// A scenario is begun.
    pub(crate) const fn work(&self) -> Work<'_> {
        Work { progress: self, before: AtomicU64::new(0) }
    }

    /// A file is done.
    pub(crate) fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.show();
    }

    /// Does something with the line out of the way.
    pub(crate) fn aside<T>(&self, what: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(what),
            None => what(),
        }
    }

    fn show(&self) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.began.elapsed() > SILENT) {
            let leaves = self.leaves.load(Ordering::Relaxed);
            bar.set_position(self.files.load(Ordering::Relaxed));
            bar.set_message(format!("{leaves} different results of recovery"));
        }
    }

    /// Clears the line for good.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Work<'_> {
    /// So many leaves have been found so far.
    pub(crate) fn leaves(&self, leaves: u64) {
        let before = self.before.fetch_max(leaves, Ordering::Relaxed);
        self.progress.leaves.fetch_add(leaves.saturating_sub(before), Ordering::Relaxed);
        self.progress.show();
    }
}
