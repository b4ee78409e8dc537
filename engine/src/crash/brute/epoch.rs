//! One epoch as a box: the units that are free in it, what each may hold, and which other epochs share images.
//!
//! ```text
//!   epoch 0   unit a ∈ {old, new}   unit b ∈ {old, new}     4 images
//!   epoch 1   unit a = new          unit b = new, c free    shares one image with epoch 0
//!   link 0→1  a must be new, b must be new
//! ```

use crate::crash::space::{Alternative, Moments, Space};
use crate::units::{Moment, len_u32};
use num_bigint::BigUint;

/// A unit with more than one content to choose from.
#[derive(Debug)]
pub(super) struct Free {
    /// Which unit of the space.
    pub(super) unit: usize,
    /// At least two, oldest first.
    pub(super) alternatives: Vec<Alternative>,
}

/// What another epoch demands of an image of this one.
#[derive(Debug)]
pub(super) struct Link {
    /// The other epoch.
    pub(super) epoch: usize,
    moments: Moments,
    /// The first moment of the other epoch at which what is fixed here is legal.
    first: Moment,
    /// For some of the free units, for each alternative, since when the other epoch allows it.
    pub(super) demands: Vec<(usize, Vec<Option<Moment>>)>,
}

impl Link {
    /// The moments of the other epoch at which an image of this one is legal.
    fn legal(&self, choices: &[usize]) -> Option<Moments> {
        let mut first = self.first;
        for (free, since) in &self.demands {
            first = first.max(since[choices[*free]]?);
        }
        Some(first..=*self.moments.end())
    }

    /// Whether the image lies in the other epoch's box.
    pub(super) fn contains(&self, choices: &[usize]) -> bool {
        self.demands.iter().all(|(free, since)| since[choices[*free]].is_some())
    }
}

/// One epoch of a space.
#[derive(Debug)]
pub(super) struct Epoch<'s> {
    pub(super) space: &'s Space,
    pub(super) number: usize,
    moments: Moments,
    pub(super) free: Vec<Free>,
    /// The other epochs that have an image in common with this one, in order.
    pub(super) links: Vec<Link>,
}

impl<'s> Epoch<'s> {
    pub(super) fn new(space: &'s Space, number: usize) -> Self {
        let moments = space.epochs[number].clone();
        let mut free = Vec::new();
        for (unit, versions) in space.units.iter().enumerate() {
            if versions.oldest(*moments.end()) < versions.newest(*moments.end()) {
                let alternatives = versions.alternatives(*moments.end());
                if alternatives.len() > 1 {
                    free.push(Free { unit, alternatives });
                }
            }
        }
        let mut epoch = Self { space, number, moments, free, links: Vec::new() };
        epoch.links = epoch.link();
        epoch
    }

    /// How many images it has.
    pub(super) fn size(&self) -> BigUint {
        self.free.iter().map(|free| free.alternatives.len()).product()
    }

    /// When an image of this epoch is legal, here and elsewhere; neighbouring ranges are joined.
    pub(super) fn legal(&self, choices: &[usize]) -> Vec<Moments> {
        let since = self.free.iter().zip(choices).map(|(free, choice)| free.alternatives[*choice].since);
        let first = since.fold(*self.moments.start(), Moment::max);
        let mut own = Some(first..=*self.moments.end());
        let mut ranges: Vec<Moments> = Vec::with_capacity(2);
        let mut push = |range: Moments| match ranges.last_mut() {
            Some(last) if last.end().get() + 1 == range.start().get() => *last = *last.start()..=*range.end(),
            Some(_) | None => ranges.push(range),
        };
        for link in &self.links {
            if link.epoch > self.number {
                own.take().map(&mut push);
            }
            link.legal(choices).map(&mut push);
        }
        own.take().map(&mut push);
        ranges
    }

    /// What each unit holds that is free here.
    pub(super) fn contents<'c>(&'c self, choices: &'c [usize]) -> impl Iterator<Item = (usize, usize)> + 'c {
        self.free.iter().zip(choices).map(|(free, choice)| (free.unit, free.alternatives[*choice].content))
    }

    /// What every unit holds.
    pub(super) fn all_contents<'c>(
        &'c self,
        choices: &'c [usize],
    ) -> impl Iterator<Item = (usize, usize)> + 'c {
        let mut free = self.contents(choices).peekable();
        let end = *self.moments.end();
        self.space.units.iter().enumerate().map(move |(at, unit)| {
            free.next_if(|(free, _)| *free == at)
                .unwrap_or_else(|| (at, unit.versions[unit.oldest(end)].content))
        })
    }

    /// How many units do not hold the newest content that was submitted before a moment.
    pub(super) fn lost(&self, moment: Moment, choices: &[usize]) -> u32 {
        let newest = |unit: usize| {
            let unit = &self.space.units[unit];
            unit.versions[unit.newest(moment)].content
        };
        let lost = |(unit, content): &(usize, usize)| newest(*unit) != *content;
        if moment < *self.moments.start() {
            return len_u32(self.all_contents(choices).filter(lost).count());
        }
        len_u32(self.contents(choices).filter(lost).count())
    }

    fn link(&self) -> Vec<Link> {
        let mut links = Vec::new();
        // The unit that told the last two epochs apart tells most of the others apart too.
        let mut distinct = 0;
        for other in 0..self.space.epochs.len() {
            if other == self.number || self.apart(distinct, other) {
                continue;
            }
            match (0..self.space.units.len()).find(|unit| self.apart(*unit, other)) {
                Some(unit) => distinct = unit,
                None => links.push(self.link_to(other)),
            }
        }
        links
    }

    /// Whether a unit can hold nothing that both epochs allow.
    fn apart(&self, unit: usize, other: usize) -> bool {
        let Some(unit) = self.space.units.get(unit) else { return false };
        let contents = |moment: Moment| {
            unit.versions[unit.oldest(moment)..=unit.newest(moment)].iter().map(|version| version.content)
        };
        let theirs = *self.space.epochs[other].end();
        !contents(*self.moments.end()).any(|ours| contents(theirs).any(|content| content == ours))
    }

    /// The link to an epoch that allows something for each unit.
    fn link_to(&self, epoch: usize) -> Link {
        let moments = self.space.epochs[epoch].clone();
        let (start, end) = (*moments.start(), *moments.end());
        let mut link = Link { epoch, moments, first: start, demands: Vec::new() };
        let mut free = self.free.iter().enumerate().peekable();
        for (unit, versions) in self.space.units.iter().enumerate() {
            let theirs = versions.alternatives(end);
            let since =
                |content: usize| theirs.iter().find(|other| other.content == content).map(|it| it.since);
            match free.next_if(|(_, free)| free.unit == unit) {
                Some((at, free)) => {
                    let demand: Vec<_> = free.alternatives.iter().map(|ours| since(ours.content)).collect();
                    if demand.iter().any(|since| since.is_none_or(|since| since > start)) {
                        link.demands.push((at, demand));
                    }
                }
                None => {
                    let ours = versions.versions[versions.oldest(*self.moments.end())].content;
                    link.first = since(ours).map_or(link.first, |since| link.first.max(since));
                }
            }
        }
        link
    }
}
