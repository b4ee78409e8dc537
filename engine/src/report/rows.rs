//! What can be found in the images of one leaf within one stretch: rows, each with its count.
//!
//! ```text
//!   leaf 3, stretch 5    /conf "old"   /log [A or B] [A or B]    12 images
//!                        /conf "new"   /log [A or B] [A or B]    12 images
//! ```
//! One fold over the listed files finds which rows there are and how many images each has; every image is in
//! exactly one.

use super::bodies::{Body, Listing, Scene, are_free, choose};
use super::claims::{Claim, rank};
use super::shown::{How, Texts, tree};
use super::stage::Stage;
use super::{Shown, ShownTree};
use crate::crash::{Best, Fold, Leaf, Levels, TooMany};
use crate::oracle::{Entry, FileShape, Formula, Observation, Outline};
use crate::recovery::RepairNeeded;
use crate::units::BlockNr;
use num_bigint::BigUint;
use std::collections::{BTreeMap, BTreeSet};

/// Something that can be found.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) images: BigUint,
    pub(super) subsets: BigUint,
    pub(super) runs: BTreeSet<usize>,
    /// The claims that it speaks against.
    pub(super) violates: BTreeSet<usize>,
    pub(super) best: Option<Best>,
    /// Whether all combinations of its units are there.
    is_free: bool,
}

/// What a row shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Found {
    pub(super) tree: ShownTree,
    pub(super) repair: RepairNeeded,
}

/// The rows of a stretch, by what they show.
pub(super) type Rows = BTreeMap<Found, Row>;

/// Two folds at once.
struct Both<'f, A, B>(&'f A, &'f B);

impl<A: Fold, B: Fold> Fold for Both<'_, A, B> {
    type State = (A::State, B::State);
    fn start(&self) -> Self::State {
        (self.0.start(), self.1.start())
    }
    fn see(&self, (one, other): &Self::State, block: BlockNr, at: usize, bytes: &[u8]) -> Self::State {
        (self.0.see(one, block, at, bytes), self.1.see(other, block, at, bytes))
    }
}

impl Row {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.subsets += other.subsets;
        self.runs.extend(other.runs);
        self.violates.extend(other.violates);
        self.is_free |= other.is_free;
        self.best = match (self.best.take(), other.best) {
            (Some(one), Some(other)) => Some(if rank(&other) < rank(&one) { other } else { one }),
            (one, other) => one.or(other),
        };
    }
}

/// One leaf within one stretch.
struct Part<'s, 'a> {
    stage: &'s Stage<'a>,
    leaf: &'s Leaf<Outline>,
    stretch: usize,
    levels: Levels,
    bodies: Vec<Body<'s>>,
    places: BTreeMap<&'s FileShape, usize>,
    /// The bodies that are listed.
    listed: Vec<usize>,
}

/// What a row is made of, before it is shown.
struct Counted {
    images: BigUint,
    levels: Levels,
}

/// Finds the rows of a stretch. `formulas` are those of the leaves, for each claim.
pub(super) fn rows(
    stage: &Stage<'_>,
    stretch: usize,
    claims: &[Claim],
    formulas: &[Vec<Formula>],
    texts: &mut Texts,
) -> Rows {
    let mut rows = Rows::new();
    for (number, leaf) in stage.leaves.iter().enumerate() {
        let levels = leaf.class.levels().and(&stage.stretches[stretch]);
        if levels.is_empty() {
            continue;
        }
        let part = Part::new(stage, leaf, stretch, levels);
        let formulas: Vec<&Formula> = formulas.iter().map(|of_claim| &of_claim[number]).collect();
        for (tree, row) in part.rows(claims, &formulas, texts) {
            let found = Found { tree, repair: leaf.found.repair() };
            match rows.get_mut(&found) {
                Some(known) => known.add(row),
                None => {
                    rows.insert(found, row);
                }
            }
        }
    }
    let said =
        |(Found { tree, repair }, row): (Found, Row)| (Found { tree: said(tree, row.is_free), repair }, row);
    rows.into_iter().map(said).collect()
}

/// With what is known of the combinations of its units.
fn said(tree: ShownTree, is_free: bool) -> ShownTree {
    let one = |shown: Shown| match shown {
        Shown::Units { size_bytes, units, .. } => Shown::Units { size_bytes, units, all: is_free },
        Shown::Text(text) => Shown::Text(text),
    };
    tree.into_iter().map(|(path, shown)| (path, one(shown))).collect()
}

impl<'s, 'a> Part<'s, 'a> {
    fn new(stage: &'s Stage<'a>, leaf: &'s Leaf<Outline>, stretch: usize, levels: Levels) -> Self {
        let mut part = Self {
            stage,
            leaf,
            stretch,
            levels,
            bodies: Vec::new(),
            places: BTreeMap::new(),
            listed: Vec::new(),
        };
        if let Observation::Mounted(mounted) = &leaf.found {
            for entry in mounted.entries.values() {
                if let Entry::File(shape) = entry
                    && !part.places.contains_key(shape)
                {
                    part.places.insert(shape, part.bodies.len());
                    let scene = Scene { images: stage.images, class: &leaf.class, levels: &part.levels };
                    let body = Body::of(scene, shape, stage.unit_bytes);
                    part.bodies.push(body);
                }
            }
        }
        let scene = Scene { images: stage.images, class: &leaf.class, levels: &part.levels };
        part.listed = choose(scene, &part.bodies, stage.unit_bytes).into_iter().collect();
        part
    }

