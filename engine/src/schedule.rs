//! What the calls of a program leave open, and who decides it.
//!
//! The kernel may complete asynchronous I/O at any time after its submission, and the flusher has a phase of its own.
//! Each such decision is asked of a
//! schedule, so that one scenario and one schedule give one device log.
//!
//! Not modelled: writeback, commits and checkpoints that start without a timer, a call or memory pressure.

use std::fmt;

/// When I/O completes that nobody waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Schedule {
    /// At once: before the call that started it returns. The flusher's turn comes as soon as data is old enough.
    Prompt,
    /// Late: when something waits for it, or a tenth of a second later at the latest. The flusher's turn comes just
    /// before data is old enough, and again 5 s later.
    Late,
}

impl Schedule {
    /// Every schedule that is explored.
    pub const ALL: [Self; 2] = [Self::Prompt, Self::Late];

    /// Its name in reports and crash ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Late => "late",
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
