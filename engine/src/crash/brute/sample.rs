//! Which states of an epoch to look at when there are too many: the corners, then a seeded sample.
//!
//! ```text
//!   pieces   w3.0 w3.1 w3.2 w5.0 w8.0 …     (a piece is one unit of one write, in order of submission)
//!   corners  none, all, each prefix, each one lost, each one alone, each write torn at each split
//! ```
//! A unit holds the newest of its pieces that survive, or what was durable.
//!
//! Not covered: any claim about what was not drawn.

use super::epoch::Epoch;
use crate::units::{RequestIdx, Widen, len_u64};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::ops::Range;

/// A number below `n`, each equally likely: Lemire's multiplication, with the biased draws drawn again.
pub(super) fn below(rng: &mut ChaCha8Rng, n: u64) -> u64 {
    let n = n.max(1);
    let unfair = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        let [high, low] = halves(product);
        if low >= unfair {
            return high;
        }
    }
}

#[expect(clippy::as_conversions, reason = "both halves fit")]
const fn halves(product: u128) -> [u64; 2] {
    [(product >> 64) as u64, product as u64]
}

/// One unit of one write.
#[derive(Clone, Copy, Debug)]
struct Piece {
    request: RequestIdx,
    free: usize,
    alternative: usize,
}

/// States of an epoch to look at, one after the other; some come more than once.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    epoch: &'a Epoch<'a>,
    pieces: Vec<Piece>,
    /// The pieces of each write.
    writes: Vec<Range<usize>>,
    corner: Corner,
    rng: ChaCha8Rng,
}

/// The next corner; each kind counts up and hands over to the next.
#[derive(Clone, Copy, Debug)]
enum Corner {
    Prefix(usize),
    WriteLost(usize),
    WriteAlone(usize),
    Torn { write: usize, split: usize },
    PieceLost(usize),
    PieceAlone(usize),
    Done,
}

impl<'a> Sample<'a> {
    pub(super) fn new(epoch: &'a Epoch<'a>, seed: u64) -> Self {
        let mut pieces = Vec::new();
        for (free, unit) in epoch.free.iter().enumerate() {
            let versions = &epoch.space.units[unit.unit].versions;
            let oldest = unit.alternatives[0].version;
            let newest = epoch.space.units[unit.unit].newest(*epoch.space.epochs[epoch.number].end());
            for version in &versions[oldest + 1..=newest] {
                let same = unit.alternatives.iter().position(|other| other.content == version.content);
                if let (Some(request), Some(alternative)) = (version.request, same) {
                    pieces.push(Piece { request, free, alternative });
                }
            }
        }
        pieces.sort_by_key(|piece| piece.request);
        let mut writes: Vec<Range<usize>> = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            match writes.last_mut() {
                Some(last) if pieces[last.start].request == piece.request => last.end = at + 1,
                Some(_) | None => writes.push(at..at + 1),
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(len_u64(epoch.number));
        Self { epoch, pieces, writes, corner: Corner::Prefix(0), rng }
    }

    /// The state in which these pieces survive.
    fn state(&self, survives: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut choices = vec![0; self.epoch.free.len()];
        for (at, piece) in self.pieces.iter().enumerate() {
            if survives(at) {
                choices[piece.free] = piece.alternative;
            }
        }
        choices
    }

    fn corner(&mut self) -> Option<Vec<usize>> {
        loop {
            let (next, state) = match self.corner {
                Corner::Prefix(n) if n <= self.pieces.len() => {
                    (Corner::Prefix(n + 1), self.state(|at| at < n))
                }
                Corner::Prefix(_) => (Corner::WriteLost(0), Vec::new()),
                Corner::WriteLost(n) => match self.writes.get(n) {
                    Some(write) => (Corner::WriteLost(n + 1), self.state(|at| !write.contains(&at))),
                    None => (Corner::WriteAlone(0), Vec::new()),
                },
                Corner::WriteAlone(n) => match self.writes.get(n) {
                    Some(write) => (Corner::WriteAlone(n + 1), self.state(|at| write.contains(&at))),
                    None => (Corner::Torn { write: 0, split: 1 }, Vec::new()),
                },
                Corner::Torn { write, split } => match self.writes.get(write) {
                    Some(pieces) if split < pieces.len() => {
                        let lost = pieces.start + split..pieces.end;
                        (Corner::Torn { write, split: split + 1 }, self.state(|at| !lost.contains(&at)))
                    }
                    Some(_) => (Corner::Torn { write: write + 1, split: 1 }, Vec::new()),
                    None => (Corner::PieceLost(0), Vec::new()),
                },
                Corner::PieceLost(n) if n < self.pieces.len() => {
                    (Corner::PieceLost(n + 1), self.state(|at| at != n))
                }
                Corner::PieceLost(_) => (Corner::PieceAlone(0), Vec::new()),
                Corner::PieceAlone(n) if n < self.pieces.len() => {
                    (Corner::PieceAlone(n + 1), self.state(|at| at == n))
                }
                Corner::PieceAlone(_) => (Corner::Done, Vec::new()),
                Corner::Done => return None,
            };
            self.corner = next;
            if !state.is_empty() {
                return Some(state);
            }
        }
    }

    fn draw(&mut self) -> Vec<usize> {
        let rng = &mut self.rng;
        let sizes = self.epoch.free.iter().map(|free| len_u64(free.alternatives.len()));
        sizes.map(|size| below(rng, size).index()).collect()
    }
}

impl Iterator for Sample<'_> {
    type Item = Vec<usize>;

    /// Never ends.
    fn next(&mut self) -> Option<Vec<usize>> {
        self.corner().or_else(|| Some(self.draw()))
    }
}
