//! Asking the questions: each cell a run of the whole pipeline, all of them in parallel, in a fixed order.

use super::{Mount, Probe};
use crate::check::verdicts;
use crate::crash::Bounds;
use crate::kernel::{Barriers, Kernel};
use crate::report::Verdict;
use crate::scenario::{Scenario, parse};
use crate::stack::{Place, StepError};
use crate::units::Widen;
use rayon::prelude::*;
use std::fmt;

/// The answer to one question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cell {
    /// It holds in every legal crash state.
    Yes,
    /// It does not, in one of them.
    No,
    /// Not every crash state was looked at, and nothing speaks against it.
    Open,
    /// It cannot be asked: this kernel or this mount refuses something, and says so in these words.
    Refused(String),
}

impl Cell {
    /// Whether it is the same answer, whatever the words of a refusal.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(_), Self::Refused(_)) => true,
            (Self::Yes | Self::No | Self::Open | Self::Refused(_), _) => self == other,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Open => "?",
            Self::Refused(_) => "—",
        })
    }
}

impl From<Verdict> for Cell {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::Yes,
            Verdict::Inconclusive => Self::Open,
            Verdict::Violated => Self::No,
        }
    }
}

/// What a kernel keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matrix {
    /// The kernel.
    pub kernel: Kernel,
    /// The columns.
    pub mounts: Vec<&'static Mount>,
    /// The rows.
    pub rows: Vec<Answers>,
}

/// A row of a matrix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    /// The question.
    pub probe: &'static Probe,
    /// The answers, in the order of the columns.
    pub cells: Vec<Cell>,
}

impl Matrix {
    /// A matrix for each of some kernels, with these columns, or where there are none with those that make a
    /// difference under the kernel.
    pub fn of(kernels: &[Kernel], mounts: &[&'static Mount]) -> Vec<Self> {
        let matrix = |kernel: &Kernel| {
            let mounts: Vec<&'static Mount> = if mounts.is_empty() {
                Mount::ALL.iter().filter(|mount| mount.is_for(*kernel)).collect()
            } else {
                mounts.to_vec()
            };
            let row = |probe: &'static Probe| Answers {
                probe,
                cells: mounts.par_iter().map(|mount| ask(probe, mount, *kernel)).collect(),
            };
            let rows = Probe::ALL.par_iter().map(row).collect();
            Self { kernel: *kernel, mounts, rows }
        };
        kernels.par_iter().map(matrix).collect()
    }

    /// The answer in one place, if the matrix has it.
    pub fn cell(&self, probe: &Probe, mount: &Mount) -> Option<&Cell> {
        let column = self.mounts.iter().position(|found| found.name == mount.name)?;
        self.rows.iter().find(|row| row.probe.name == probe.name)?.cells.get(column)
    }
}

/// The kernels of the whole table: the default one first, then all others that flush the disk's cache unless told not
/// to. Where nothing is ever flushed nothing is kept, and there is little to compare.
pub fn kernels() -> Vec<Kernel> {
    let first = Kernel::default();
    let others = Kernel::ALL.iter().copied();
    let others = others.filter(|kernel| *kernel != first && kernel.rules().barriers == Barriers::On);
    std::iter::once(first).chain(others).collect()
}

/// How much of each cell is looked at: without barriers there is very much, and what is wrong is found soon.
const BOUNDS: Bounds = Bounds { max_leaves: 4000, draws: 500, seed: 1 };

/// Asks one question.
pub fn ask(probe: &Probe, mount: &Mount, kernel: Kernel) -> Cell {
    let scenario = match parse(&probe.scenario(mount, kernel)) {
        Ok(scenario) => scenario,
        Err(mistakes) => {
            return Cell::Refused(
                mistakes.into_iter().next().map_or_else(String::new, |first| first.message),
            );
        }
    };
    match verdicts(&scenario, &BOUNDS) {
        Ok(verdicts) => verdicts.first().map_or(Cell::Open, |verdict| (*verdict).into()),
        Err(error) => Cell::Refused(refusal(&scenario, &error)),
    }
}

/// The step that did not go as the probe says, and what it returned.
fn refusal(scenario: &Scenario, error: &StepError) -> String {
    let step = match error.place {
        Place::Image => None,
        Place::Setup(index) => scenario.setup.get(index),
        Place::Step(step) => scenario.steps.get(step.get().index()),
    };
    step.map_or_else(|| error.message.clone(), |step| format!("{} {}", step.text, error.message))
}
