//! The exit status.

use std::panic::{UnwindSafe, catch_unwind};
use std::process::ExitCode;

/// How it went; the later, the worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Exit {
    /// Every expectation holds, or there was none to judge.
    Good,
    /// Not every crash state was looked at, and nothing speaks against an expectation.
    Inconclusive,
    /// An expectation is violated.
    Violated,
    /// It could not run: the arguments, a file, or a scenario is wrong.
    Unusable,
    /// A bug in unplug.
    Bug,
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Violated => 1,
            Self::Unusable => 2,
            Self::Inconclusive => 3,
            Self::Bug => 70,
        }
    }
}

/// Runs the whole program. A panic has printed its message already.
pub(crate) fn status(run: impl FnOnce() -> Exit + UnwindSafe) -> ExitCode {
    let exit = catch_unwind(run).unwrap_or_else(|_| {
        crate::output::error(
            "this is a bug in unplug, not in your scenario; please report it with the text above",
        );
        Exit::Bug
    });
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_files_counts() {
        let check = |all: &[Exit], code: u8| {
            assert_eq!(all.iter().max().copied().unwrap().code(), code, "{all:?}");
        };
        check(&[Exit::Good, Exit::Good], 0);
        check(&[Exit::Inconclusive, Exit::Good], 3);
        check(&[Exit::Violated, Exit::Inconclusive], 1);
        check(&[Exit::Violated, Exit::Unusable], 2);
        check(&[Exit::Bug, Exit::Unusable], 70);
    }
}
