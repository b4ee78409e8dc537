//! What a scenario's crash states amount to: plain data, for people and programs alike.
//!
//! ```text
//!   leaves ──by stretch──▶ rows: trees, how many images and sets of writes, a witness each ──▶ windows
//!   (names, sizes,    └──fold over what is left of an expectation──▶ holds or not, and the smallest case that decides
//!    classes of images)                                                 └── Story: which writes were lost, and why
//! ```
//! *Window* `k` is every moment from the return of step `k` until the return of step `k + 1`, both included; the one
//! before the first step starts with the run, the last one lasts to the end of the log. An image is counted once in
//! a window, however many schedules and moments lead to it, and it is in one outcome.
//!
//! What a file holds is not read to find leaves. A file that can hold few contents is listed with each of them, one
//! that can hold many with the choices of its units.
//!
//! Not here: how likely an outcome is. Counts are of distinct images, and of sets of writes that reached the medium.

mod assembly;
mod bodies;
mod claims;
mod comparison;
mod ledger;
mod machine;
mod promises;
mod rows;
mod shown;
mod stage;
mod steps;
mod story;
mod timeline;

pub use assembly::Assembly;
pub use comparison::{Comparison, Done, Group, StepRow, Stretch};
pub use stage::images;
pub use story::Storyteller;
pub use timeline::{Run, Timeline};

use crate::contract::Row;
use crate::crash::{Coverage, CrashId};
use crate::device::AtomicUnit;
use crate::history::Returned;
pub use crate::oracle::key_parts;
pub use crate::recovery::RepairNeeded;

use crate::kernel::Kernel;
use crate::schedule::Schedule;
use crate::units::{FileBlock, Ino, Moment, StepIdx};
use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a run answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The scenario's title.
    pub title: String,
    /// What the scenario is about: markdown.
    pub about: String,
    /// The kernel that it ran on.
    pub kernel: Kernel,
    /// What it ran on, in one line: the kernel, and what is beneath it.
    pub machine: String,
    /// What is beneath the kernel, in one line: file system, mount and disk.
    pub storage: String,
    /// What its disk writes as one piece.
    pub atomic: AtomicUnit,
    /// Of all expectations together.
    pub verdict: Verdict,
    /// The runs.
    pub runs: Vec<RunReport>,
    /// How much was looked at.
    pub coverage: Coverage,
    /// In so many leaves all images were found.
    pub leaves: u64,
    /// How many distinct images there are, in all runs together.
    pub images: BigUint,
    /// How many sets of unit writes can have reached the medium, summed over the runs.
    pub subsets: BigUint,
    /// How many of the images that were found need a repair.
    pub repairs: Repairs,
    /// The steps of the program.
    pub steps: Vec<StepReport>,
    /// The windows, from the one before the first step on.
    pub windows: Vec<Window>,
    /// The expectations in the order of the file; `always(mounts)` last, where it is not written.
    pub expectations: Vec<Judgement>,
    /// What the calls have promised by themselves, in their order.
    pub promises: Vec<PromiseReport>,
}

/// Whether what is expected was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// In every legal crash state.
    Holds,
    /// Nothing speaks against it, but not every state was looked at.
    Inconclusive,
    /// Not.
    Violated,
}

/// One run of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunReport {
    /// The schedules that lead to this very run.
    pub schedules: Vec<Schedule>,
    /// How many distinct images it can leave.
    pub images: BigUint,
}

/// A step of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepReport {
    /// The name of the call.
    pub name: &'static str,
    /// As it stands in the file.
    pub text: String,
    /// Where it stands in the file, 1-based.
    pub line: u32,
    /// What it returned, for each run.
    pub returned: Vec<Returned>,
    /// What reached the device while it ran, for each run.
    pub traffic: Vec<Traffic>,
}

/// What reached the device during a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traffic {
    /// The writes, in the words of their causes.
    pub writes: Vec<String>,
    /// Those of file data: each file's blocks, in order, neighbours joined.
    pub data: Vec<DataWritten>,
    /// How many commit blocks.
    pub commits: u32,
    /// How many metadata blocks in their places.
    pub in_place: u32,
    /// How many flushes.
    pub flushes: u32,
}

/// Neighbouring blocks of a file that were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataWritten {
    /// Whose.
    pub ino: Ino,
    /// A name of the file; none where no crash leaves it one.
    pub name: Option<String>,
    /// The first of the blocks.
    pub from: FileBlock,
    /// How many.
    pub blocks: u32,
    /// Whether by a write with FUA.
    pub fua: bool,
}

