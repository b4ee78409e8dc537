//! The whole stack: a scenario and a schedule in, a device log and a history out.
//!
//! ```text
//!   mkfs ▸ mount ▸ setup ▸ unmount │ mount ▸ │ base image │ ▸ steps ▸ (the power may fail at any moment)
//!   or a real image
//! ```
//! Every step takes one tick of the virtual clock, so that two writes never share a timestamp; a sleep takes its time.
//! The stack knows nothing of crashes.
//!
//! Not modelled: what happens between two steps of one program but for the timers.

mod image;
mod run;

use crate::device::{DeviceLog, DiskImage};
use crate::history::{Errno, History};
use crate::schedule::Schedule;
use crate::units::StepIdx;
use std::fmt;

pub use image::{ImageError, open_image};
pub use run::{run, run_mutant};

/// What one run left to be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Who decided what the calls leave open.
    pub schedule: Schedule,
    /// The disk before the first step, mounted: all of it durable.
    pub base: DiskImage,
    /// What happened at the device.
    pub log: DeviceLog,
    /// What the program was told.
    pub history: History,
}

/// A step that did not return what the scenario says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place} {message}")]
pub struct StepError {
    /// Where it stands.
    pub place: Place,
    /// What it returned instead.
    pub message: String,
    /// What may be wrong.
    pub help: Option<String>,
}

/// Where a step stands in its scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In `stack: (image: …)`.
    Image,
    /// In the setup, counted from 0.
    Setup(usize),
    /// In the steps.
    Step(StepIdx),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image => write!(f, "stack.image"),
            Self::Setup(index) => write!(f, "setup[{index}]"),
            Self::Step(index) => write!(f, "steps[{index}]"),
        }
    }
}

/// What a call answered.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Answer {
    /// A number, 0 where none is of interest.
    Value(u64),
    /// A transfer: how much was asked for, how much was done.
    Count { wanted: u64, done: u64 },
    /// Bytes that were read.
    Bytes { wanted: Vec<u8>, read: Vec<u8> },
    /// An error.
    Error(Errno),
}

#[cfg(test)]
mod tests;
