//! The layers wired together: runs a scenario, and keeps what the device and the program saw.
//!
//! Not modelled: everything, as yet.

use crate::device::{DeviceLog, DiskImage};
use crate::history::History;
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::units::StepIdx;
use std::fmt;

/// One run of a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Under which schedule.
    pub schedule: Schedule,
    /// The disk after the setup and the mount: all of it is durable.
    pub base: DiskImage,
    /// What the device was asked from then on.
    pub log: DeviceLog,
    /// What the program was told.
    pub history: History,
}

/// Where a run ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In this step of the setup.
    Setup(usize),
    /// In this step of the program.
    Step(StepIdx),
}

/// A step did not return what the scenario says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepError {
    /// Which step.
    pub place: Place,
    /// What it should have returned and what it returned.
    pub message: String,
    /// What to do about it, where we know.
    pub help: Option<String>,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StepError {}

/// Runs a scenario under a schedule.
///
/// # Errors
/// Where a step does not return what the scenario says.
pub fn run(scenario: &Scenario, schedule: Schedule) -> Result<Trace, StepError> {
    let _ = (scenario, schedule);
    Err(StepError { place: Place::Setup(0), message: "not wired yet".to_owned(), help: None })
}