/// The moments between two steps, and what a crash then can leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// The step that has returned; none before the first.
    pub after: Option<StepIdx>,
    /// What can be found, in the order of the trees.
    pub outcomes: Arc<[Outcome]>,
    /// How many distinct images.
    pub images: BigUint,
    /// How many sets of unit writes can have reached the medium, summed over the runs.
    pub subsets: BigUint,
}

/// Something that can be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The recovered tree.
    pub tree: ShownTree,
    /// What its images need beyond recovery.
    pub repair: RepairNeeded,
    /// How many distinct images lead to it.
    pub images: BigUint,
    /// How many sets of unit writes, summed over the runs.
    pub subsets: BigUint,
    /// The schedules that lead to it.
    pub schedules: Vec<Schedule>,
    /// The expectations that it speaks against, by their place in the report; where units are shown with their
    /// choices, those that any of their combinations speaks against.
    pub violates: Vec<usize>,
    /// One of the images.
    pub witness: Witness,
}

/// How many distinct images need more than recovery. Where not all were looked at, at least so many.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Repairs {
    /// What `e2fsck -fp` does by itself.
    pub automatic: BigUint,
    /// A human.
    pub manual: BigUint,
}

/// A tree as text; a disk that cannot be mounted has the one entry `!`. Where attributes were read, each is an entry of
/// its own ([`key_parts`]).
pub type ShownTree = BTreeMap<String, Shown>;

/// What stands for an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shown {
    /// Its text form.
    Text(String),
    /// A file with more contents than are listed: what each of its units may hold.
    Units {
        /// Its size.
        size_bytes: u64,
        /// Its units in order.
        units: Vec<Choices>,
        /// Whether every combination is there, of all files of the tree that are shown so. Where it is not said so,
        /// some combinations of the choices may be impossible.
        all: bool,
    },
}

/// A part of a file and what it may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Choices {
    /// Its offset in the file.
    pub at: u64,
    /// Its length in bytes.
    pub len_bytes: u64,
    /// The texts of its contents, sorted.
    pub any: Vec<String>,
}

/// A crash image that shows something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// Its name, to replay it.
    pub id: CrashId,
    /// When the power is cut: the moment in question at which it lost the fewest writes.
    pub at: Moment,
    /// How it comes about then; left out where a window has very many outcomes.
    pub story: Option<Story>,
}

/// How a crash image comes about, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// The writes that did not reach the medium, in the words of their causes.
    pub lost: Vec<String>,
    /// The writes that were not durable and survived nevertheless.
    pub survived: Vec<String>,
    /// The blocks that read as zeros because they are still marked as unwritten, by file.
    pub unwritten: Vec<String>,
    /// The request that the power cut forestalled; none where the image is legal at the end of the log too.
    pub next: Option<String>,
}

/// Why an expectation was not decided for every image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// Its window has images that were only sampled.
    Sampled,
    /// It takes more combinations of contents than can be told apart.
    TooMany {
        /// So many images were drawn instead.
        drawn: u64,
    },
}

/// A promise that a call has made, and whether every legal crash state kept it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromiseReport {
    /// The call; none for what is promised without one.
    pub step: Option<StepIdx>,
    /// What is promised, and where that is written.
    pub row: Row,
    /// What it is about: paths and bytes.
    pub about: String,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// Why not every image could be decided, where that is so.
    pub undecided: Option<Undecided>,
    /// An image that breaks it.
    pub case: Option<Case>,
}

/// An expectation and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// Where it stands in the file, 1-based; none where it is not written.
    pub line: Option<u32>,
    /// As it stands in the file.
    pub text: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// How many distinct images lie in its window.
    pub images: BigUint,
    /// How many of them speak against it, or, for `sometimes`, for it. At least so many where not all was decided.
    pub decisive: BigUint,
    /// Why not every image could be decided, where that is so.
    pub undecided: Option<Undecided>,
    /// The one of those with the fewest writes lost.
    pub case: Option<Case>,
    /// For a violated `sometimes`, what is found in its window instead: the first few trees, in no special order.
    pub instead: Vec<ShownTree>,
    /// How many more trees there are.
    pub more_instead: u64,
}

/// The image that decides an expectation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The image.
    pub witness: Witness,
    /// The first window of the expectation's that it lies in, by the step that has returned.
    pub after: Option<StepIdx>,
    /// What was nowhere but in memory when that step had returned, in words.
    pub in_memory: Vec<String>,
    /// Whether the power is cut later than that: something has reached the disk since.
    pub under_way: bool,
    /// What is found on it.
    pub tree: ShownTree,
}
