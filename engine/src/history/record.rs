//! The history of one run: a record for every step.

use super::{Errno, Fact, Way};
use crate::units::{Ino, Moment, StepIdx, Tid, Time, Widen};

/// What a call returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Returned {
    /// Success, with the return value where one is of interest (a count, an offset), else 0.
    Value(u64),
    /// Failure.
    Error(Errno),
}

/// One step: what it returned and how far the device log had come by then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecord {
    /// What it returned.
    pub returned: Returned,
    /// The moment of its return: events before this one had happened.
    pub at: Moment,
    /// When it was called, on the virtual clock.
    pub called: Time,
    /// What it changed for whoever looks, and what it made durable.
    pub facts: Vec<Fact>,
    /// The way it took through the kernel.
    pub way: Way,
    /// What the disk has not been asked to keep yet, as it returned.
    pub in_memory: InMemory,
}

/// What is nowhere but in memory: a power cut takes it, whatever the disk does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InMemory {
    /// The running transaction, if it has changed anything.
    pub transaction: Option<Tid>,
    /// Files with data that was never submitted.
    pub dirty: Vec<Ino>,
}

/// The records of all steps that ran, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct History {
    /// One record a step.
    pub steps: Vec<StepRecord>,
}

impl History {
    /// The record of one step.
    ///
    /// # Panics
    /// Where that step never ran.
    pub fn step(&self, step: StepIdx) -> &StepRecord {
        &self.steps[step.get().index()]
    }
}
