//! Claims decided piece by piece, compared with claims decided on whole contents.

use super::*;
use crate::crash::Fold;
use crate::device::{DiskImage, Media};
use crate::format::journal::MAGIC;
use crate::recovery::Source;
use proptest::prelude::*;
use std::collections::BTreeSet;

const F: u32 = 12;
const G: u32 = 13;

fn shape(ino: u32, size_bytes: u64, blocks: Vec<(u32, Source)>) -> Entry<FileShape> {
    let blocks = blocks.into_iter().map(|(at, source)| (FileBlock::new(at), source)).collect();
    Entry::File(FileShape { ino: Ino::new(ino), size_bytes, blocks })
}

fn disk(nr: u64) -> Source {
    Source::Disk(BlockNr::new(nr))
}

fn outline(entries: Vec<(&str, Entry<FileShape>)>) -> Outline {
    let entries = entries.into_iter().map(|(path, entry)| (path.to_owned(), entry)).collect();
    Observation::Mounted(Mounted {
        entries,
        repairs: Vec::new(),
        repair: RepairNeeded::None,
        attributes: BTreeMap::new(),
    })
}

/// /f: block 3, a hole, blocks 1 and 2, of the last one only 100 bytes. /g: an escaped copy at 4, then block 1 too.
/// /h: another name of /f.
fn shared() -> Outline {
    let f = || {
        let blocks = vec![(0, disk(3)), (2, disk(1)), (3, disk(2))];
        shape(F, 3 * 4096 + 100, blocks)
    };
    let copy = Source::Copy { at: BlockNr::new(4), escaped: true };
    let g = shape(G, 8192, vec![(0, copy), (1, disk(1))]);
    outline(vec![("/f", f()), ("/g", g), ("/h", f())])
}

/// The disk whose sectors hold one letter each, as `letters` says, sector after sector from block 1 on.
fn image(letters: &[u8]) -> DiskImage {
    let mut image = DiskImage::new(8);
    for (sector, letter) in (8..).zip(letters) {
        image.write(crate::units::Lba::new(sector), &[*letter; 512]);
    }
    image
}

/// The residuals on the way, in pieces of so many bytes.
fn path(formula: &Formula, disk: &mut DiskImage, piece: usize) -> Vec<Residual> {
    let mut states = vec![formula.start()];
    for nr in (1..=4).map(BlockNr::new) {
        let block = disk.read(nr);
        for (at, bytes) in (0..).step_by(piece).zip(block.bytes().chunks(piece)) {
            let next = formula.see(states.last().unwrap(), nr, at, bytes);
            states.push(next);
        }
    }
    states
}

/// The bytes of a file of the disk with these letters, damaged or not.
fn wanted() -> impl Strategy<Value = (Vec<u8>, Option<prop::sample::Index>)> {
    (letters(), prop::option::weighted(0.3, any::<prop::sample::Index>()))
}

/// Sectors of four blocks; mostly alike, so that texts agree often.
fn letters() -> impl Strategy<Value = Vec<u8>> {
    let sector = prop::sample::select(vec![b'a', b'a', b'a', b'a', b'a', b'a', b'b', 0]);
    prop_oneof![
        prop::collection::vec(sector, 32),
        Just(vec![b'a'; 32]),
        (0..32_usize).prop_map(|odd| {
            let mut letters = vec![b'a'; 32];
            letters[odd] = b'b';
            letters
        }),
    ]
}

fn content(
    outline: &Outline,
    name: &str,
    (letters, damage): (Vec<u8>, Option<prop::sample::Index>),
) -> Vec<u8> {
    let Observation::Mounted(mounted) = outline.fill(&mut image(&letters)) else { panic!("it mounts") };
    let Entry::File(content) = &mounted.entries[name] else { panic!("it is a file") };
    let mut bytes = content.bytes(0, 1 << 20);
    if let Some(damage) = damage {
        *damage.get_mut(&mut bytes) ^= 1;
    }
    bytes
}

fn claim() -> impl Strategy<Value = Predicate> {
    let name = prop::sample::select(vec!["/f", "/g", "/h"]);
    let leaf = (name, wanted(), 0..5_u32, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let leaf = leaf.prop_map(|(name, wanted, kind, from, to)| {
        let bytes = content(&shared(), name, wanted);
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len() + 1));
        match kind {
            0 => Predicate::Content(path_of(name), data(&bytes)),
            1 => Predicate::PrefixOf(path_of(name), data(&[bytes, b"more".to_vec()].concat())),
            2 => Predicate::StartsWith(path_of(name), data(&bytes[..to])),
            3 => Predicate::Range {
                path: path_of(name),
                offset: from.try_into().unwrap(),
                data: data(&bytes[from..to.max(from)]),
            },
            _ => Predicate::Exists(path_of(if from % 2 == 0 { name } else { "/no" })),
        }
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Predicate::All),
            several().prop_map(Predicate::Any),
            inner.clone().prop_map(|part| Predicate::Not(Box::new(part))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Predicate::Implies(Box::new(a), Box::new(b))),
        ]
    })
}