    fn rows(&self, claims: &[Claim], formulas: &[&Formula], texts: &mut Texts) -> Vec<(ShownTree, Row)> {
        // Where there are too many combinations after all, none are listed.
        self.try_rows(&self.listed, claims, formulas, texts)
            .or_else(|TooMany| self.try_rows(&[], claims, formulas, texts))
            .unwrap_or_default()
    }

    fn try_rows(
        &self,
        listed: &[usize],
        claims: &[Claim],
        formulas: &[&Formula],
        texts: &mut Texts,
    ) -> Result<Vec<(ShownTree, Row)>, TooMany> {
        let bodies: Vec<&Body<'s>> = listed.iter().map(|body| &self.bodies[*body]).collect();
        let listing = Listing::of(&bodies);
        let blocks: Vec<BlockNr> = listing.blocks().into_iter().collect();
        let (images, class) = (self.stage.images, &self.leaf.class);
        let mut counted: BTreeMap<Vec<u16>, Counted> = BTreeMap::new();
        for one in images.fold(class, &self.levels, &blocks, &listing)? {
            match counted.get_mut(&one.state) {
                Some(known) => {
                    known.images += one.images;
                    known.levels = known.levels.or(&one.levels);
                }
                None => {
                    counted.insert(one.state, Counted { images: one.images, levels: one.levels });
                }
            }
        }
        let subsets = images.fold_subsets(class, &self.levels, &blocks, &listing)?;
        let violated = self.violated(&listing, claims, formulas);
        let during = self.stage.during(&(self.stretch..=self.stretch));
        let mut rows = Vec::with_capacity(counted.len());
        for (state, Counted { images: count, levels }) in counted {
            let (tree, is_free) = self.tree(listed, &listing.choices(&state), &levels, texts);
            let violates = violated
                .iter()
                .filter(|(_, states)| states.as_ref().is_none_or(|states| states.contains(&state)));
            rows.push((
                tree,
                Row {
                    images: count,
                    subsets: subsets.get(&state).cloned().unwrap_or_default(),
                    runs: self.stage.runs_of(&levels),
                    violates: violates.map(|(claim, _)| *claim).collect(),
                    best: images.best(class, &during, &blocks, &listing, |end| *end == state)?,
                    is_free,
                },
            ));
        }
        Ok(rows)
    }

    /// The claims that something here speaks against, and in which rows; none where in all.
    fn violated(
        &self,
        listing: &Listing<'_, '_>,
        claims: &[Claim],
        formulas: &[&Formula],
    ) -> Vec<(usize, Option<BTreeSet<Vec<u16>>>)> {
        let mut violated = Vec::new();
        for (number, (claim, formula)) in claims.iter().zip(formulas).enumerate() {
            if !claim.is_violated_at(self.stretch) {
                continue;
            }
            match formula.known() {
                Some(holds) if claim.is_decided_by(holds) => violated.push((number, None)),
                Some(_) => {}
                None => {
                    let blocks: BTreeSet<BlockNr> =
                        listing.blocks().into_iter().chain(formula.blocks()).collect();
                    let blocks: Vec<BlockNr> = blocks.into_iter().collect();
                    let both = Both(listing, *formula);
                    let deciding = self.ends(&blocks, &both).into_iter();
                    let deciding = deciding.filter(|(_, end)| claim.is_decided_at(end));
                    let states: BTreeSet<Vec<u16>> = deciding.map(|(state, _)| state).collect();
                    if !states.is_empty() {
                        violated.push((number, Some(states)));
                    }
                }
            }
        }
        violated
    }

    /// The states that a fold ends in; where there are too many, some that were drawn.
    fn ends<F: Fold>(&self, blocks: &[BlockNr], fold: &F) -> Vec<F::State> {
        let (images, class) = (self.stage.images, &self.leaf.class);
        match images.fold(class, &self.levels, blocks, fold) {
            Ok(ends) => ends.into_iter().map(|end| end.state).collect(),
            Err(TooMany) => {
                let drawn = images.draw(class, &self.levels, blocks, fold, &self.stage.bounds);
                drawn.into_iter().map(|one| one.state).collect()
            }
        }
    }

    /// What a row shows, and whether all combinations of its units are there.
    fn tree(
        &self,
        listed: &[usize],
        choices: &[Vec<u16>],
        levels: &Levels,
        texts: &mut Texts,
    ) -> (ShownTree, bool) {
        let scene = Scene { images: self.stage.images, class: &self.leaf.class, levels };
        let here = |body: &Body<'s>| Body::of(scene, body.shape, self.stage.unit_bytes);
        let mut narrowed: BTreeMap<usize, Body<'_>> = BTreeMap::new();
        for (place, body) in self.bodies.iter().enumerate() {
            if !listed.contains(&place) && body.units.iter().any(|unit| unit.any.len() > 1) {
                narrowed.insert(place, here(body));
            }
        }
        let shown = |_: &str, shape: &FileShape| {
            let place = self.places.get(shape).copied().unwrap_or(0);
            match (listed.iter().position(|body| *body == place), narrowed.get(&place)) {
                (Some(at), _) => {
                    let choices = choices.get(at).map_or(&[][..], Vec::as_slice);
                    texts.shown(&self.bodies[place], How::Whole(choices))
                }
                (None, Some(body)) if body.units.iter().any(|unit| unit.any.len() > 1) => {
                    texts.shown(body, How::Units)
                }
                (None, Some(body)) => texts.shown(body, How::Whole(&[])),
                (None, None) => texts.shown(&self.bodies[place], How::Whole(&[])),
            }
        };
        let tree = tree(&self.leaf.found, shown);
        let open: Vec<&Body<'_>> = narrowed.values().collect();
        let is_free = open.is_empty() || are_free(scene, &open, self.stage.unit_bytes);
        (tree, is_free)
    }
}
