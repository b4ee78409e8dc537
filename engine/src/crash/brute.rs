//! Brute force: every legal image is made and judged, or it is said how many were left out. The reference that the
//! explorer is compared with.
//!
//! ```text
//!   epoch ──▶ chunks of 256 states ──judge, in parallel──▶ answers ──fold, in order──▶
//! ```
//! Chunks do not depend on the number of threads, and answers are folded in the order of epochs and states.
//! An image that several epochs share belongs to the first that is explored whole, or else to the first that drew
//! it. Memory: the answers of a few chunks; for sampled epochs 16 bytes per state to know what was drawn.

mod board;
mod count;
mod epoch;
mod sample;
mod view;

pub use view::CrashView;

use super::id::CrashId;
use super::name;
use super::space::{Moments, Space};
use crate::device::{DeviceLog, DiskImage};
use crate::schedule::Schedule;
use crate::units::{Moment, Widen, len_u64};
use board::Board;
use count::Count;
use epoch::Epoch;
use num_bigint::BigUint;
use rayon::prelude::*;
use sample::Sample;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// States that one worker judges in one piece.
const CHUNK: u64 = 256;
/// Chunks that are judged before their answers are folded.
const GROUP: u64 = 32;
/// How many draws may be repeats before a sample is given up, as a multiple of its size.
const PATIENCE: u64 = 4;

/// How much to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many states of one run, at most.
    pub max_states: u64,
    /// What the sample is drawn from, where there are more.
    pub seed: u64,
}

/// How much was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// Every legal state.
    Complete {
        /// How many there are.
        states: u64,
    },
    /// Some of them.
    Partial {
        /// How many were looked at.
        explored: u64,
        /// How many there are.
        total: BigUint,
        /// Why not all.
        reason: String,
        /// The moments at which only a sample was looked at; all states of the others were.
        sampled: Vec<RangeInclusive<Moment>>,
    },
}

/// One legal crash state.
#[derive(Debug)]
pub struct State<'a> {
    /// When it is legal, in order; ranges do not touch.
    pub legal: &'a [Moments],
    /// How many units lost their newest content, counted at its first moment.
    pub lost: u32,
    schedule: Schedule,
    epoch: &'a Epoch<'a>,
    choices: &'a [usize],
}

impl State<'_> {
    /// Its name: equal images have equal names.
    pub fn id(&self) -> CrashId {
        name::name(self.epoch.space, self.schedule, self.first(), self.epoch.all_contents(self.choices))
    }

    /// The first moment at which it is legal.
    pub fn first(&self) -> Moment {
        first(self.legal)
    }
}

fn first(legal: &[Moments]) -> Moment {
    legal.first().map_or(Moment::new(0), |range| *range.start())
}

/// A state that was judged, until it is folded.
struct Judged<T> {
    choices: Vec<usize>,
    legal: Vec<Moments>,
    lost: u32,
    answer: T,
}

/// What is done with an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Share {
    Whole(u64),
    Part(u64),
}

