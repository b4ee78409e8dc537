//! What files may hold within a stretch: one text, a few contents, or choices for each of their units.
//!
//! ```text
//!   leaf, stretch ──▶ /a   one content                       text
//!                     /b   "old" or "new"                    listed: a row for each content that some image has
//!                     /c   8 units, 2 contents each          units: their choices, not multiplied
//! ```
//! Names of the same inode, and files whose contents stand in the same places, are one *body*.

use crate::crash::{Class, Fold, Images, Levels};
use crate::format::journal::MAGIC;
use crate::oracle::FileShape;
use crate::recovery::Source;
use crate::units::{BLOCK_BYTES, Block, BlockNr, FileBlock, Widen, block_bytes, len_u64};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Up to so many contents of a file are listed one by one.
const LISTED: usize = 16;
/// So many rows of one leaf and stretch, at most.
const ROWS: usize = 64;

/// A part of a file and what it may hold. Bytes behind the end of the file are not part of it.
#[derive(Clone, Debug)]
pub(super) struct Unit<'a> {
    /// Its offset in the file.
    pub(super) at: u64,
    /// Where it stands; none where it is known whatever a disk holds.
    pub(super) place: Option<Place>,
    /// The distinct contents, in the order of their age.
    pub(super) any: Vec<Cow<'a, [u8]>>,
}

/// Where a unit stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    block: BlockNr,
    at: usize,
    is_escaped: bool,
}

/// What one file may hold.
#[derive(Clone, Debug)]
pub(super) struct Body<'a> {
    pub(super) shape: &'a FileShape,
    /// In order, without holes.
    pub(super) units: Vec<Unit<'a>>,
    /// Whether, at each level, its units are free of one another.
    pub(super) is_free: bool,
}

/// The images of a leaf within some levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a, 'l> {
    pub(super) images: &'a Images<'a>,
    pub(super) class: &'a Class,
    pub(super) levels: &'l Levels,
}

impl<'a> Unit<'a> {
    /// What the bytes of its place say.
    fn seen(&self, bytes: &[u8]) -> Cow<'static, [u8]> {
        let len = self.any.first().map_or(0, |bytes| bytes.len());
        Cow::Owned(
            visible(bytes, self.place.is_some_and(|place| place.is_escaped && place.at == 0), len)
                .into_owned(),
        )
    }
}

/// The first bytes, with the magic put back where the copy was escaped.
fn visible(bytes: &[u8], is_escaped: bool, len: usize) -> Cow<'_, [u8]> {
    let cut = &bytes[..len.min(bytes.len())];
    if !is_escaped {
        return Cow::Borrowed(cut);
    }
    let mut cut = cut.to_vec();
    for (to, from) in cut.iter_mut().zip(MAGIC.to_be_bytes()) {
        *to = from;
    }
    Cow::Owned(cut)
}

impl<'a> Body<'a> {
    /// What a file may hold in a scene. `unit_bytes` are written as one piece.
    pub(super) fn of(scene: Scene<'a, '_>, shape: &'a FileShape, unit_bytes: usize) -> Self {
        let mut body = Self { shape, units: Vec::new(), is_free: true };
        for (at, source) in &shape.blocks {
            let len = shape.visible(*at);
            match source {
                Source::Kept(block) => body.known(*at, &block.bytes()[..len], unit_bytes),
                Source::Disk(block) => body.add(scene, (*at, len), (*block, false), unit_bytes),
                Source::Copy { at: block, escaped } => {
                    body.add(scene, (*at, len), (*block, *escaped), unit_bytes);
                }
            }
        }
        body
    }

    fn known(&mut self, at: FileBlock, bytes: &'a [u8], unit_bytes: usize) {
        for (number, bytes) in (0_u64..).zip(bytes.chunks(unit_bytes)) {
            let at = at.first_byte() + number * len_u64(unit_bytes);
            self.units.push(Unit { at, place: None, any: vec![Cow::Borrowed(bytes)] });
        }
    }

