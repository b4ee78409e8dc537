//! Which promises were kept.
//!
//! ```text
//!   fsync("f"), step 3: the bytes of /f       windows 4..=6   every leaf there   kept
//!                                             windows 7..=9   leaf 4             broken, and by which image
//! ```

use super::claims::Open;
use super::stage::Stage;
use crate::contract::{Clause, Promise};
use crate::crash::{Best, Nothing};
use crate::oracle::{Found, Residual};
use rayon::prelude::*;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

/// What became of a promise.
#[derive(Debug)]
pub(super) struct Kept {
    /// An image that breaks it, with the fewest writes lost of those that show the same, and the stretches of the clause
    /// in question. It is the first one found: those of all leaves would take longer than to judge.
    pub(super) broken: Option<(Best, RangeInclusive<usize>)>,
    /// Why not every image could be decided.
    pub(super) open: Option<Open>,
}

/// Looks at all promises.
pub(super) fn judge(stage: &Stage<'_>, promises: &[Promise]) -> Vec<Kept> {
    let found: Vec<OnceLock<Found<'_>>> = stage.leaves.iter().map(|_| OnceLock::new()).collect();
    let kept = |promise: &Promise| {
        let mut kept = Kept { broken: None, open: None };
        for clause in &promise.clauses {
            kept.clause(stage, clause, &found);
            if kept.broken.is_some() {
                break;
            }
        }
        kept
    };
    promises.par_iter().map(kept).collect()
}

impl Kept {
    fn clause<'a>(&mut self, stage: &Stage<'a>, clause: &Clause, found: &[OnceLock<Found<'a>>]) {
        let stretches = stage.timeline.stretches(*clause.windows.start(), *clause.windows.end());
        let levels = stage.levels_of(&stretches);
        self.open = self.open.or_else(|| stage.left_open(&levels));
        let during = stage.during(&stretches);
        let breaks = |end: &Residual| matches!(end, Residual::Known(false));
        for (leaf, found) in stage.leaves.iter().zip(found) {
            if !leaf.class.levels().meets(&levels) {
                continue;
            }
            let formula = clause.requirement.compile(found.get_or_init(|| Found::of(&leaf.found)));
            let best = match formula.known() {
                Some(true) => continue,
                Some(false) => {
                    stage.images.best(&leaf.class, &during, &[], &Nothing, |()| true).unwrap_or_default()
                }
                None => {
                    let blocks: Vec<_> = formula.blocks().collect();
                    stage.images.best(&leaf.class, &during, &blocks, &formula, breaks).unwrap_or_else(|_| {
                        let (best, drawn) = stage.seek(leaf, &stretches, &formula, breaks);
                        self.open = Some(Open::TooMany { drawn });
                        best
                    })
                }
            };
            if let Some(best) = best {
                self.broken = Some((best, stretches));
                return;
            }
        }
    }
}