/// Judges every legal crash state of a run, each image once, and folds the answers in a fixed order.
pub fn explore<T: Send>(
    base: &DiskImage,
    log: &DeviceLog,
    schedule: Schedule,
    bounds: &Bounds,
    judge: impl Fn(&mut CrashView<'_>) -> T + Sync,
    mut fold: impl FnMut(&State<'_>, T),
) -> Coverage {
    let space = Space::of(base, log);
    let shares = share(&space, bounds.max_states);
    let mut drawn = BTreeSet::new();
    let mut explored = 0;
    let mut total = Count::zero();
    for (number, share) in shares.iter().enumerate() {
        let epoch = Epoch::new(&space, number);
        let board = Board::new(base, &epoch);
        let run = Run { epoch: &epoch, board: &board, shares: &shares, judge: &judge };
        let mut fold = |judged: Judged<T>| {
            explored += 1;
            let Judged { choices, legal, lost, answer } = judged;
            let state = State { legal: &legal, lost, schedule, epoch: &epoch, choices: &choices };
            fold(&state, answer);
        };
        match share {
            Share::Whole(size) => run.whole(*size, &mut fold),
            Share::Part(share) => run.part(*share, bounds.seed, &mut drawn, &mut fold),
        }
        total = total.add(&epoch);
    }
    coverage(&space, &shares, explored, total, bounds)
}

fn coverage(space: &Space, shares: &[Share], explored: u64, total: Count, bounds: &Bounds) -> Coverage {
    let parts = shares.iter().filter(|share| matches!(share, Share::Part(_))).count();
    if parts == 0 {
        return Coverage::Complete { states: explored };
    }
    let sampled = space.epochs.iter().zip(shares);
    let sampled =
        sampled.filter(|(_, share)| matches!(share, Share::Part(_))).map(|(epoch, _)| epoch.clone());
    let sampled = sampled.collect();
    let mut reason = format!(
        "{parts} of {} stretches between flushes {} too large for {} states; seed {}",
        shares.len(),
        if parts == 1 { "is" } else { "are" },
        bounds.max_states,
        bounds.seed
    );
    let total = match total {
        Count::Exact(total) => total,
        Count::AtMost(total) => {
            reason.push_str("; the total counts some images more than once");
            total
        }
    };
    Coverage::Partial { explored, total, reason, sampled }
}

/// Shares the bound among the epochs: the small ones whole, the others in equal parts of what remains.
fn share(space: &Space, max_states: u64) -> Vec<Share> {
    let mut sizes: Vec<(BigUint, usize)> =
        space.epochs.iter().map(|epoch| space.states_at(*epoch.end())).zip(0..).collect();
    sizes.sort();
    let mut shares = vec![Share::Part(0); sizes.len()];
    let (mut left, mut epochs) = (max_states, len_u64(sizes.len()));
    for (size, epoch) in sizes {
        let fair = left / epochs.max(1);
        let part = match u64::try_from(&size) {
            Ok(size) if size <= fair => Share::Whole(size),
            Ok(_) | Err(_) => Share::Part(fair),
        };
        let (Share::Whole(used) | Share::Part(used)) = part;
        left -= used;
        epochs -= 1;
        shares[epoch] = part;
    }
    shares
}

/// One epoch being explored.
struct Run<'a, J> {
    epoch: &'a Epoch<'a>,
    board: &'a Board<'a>,
    shares: &'a [Share],
    judge: &'a J,
}

impl<T: Send, J: Fn(&mut CrashView<'_>) -> T + Sync> Run<'_, J> {
    /// Every state, the first free unit changing fastest.
    fn whole(&self, size: u64, fold: &mut impl FnMut(Judged<T>)) {
        let chunks = size.div_ceil(CHUNK);
        for group in 0..chunks.div_ceil(GROUP) {
            let chunks = group * GROUP..chunks.min((group + 1) * GROUP);
            let judged: Vec<Vec<Judged<T>>> = chunks
                .into_par_iter()
                .map(|chunk| self.chunk(chunk * CHUNK, size.min((chunk + 1) * CHUNK)))
                .collect();
            judged.into_iter().flatten().for_each(&mut *fold);
        }
    }

    fn chunk(&self, from: u64, to: u64) -> Vec<Judged<T>> {
        let mut view = CrashView::new(self.board);
        view.set_number(from);
        let mut judged = Vec::new();
        for _ in from..to {
            if !self.belongs_to_earlier(view.choices()) {
                judged.push(self.judge(&mut view));
            }
            view.next();
        }
        judged
    }

    /// Corners, then draws.
    fn part(&self, share: u64, seed: u64, drawn: &mut BTreeSet<u128>, fold: &mut impl FnMut(Judged<T>)) {
        let mut sample = Sample::new(self.epoch, seed);
        let mut attempts = share.saturating_mul(PATIENCE);
        let mut found = 0;
        while found < share && attempts > 0 {
            let mut group = Vec::new();
            while len_u64(group.len()) < (share - found).min(CHUNK * GROUP) && attempts > 0 {
                attempts -= 1;
                let Some(choices) = sample.next() else { break };
                if !self.belongs_to_whole(&choices) && drawn.insert(self.digest(&choices)) {
                    group.push(choices);
                }
            }
            found += len_u64(group.len());
            let chunks: Vec<&[Vec<usize>]> = group.chunks(CHUNK.index()).collect();
            let judged: Vec<Vec<Judged<T>>> = chunks
                .into_par_iter()
                .map(|chunk| {
                    let mut view = CrashView::new(self.board);
                    let mut judge = |choices: &Vec<usize>| {
                        view.set(choices);
                        self.judge(&mut view)
                    };
                    chunk.iter().map(&mut judge).collect()
                })
                .collect();
            judged.into_iter().flatten().for_each(&mut *fold);
        }
    }

    fn judge(&self, view: &mut CrashView<'_>) -> Judged<T> {
        let answer = (self.judge)(view);
        let choices = view.choices().to_vec();
        let legal = self.epoch.legal(&choices);
        let lost = self.epoch.lost(first(&legal), &choices);
        Judged { choices, legal, lost, answer }
    }

    /// Whether an earlier epoch that is explored whole has this image.
    fn belongs_to_earlier(&self, choices: &[usize]) -> bool {
        let mut links = self.epoch.links.iter().take_while(|link| link.epoch < self.epoch.number);
        links.any(|link| matches!(self.shares[link.epoch], Share::Whole(_)) && link.contains(choices))
    }

    /// Whether any epoch that is explored whole has this image.
    fn belongs_to_whole(&self, choices: &[usize]) -> bool {
        let mut links = self.epoch.links.iter();
        links.any(|link| matches!(self.shares[link.epoch], Share::Whole(_)) && link.contains(choices))
    }

    /// What the image differs from the base in, 128 bits of it.
    fn digest(&self, choices: &[usize]) -> u128 {
        let mut hasher = blake3::Hasher::new();
        for (unit, content) in self.epoch.all_contents(choices).filter(|(_, content)| *content != 0) {
            hasher.update(&len_u64(unit).to_le_bytes());
            hasher.update(&len_u64(content).to_le_bytes());
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(digest)
    }
}

#[cfg(test)]
mod tests;