    fn add(
        &mut self,
        scene: Scene<'a, '_>,
        (at, len): (FileBlock, usize),
        (block, is_escaped): (BlockNr, bool),
        unit_bytes: usize,
    ) {
        let found = scene.images.pieces(scene.class, scene.levels, block);
        self.is_free &= found.is_free;
        for piece in found.pieces {
            let bytes = piece.any.first().map_or(0, |bytes| bytes.len());
            // What is written as one piece stays one; what is the same everywhere is cut so that neighbours compare.
            let unit_bytes = if piece.any.len() > 1 { bytes } else { unit_bytes };
            for from in (piece.at..(piece.at + bytes).min(len)).step_by(unit_bytes.max(1)) {
                let visible_len = unit_bytes.min(piece.at + bytes - from).min(len - from);
                let mut any: Vec<Cow<'a, [u8]>> = Vec::with_capacity(piece.any.len());
                for bytes in &piece.any {
                    let seen = visible(&bytes[from - piece.at..], is_escaped && from == 0, visible_len);
                    if !any.contains(&seen) {
                        any.push(seen);
                    }
                }
                let place = Some(Place { block, at: from, is_escaped });
                self.units.push(Unit { at: at.first_byte() + len_u64(from), place, any });
            }
        }
    }

    /// The units that can hold several contents.
    fn varying(&self) -> impl Iterator<Item = (usize, &Unit<'a>)> {
        self.units.iter().enumerate().filter(|(_, unit)| unit.any.len() > 1)
    }

    /// The product of its choices, up to a bound.
    fn combinations(&self) -> usize {
        self.varying().fold(1, |product, (_, unit)| (product * unit.any.len()).min(1 << 20))
    }

    /// The blocks of the file with these contents of its varying units.
    pub(super) fn filled(&self, choices: &[u16]) -> Vec<(FileBlock, Block)> {
        let mut blocks: Vec<(FileBlock, Block)> = Vec::with_capacity(self.shape.blocks.len());
        let mut choices = choices.iter();
        for unit in &self.units {
            let Some(at) = FileBlock::of_byte(unit.at) else { continue };
            if blocks.last().is_none_or(|(last, _)| *last != at) {
                blocks.push((at, Block::zeroed()));
            }
            let choice = if unit.any.len() > 1 { choices.next().copied().unwrap_or(0) } else { 0 };
            let from = (unit.at % block_bytes()).index();
            if let (Some((_, block)), Some(bytes)) = (blocks.last_mut(), unit.any.get(usize::from(choice))) {
                let to = (from + bytes.len()).min(BLOCK_BYTES);
                block.bytes_mut()[from..to].copy_from_slice(&bytes[..to - from]);
            }
        }
        blocks
    }
}

/// Which contents some bodies hold: for each varying unit in the order of the disk, the number of its content.
#[derive(Debug)]
pub(super) struct Listing<'a, 'b> {
    /// In the order in which they are seen.
    order: Vec<(Place, usize, &'b Unit<'a>)>,
    bodies: usize,
}

impl<'a, 'b> Listing<'a, 'b> {
    pub(super) fn of(bodies: &[&'b Body<'a>]) -> Self {
        let mut order: Vec<(Place, usize, &'b Unit<'a>)> = Vec::new();
        for (body, units) in bodies.iter().enumerate() {
            let varying = units.varying();
            order.extend(varying.filter_map(|(_, unit)| unit.place.map(|place| (place, body, unit))));
        }
        order.sort_by_key(|(place, body, unit)| (place.block, place.at, *body, unit.at));
        Self { order, bodies: bodies.len() }
    }

    /// The blocks to fold over.
    pub(super) fn blocks(&self) -> BTreeSet<BlockNr> {
        self.order.iter().map(|(place, ..)| place.block).collect()
    }

    /// For each body, the choices of its varying units in the order of the file.
    pub(super) fn choices(&self, state: &[u16]) -> Vec<Vec<u16>> {
        let mut placed: Vec<Vec<(u64, u16)>> = vec![Vec::new(); self.bodies];
        for ((_, body, unit), choice) in self.order.iter().zip(state) {
            placed[*body].push((unit.at, *choice));
        }
        for choices in &mut placed {
            choices.sort_unstable();
        }
        placed.into_iter().map(|choices| choices.into_iter().map(|(_, choice)| choice).collect()).collect()
    }
}