fn path_of(name: &str) -> String {
    name.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn pieces_decide_what_the_whole_decides(claim in claim(), letters in letters(), other in letters()) {
        let outline = shared();
        let formula = compile(&claim, &outline);
        let mut ends = BTreeSet::new();
        for letters in [&letters, &other] {
            let mut disk = image(letters);
            let expected = holds(&claim, &outline.fill(&mut disk));
            for piece in [512, 4096] {
                let states = path(&formula, &mut disk, piece);
                prop_assert_eq!(states.last(), Some(&Residual::Known(expected)), "{} byte pieces", piece);
                // What is known once stays known.
                let known = states.iter().skip_while(|state| matches!(state, Residual::Open(_)));
                prop_assert!(known.clone().all(|state| *state == Residual::Known(expected)));
            }
            ends.insert(expected);
        }
        prop_assert!(formula.known().is_none() || ends.len() == 1);
    }
}

/// All residuals that can be met after each piece, where each sector of blocks 1 to 4 is a or b.
fn widths(formula: &Formula) -> Vec<usize> {
    let mut states = BTreeSet::from([formula.start()]);
    let mut widths = Vec::new();
    for (nr, at) in (1..=4).flat_map(|nr| (0..8).map(move |sector| (BlockNr::new(nr), sector * 512))) {
        let see = |state: &Residual| [b'a', b'b'].map(|letter| formula.see(state, nr, at, &[letter; 512]));
        states = states.iter().flat_map(see).collect();
        widths.push(states.len());
    }
    widths
}

#[test]
fn residuals_stay_few() {
    let files = outline(
        (1..=4_u32)
            .map(|nr| (["/1", "/2", "/3", "/4"][usize::try_from(nr).unwrap() - 1], nr))
            .map(|(name, nr)| (name, shape(10 + nr, 4096, vec![(0, disk(nr.into()))])))
            .collect(),
    );
    let is = |name: &str, letter: u8| Predicate::Content(path_of(name), data(&[letter; 4096]));
    let names = ["/1", "/2", "/3", "/4"];
    let most = |claim: Predicate| widths(&compile(&claim, &files)).into_iter().max().unwrap();
    let all = || names.map(|name| is(name, b'a')).to_vec();
    assert_eq!(most(Predicate::All(all())), 2, "a conjunction is open or wrong");
    assert_eq!(most(Predicate::Not(Box::new(Predicate::All(all())))), 2);
    assert_eq!(most(Predicate::Any(all().into_iter().map(|one| Predicate::Not(Box::new(one))).collect())), 2);
    // Each file is a or b: which one is open within a file only. Between files nothing is remembered.
    let each = names.map(|name| Predicate::Any(vec![is(name, b'a'), is(name, b'b')]));
    let found = widths(&compile(&Predicate::All(each.to_vec()), &files));
    assert_eq!(
        found[..8],
        [2, 3, 3, 3, 3, 3, 3, 2],
        "open both ways at most, a, b or wrong; then fine or wrong"
    );
    assert!(found.iter().all(|width| *width <= 3), "{found:?}");
    // All a or all b: which of both is remembered throughout.
    let both = [b'a', b'b'].map(|letter| Predicate::All(names.map(|name| is(name, letter)).to_vec()));
    assert_eq!(most(Predicate::Any(both.to_vec())), 3);
    // The first file says which of the others matters; of the other nothing is remembered.
    let chosen = Predicate::All(vec![
        Predicate::Implies(Box::new(is("/1", b'a')), Box::new(is("/2", b'a'))),
        Predicate::Implies(Box::new(Predicate::Not(Box::new(is("/1", b'a')))), Box::new(is("/3", b'a'))),
    ]);
    assert!(most(chosen) <= 3);
}

#[test]
fn what_does_not_matter_is_not_asked() {
    let outline = shared();
    let blocks =
        |claim: Predicate| -> Vec<u64> { compile(&claim, &outline).blocks().map(BlockNr::get).collect() };
    let start = |bytes: &[u8]| Predicate::StartsWith(path_of("/f"), data(bytes));
    assert_eq!(blocks(start(&[b'a'; 4096])), [3]);
    assert_eq!(blocks(start(&[[b'a'; 4096], [0; 4096]].concat())), [3], "a hole is known");
    assert!(blocks(start(&[b'a'; 8192])).is_empty(), "and is no a");
    assert!(blocks(Predicate::Content(path_of("/f"), data(b"a"))).is_empty(), "the size decides");
    let any = Predicate::Any(vec![start(b"a"), Predicate::Exists(path_of("/g"))]);
    assert!(blocks(any).is_empty(), "there is a /g");
    let magic = |bytes: &[u8]| Predicate::StartsWith(path_of("/g"), data(bytes));
    assert!(blocks(magic(&MAGIC.to_be_bytes())).is_empty(), "the magic of an escaped copy is known");
    assert!(blocks(magic(b"a")).is_empty());
    let more = [MAGIC.to_be_bytes().as_slice(), b"a"].concat();
    assert_eq!(blocks(magic(&more)), [4]);
    // Of the last block of /f only 100 bytes count.
    let whole = content(&outline, "/f", (vec![b'a'; 32], None));
    let formula = compile(&Predicate::Content(path_of("/f"), data(&whole)), &outline);
    let mut letters = [b'a'; 32];
    letters[9] = b'b';
    let states = path(&formula, &mut image(&letters), 512);
    assert_eq!(states.last(), Some(&Residual::Known(true)), "byte 512 of block 2 is behind the end");
}
