//! The name of a crash state: printed, parsed, replayed to the byte.
//!
//! ```text
//!   late@17:none             nothing survived that had to be durable before event 17
//!   prompt@17:all            everything that was submitted before event 17 survived
//!   late@17:w3,w5.2-4+7      of what was not durable, only write 3 and units 2 to 4 and 7 of write 5
//!   late@17:all,-w5.2        everything but unit 2 of write 5, where what was durable remains
//!   late@17:x1f3             the choices as one number, where words would be long
//! ```
//! `w5` is the request with that number in the device log, in all of its units that are free at that moment. Units
//! are counted from 0 within the request; they are atomic units of the disk. What stands later in the list wins.
//! The number's digits are the units that have more than one content to choose from, in order of address, the first
//! one counting least; a digit counts the distinct contents from the durable one on.

use crate::schedule::Schedule;
use crate::units::{Moment, RequestIdx};
use num_bigint::BigUint;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The name of a crash state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashId {
    /// The schedule of the run.
    pub schedule: Schedule,
    /// When the power was cut.
    pub moment: Moment,
    /// What survived.
    pub choice: Choice,
}

/// What survived of what was not durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Nothing but these.
    NoneBut(Vec<Entry>),
    /// The newest of everything but these.
    AllBut(Vec<Entry>),
    /// As a number of the mixed radix that the module describes.
    Number(BigUint),
}

/// What became of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Whether it survived.
    pub fate: Fate,
    /// The write.
    pub request: RequestIdx,
    /// Which of its units; none means all that are free.
    pub units: Vec<RangeInclusive<u32>>,
}

/// What became of a unit of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is what the disk holds.
    Survived,
    /// The disk holds what was durable before.
    Lost,
}

impl fmt::Display for CrashId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.schedule, self.moment, self.choice)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, entries) = match self {
            Self::Number(number) => return write!(f, "x{number:x}"),
            Self::NoneBut(entries) if entries.is_empty() => return f.write_str("none"),
            Self::NoneBut(entries) => ("", entries),
            Self::AllBut(entries) => ("all", entries),
        };
        f.write_str(word)?;
        for (at, entry) in entries.iter().enumerate() {
            let comma = if at > 0 || !word.is_empty() { "," } else { "" };
            write!(f, "{comma}{entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.fate {
            Fate::Survived => "",
            Fate::Lost => "-",
        };
        write!(f, "{sign}w{}", self.request)?;
        for (at, range) in self.units.iter().enumerate() {
            let mark = if at > 0 { "+" } else { "." };
            write!(f, "{mark}{}", range.start())?;
            if range.start() != range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

/// Why a text is not the name of a crash state.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseCrashIdError {
    /// No `@`, or no `:` behind it.
    #[error("\"{0}\" is not of the form schedule@moment:choice, as in late@17:w3,w5.2-4")]
    Form(String),
    /// No schedule has this name.
    #[error("\"{0}\" is no schedule; there are prompt and late")]
    Schedule(String),
    /// The moment is not a number.
    #[error("\"{0}\" is no moment: a number is expected")]
    Moment(String),
    /// An entry is not understood.
    #[error("\"{0}\" is no choice: none, all, w3, -w3, w3.0-2+5 or x1f are expected")]
    Entry(String),
}

impl FromStr for CrashId {
    type Err = ParseCrashIdError;

    fn from_str(text: &str) -> Result<Self, ParseCrashIdError> {
        let form = || ParseCrashIdError::Form(text.to_owned());
        let (schedule, rest) = text.split_once('@').ok_or_else(form)?;
        let (moment, choice) = rest.split_once(':').ok_or_else(form)?;
        Ok(Self {
            schedule: Schedule::ALL
                .into_iter()
                .find(|known| known.name() == schedule)
                .ok_or_else(|| ParseCrashIdError::Schedule(schedule.to_owned()))?,
            moment: number(moment)
                .map(Moment::new)
                .ok_or_else(|| ParseCrashIdError::Moment(moment.to_owned()))?,
            choice: choice.parse()?,
        })
    }
}

/// A decimal number as we print it: digits, no sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

impl FromStr for Choice {
    type Err = ParseCrashIdError;

    fn from_str(text: &str) -> Result<Self, ParseCrashIdError> {
        let entries = |list: &str| list.split(',').map(str::parse).collect::<Result<Vec<Entry>, _>>();
        if text == "none" {
            Ok(Self::NoneBut(Vec::new()))
        } else if text == "all" {
            Ok(Self::AllBut(Vec::new()))
        } else if let Some(list) = text.strip_prefix("all,") {
            Ok(Self::AllBut(entries(list)?))
        } else if let Some(digits) = text.strip_prefix('x') {
            let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let number = if hex { BigUint::parse_bytes(digits.as_bytes(), 16) } else { None };
            number.map(Self::Number).ok_or_else(|| ParseCrashIdError::Entry(text.to_owned()))
        } else {
            Ok(Self::NoneBut(entries(text)?))
        }
    }
}

impl FromStr for Entry {
    type Err = ParseCrashIdError;

    fn from_str(text: &str) -> Result<Self, ParseCrashIdError> {
        let parse = || {
            let (fate, rest) = match text.strip_prefix('-') {
                Some(rest) => (Fate::Lost, rest),
                None => (Fate::Survived, text),
            };
            let rest = rest.strip_prefix('w')?;
            let (request, units) = match rest.split_once('.') {
                Some((request, units)) => (request, units.split('+').map(range).collect::<Option<Vec<_>>>()?),
                None => (rest, Vec::new()),
            };
            Some(Self { fate, request: RequestIdx::new(number(request)?), units })
        };
        parse().ok_or_else(|| ParseCrashIdError::Entry(text.to_owned()))
    }
}

fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    (from <= to).then_some(from..=to)
}

/// Why the name of a crash state does not fit a device log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CrashIdError {
    /// The log is shorter.
    #[error("the power is cut at moment {moment}, but the last moment of this run is {last}")]
    NoSuchMoment {
        /// The id's.
        moment: Moment,
        /// The log's.
        last: Moment,
    },
    /// The log has fewer requests.
    #[error("w{request} is named, but this run has {requests} requests, counted from 0")]
    NoSuchRequest {
        /// The id's.
        request: RequestIdx,
        /// The log's.
        requests: u32,
    },
    /// The write has fewer units.
    #[error("unit {unit} of w{request} is named, but it has {units} units, counted from 0")]
    NoSuchUnit {
        /// The write.
        request: RequestIdx,
        /// The id's.
        unit: u32,
        /// The log's.
        units: u32,
    },
    /// Nothing of the write is free: it was not submitted yet, or something as new is durable.
    #[error("w{request} is not free to survive or not at moment {moment}: {why}")]
    NotFree {
        /// The write.
        request: RequestIdx,
        /// The id's.
        moment: Moment,
        /// Submitted too late, or durable.
        why: &'static str,
    },
    /// The number has no meaning.
    #[error("x{number:x} is named, but there are {states} states at moment {moment}")]
    NoSuchNumber {
        /// The id's.
        number: BigUint,
        /// How many there are.
        states: BigUint,
        /// The id's moment.
        moment: Moment,
    },
}
