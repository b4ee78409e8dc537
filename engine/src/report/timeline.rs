//! Windows as stretches of moments.
//!
//! ```text
//!   steps      open   write   close        sync                    mark
//!   moments   0─0     0─0     0─0      0 ─────────────── 24      24─24
//!   windows   ├─ 0 ─┤├─ 1 ─┤├─ 2 ─┤├─ 3: 0 to 24 ──────┤├─ 4: 24 to 24
//!   stretches └──────── 0 ────────┘└───────── 1 ────────┘└── 2
//! ```
//! Consecutive windows with the same moments in every run have the same states: they share a stretch, and each state
//! is counted once for all of them.

use crate::device::DeviceLog;
use crate::history::History;
use crate::schedule::Schedule;
use crate::units::{Moment, StepIdx, len_u32};
use std::ops::RangeInclusive;

/// One run, as far as reports look at it.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The schedules that lead to it.
    pub schedules: Vec<Schedule>,
    /// What the device was asked.
    pub log: &'a DeviceLog,
    /// What the program was told.
    pub history: &'a History,
}

/// The windows of all runs of one scenario.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// For each stretch, its moments in each run.
    stretches: Vec<Vec<RangeInclusive<Moment>>>,
    /// For each window, its stretch.
    of_window: Vec<usize>,
}

impl Timeline {
    /// The windows of runs of a program of `steps` steps.
    pub fn new(steps: usize, runs: &[Run<'_>]) -> Self {
        let mut stretches: Vec<Vec<RangeInclusive<Moment>>> = Vec::new();
        let mut of_window = Vec::with_capacity(steps + 1);
        for window in 0..=steps {
            let moments = runs.iter().map(|run| moments(window, steps, run)).collect();
            if stretches.last() != Some(&moments) {
                stretches.push(moments);
            }
            of_window.push(stretches.len() - 1);
        }
        Self { stretches, of_window }
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.stretches.len()
    }

    /// Whether there are none: never, as there is a window even without a step.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Each window's stretch, from the window before the first step on.
    pub fn windows(&self) -> &[usize] {
        &self.of_window
    }

    /// The stretches from window `from` to window `to`, both included; none where `from` is later.
    pub fn stretches(&self, from: usize, to: usize) -> RangeInclusive<usize> {
        match (self.of_window.get(from), self.of_window.get(to)) {
            (Some(first), Some(last)) if from <= to => *first..=*last,
            (Some(_) | None, Some(_) | None) => RangeInclusive::new(1, 0),
        }
    }

    /// The step that has returned in the first window of a stretch.
    pub fn after(&self, stretch: usize) -> Option<StepIdx> {
        let window = self.of_window.partition_point(|other| *other < stretch);
        window.checked_sub(1).map(|step| StepIdx::new(len_u32(step)))
    }

    /// The moments of a stretch in a run.
    pub fn moments(&self, stretch: usize, run: usize) -> &RangeInclusive<Moment> {
        &self.stretches[stretch][run]
    }

    /// The first stretch of some that a moment of a run lies in.
    pub fn at(&self, stretches: RangeInclusive<usize>, run: usize, moment: Moment) -> Option<usize> {
        let mut stretches = stretches;
        stretches.find(|stretch| self.moments(*stretch, run).contains(&moment))
    }
}

fn moments(window: usize, steps: usize, run: &Run<'_>) -> RangeInclusive<Moment> {
    let returned = |step: usize| run.history.steps.get(step).map_or(run.log.now(), |record| record.at);
    let from = window.checked_sub(1).map_or(Moment::new(0), returned);
    let to = if window == steps { run.log.now() } else { returned(window) };
    from..=to.max(from)
}