impl Fold for Listing<'_, '_> {
    type State = Vec<u16>;

    fn start(&self) -> Vec<u16> {
        Vec::new()
    }

    fn see(&self, state: &Vec<u16>, block: BlockNr, at: usize, bytes: &[u8]) -> Vec<u16> {
        let mut next = state.clone();
        let end = at + bytes.len();
        let rest = self.order.get(state.len()..).unwrap_or_default();
        for (place, _, unit) in rest.iter().take_while(|(place, ..)| place.block == block && place.at < end) {
            let seen = unit.seen(&bytes[place.at - at..]);
            let choice = unit.any.iter().position(|known| *known == seen).unwrap_or(0);
            next.push(u16::try_from(choice).unwrap_or(u16::MAX));
        }
        next
    }
}

/// How many contents each of some bodies has within a scene, where they are few enough to be listed.
fn listed(scene: Scene<'_, '_>, body: &Body<'_>, unit_bytes: usize) -> Option<usize> {
    let combinations = body.combinations();
    if combinations == 1 {
        return None;
    }
    let several = scene.levels.iter().nth(1).is_some();
    if combinations > LISTED {
        // At one level units are free of one another, unless the reader told some apart.
        if !several && body.is_free {
            return None;
        }
        for level in scene.images.levels().iter().enumerate().rev() {
            let (number, level) = level;
            if scene.levels.contains(number) {
                let levels = scene.images.during(level.run, level.moment, level.moment);
                let there = Body::of(Scene { levels: &levels, ..scene }, body.shape, unit_bytes);
                if there.is_free && there.combinations() > LISTED {
                    return None;
                }
            }
        }
    }
    let listing = Listing::of(&[body]);
    let blocks: Vec<BlockNr> = listing.blocks().into_iter().collect();
    let weighed = scene.images.fold(scene.class, scene.levels, &blocks, &listing).ok()?;
    let contents: BTreeSet<&Vec<u16>> = weighed.iter().map(|one| &one.state).collect();
    (contents.len() <= LISTED).then_some(contents.len())
}

/// Which of some bodies are listed, by their places. Where there would be too many rows, the one with the most
/// contents is not, and of several the first.
pub(super) fn choose(scene: Scene<'_, '_>, bodies: &[Body<'_>], unit_bytes: usize) -> BTreeSet<usize> {
    let contents = bodies.iter().enumerate();
    let mut chosen: Vec<(usize, usize)> = contents
        .filter_map(|(place, body)| listed(scene, body, unit_bytes).map(|contents| (place, contents)))
        .collect();
    let rows = |chosen: &[(usize, usize)]| {
        chosen.iter().fold(1_usize, |product, (_, contents)| product.saturating_mul(*contents))
    };
    while rows(&chosen) > ROWS {
        let most = chosen.iter().map(|(_, contents)| *contents).max();
        let Some(at) = chosen.iter().position(|(_, contents)| Some(*contents) == most) else { break };
        chosen.remove(at);
    }
    chosen.into_iter().map(|(place, _)| place).collect()
}

/// Whether every choice of every unit of some bodies goes with all those of the others: some single level has them
/// all, and there they are free.
pub(super) fn are_free(scene: Scene<'_, '_>, bodies: &[&Body<'_>], unit_bytes: usize) -> bool {
    let mut met = BTreeSet::new();
    let apart = bodies.iter().all(|body| {
        let blocks: Vec<Place> = body.varying().filter_map(|(_, unit)| unit.place).collect();
        blocks.iter().all(|place| met.insert((place.block, place.at)))
    });
    if !apart || bodies.iter().any(|body| !body.is_free) {
        return false;
    }
    let all = scene.images.levels().iter().enumerate().rev();
    let mut all = all.filter(|(number, _)| scene.levels.contains(*number));
    all.any(|(_, level)| {
        let levels = scene.images.during(level.run, level.moment, level.moment);
        bodies.iter().all(|body| {
            let there = Body::of(Scene { levels: &levels, ..scene }, body.shape, unit_bytes);
            there.is_free
                && there.units.iter().zip(&body.units).all(|(one, all)| one.any.len() == all.any.len())
        })
    })
}
