//! Spaces that nobody could enumerate, and what is said of them.

use super::*;
use crate::report::Undecided;

const ONE: u32 = 1;

fn content(path: &str, letters: &str) -> Predicate {
    Predicate::Content(path.to_owned(), sectors(letters).into())
}

/// A sector of a file is all this letter.
fn at(file: u32, sector: u32, letter: u8) -> Predicate {
    Predicate::Range {
        path: format!("/f{file}"),
        offset: u64::from(sector) * 512,
        data: [letter; 512].as_slice().into(),
    }
}

/// Files that hold a, of which each sector may have become b.
fn overwritten(files: u32) -> Vec<DistinctRun> {
    let mut toy = Toy::new(AtomicUnit::Sector);
    for block in 1..=files {
        toy.base.write(BlockNr::new(block.into()).first_lba(), &sectors("aaaaaaaa"));
    }
    for block in 1..=files {
        let write = toy.write(block, &sectors("bbbbbbbb"));
        toy.log.complete(write);
    }
    toy.returns();
    distinct(vec![toy.trace(Schedule::Prompt)])
}

#[test]
fn counts_are_exact_where_nobody_can_enumerate() {
    use Quantifier::{Always, Never, Sometimes};
    let names: Vec<String> = (1..=14).map(|file| format!("/f{file}")).collect();
    let all = |letters: &str| Predicate::All(names.iter().map(|name| content(name, letters)).collect());
    let one = Predicate::Range { path: "/f7".to_owned(), offset: 1024, data: [b'b'; 512].as_slice().into() };
    let expect = vec![
        expectation(Always, (None, None), all("aaaaaaaa")),
        expectation(Never, (None, None), all("bbbbbbbb")),
        expectation(Sometimes, (None, None), one),
        expectation(Always, (None, None), Predicate::Any(vec![all("aaaaaaaa"), all("bbbbbbbb")])),
        expectation(Never, (None, None), content("/f1", "cccccccc")),
    ];
    let report = judged(&scenario(1, &[], expect), &overwritten(14), &ALL);
    let space = BigUint::from(ONE) << 112;
    assert_eq!(report.images, space);
    assert_eq!(report.subsets, space, "one write of each unit: each set is an image");
    let decisive: Vec<&BigUint> = report.expectations.iter().map(|judged| &judged.decisive).collect();
    let (some, half) = (&space - ONE, &space >> 1);
    assert_eq!(decisive[..5], [&some, &BigUint::from(ONE), &half, &(&space - 2_u32), &BigUint::ZERO]);
    let lost =
        |at: usize| report.expectations[at].case.as_ref().unwrap().witness.story.clone().unwrap().lost.len();
    assert_eq!((lost(0), lost(1), lost(2)), (0, 0, 0), "the newest contents show it");
    // Early enough, a single unit is free to be lost: the first write alone leaves neither all a nor all b.
    assert_eq!(report.expectations[3].case.as_ref().unwrap().witness.id.to_string(), "prompt@1:all");
    let window = &report.windows[0];
    assert_eq!(window.outcomes.len(), 1);
    assert_eq!(window.outcomes[0].images, space);
    assert_eq!(window.outcomes[0].violates, [0, 1, 3]);
    assert_eq!(window.images, space);
}

#[test]
fn what_is_not_free_is_not_said_to_be() {
    // /f1 is durable before /f2 is written, and both within one step.
    let mut toy = Toy::new(AtomicUnit::Sector);
    for block in 1..=2 {
        toy.base.write(BlockNr::new(block).first_lba(), &sectors("aaaaaaaa"));
    }
    for block in 1..=2 {
        let write = toy.write(block, &sectors("bbbbbbbb"));
        toy.log.complete(write);
        toy.flush();
    }
    toy.returns();
    let both = Predicate::All(vec![
        Predicate::Range { path: "/f1".to_owned(), offset: 0, data: b"a".as_slice().into() },
        Predicate::Range { path: "/f2".to_owned(), offset: 512, data: b"b".as_slice().into() },
    ]);
    let expect = vec![expectation(Quantifier::Never, (None, None), both)];
    let report = judged(&scenario(1, &[], expect), &distinct(vec![toy.trace(Schedule::Prompt)]), &ALL);
    let window = &report.windows[0];
    // 256 of /f1 with the old /f2, 256 of /f2 with the new /f1, and one of them twice.
    assert_eq!(report.images, BigUint::from(511_u32));
    assert_eq!(window.outcomes.len(), 1);
    let free = |shown: &Shown| matches!(shown, Shown::Units { all: true, .. });
    assert!(window.outcomes[0].tree.values().all(|shown| !free(shown)), "no old /f1 goes with a new /f2");
    assert_eq!(report.expectations[0].verdict, Verdict::Holds, "and none is found");
    let alone = judged(&scenario(1, &[], vec![]), &overwritten(2), &ALL);
    assert!(
        alone.windows[0].outcomes[0].tree.values().all(free),
        "without a flush all combinations are there"
    );
}

#[test]
fn small_files_do_not_multiply() {
    let mut toy = Toy::new(AtomicUnit::Sector);
    for (block, letters) in [(1, "bbbbaaaa"), (2, "bbbbaaaa"), (3, "baaaaaaa")] {
        toy.base.write(BlockNr::new(block.into()).first_lba(), &sectors("aaaaaaaa"));
        let write = toy.write(block, &sectors(letters));
        toy.log.complete(write);
    }
    toy.returns();
    let changed = Predicate::Not(Box::new(content("/f1", "aaaaaaaa")));
    let new = content("/f3", "baaaaaaa");
    let expect = vec![
        expectation(Quantifier::Never, (None, None), new),
        expectation(Quantifier::Always, (None, None), changed),
    ];
    let report = judged(&scenario(1, &[], expect), &distinct(vec![toy.trace(Schedule::Prompt)]), &ALL);
    // 16, 16 and 2 contents: the first of the largest is not listed, so that 32 rows remain.
    let outcomes = &report.windows[0].outcomes;
    assert_eq!(outcomes.len(), 32);
    for outcome in outcomes.iter() {
        assert!(matches!(outcome.tree["/f1"], Shown::Units { .. }));
        assert!(matches!(outcome.tree["/f2"], Shown::Text(_)));
        assert_eq!(outcome.images, BigUint::from(16_u32));
        let is_new = outcome.tree["/f3"] == Shown::Text("b*512 a*3584".to_owned());
        let blamed: &[usize] = if is_new { &[0, 1] } else { &[1] };
        assert_eq!(outcome.violates, blamed);
    }
    assert_eq!(report.expectations[1].decisive, BigUint::from(32_u32));
}

#[test]
fn what_cannot_be_decided_exactly_is_said() {
    // About the sectors of the first two files and their partners in the others: each half has to be remembered
    // until its partner is seen. And the last sector is new, so that there is nothing to be found before.
    let both = |pair: u32, letters: (u8, u8)| {
        let (file, sector) = (1 + pair / 8, pair % 8);
        Predicate::All(vec![at(file, sector, letters.0), at(file + 2, sector, letters.1)])
    };
    let some_differ = Predicate::Any((0..16).map(|pair| both(pair, (b'a', b'b'))).collect());
    let equal = |pair: u32| Predicate::Any(vec![both(pair, (b'a', b'a')), both(pair, (b'b', b'b'))]);
    let none_differ = Predicate::All((0..16).map(equal).collect());
    let check = |quantifier, claim: &Predicate, draws: u64, wanted: Verdict| {
        let claim = Predicate::All(vec![claim.clone(), at(4, 7, b'b')]);
        let expect = vec![expectation(quantifier, (None, None), claim)];
        let bounds = Bounds { draws, ..ALL };
        let report = judged(&scenario(1, &[], expect), &overwritten(4), &bounds);
        assert_eq!(report.expectations[0].verdict, wanted);
        assert_eq!(report.expectations[0].undecided, Some(Undecided::TooMany { drawn: draws }));
        report
    };
    // One image in 2^17 is hardly drawn.
    check(Quantifier::Never, &none_differ, 1, Verdict::Inconclusive);
    check(Quantifier::Sometimes, &none_differ, 10, Verdict::Inconclusive);
    check(Quantifier::Sometimes, &some_differ, 10, Verdict::Holds);
    let report = check(Quantifier::Never, &some_differ, 10, Verdict::Violated);
    let case = report.expectations[0].case.as_ref().unwrap();
    assert!(!case.tree.is_empty(), "what was drawn is shown");
}

#[test]
fn an_early_counterexample_is_found_though_the_whole_is_too_large() {
    let pairs = (0..16_u32).map(|pair| {
        let (file, sector) = (1 + pair / 8, pair % 8);
        Predicate::All(vec![at(file, sector, b'b'), at(file + 2, sector, b'b')])
    });
    let expect = vec![expectation(Quantifier::Always, (None, None), Predicate::Any(pairs.collect()))];
    let report = judged(&scenario(1, &[], expect), &overwritten(4), &Bounds { draws: 1, ..ALL });
    let judged = &report.expectations[0];
    assert_eq!(
        (judged.verdict, judged.undecided),
        (Verdict::Violated, Some(Undecided::TooMany { drawn: 0 }))
    );
    assert_eq!(judged.case.as_ref().unwrap().witness.id.to_string(), "prompt@0:none");
}

/// Whether an odd number of sectors is new, as a formula that doubles with each of them.
fn odd(new: &[Predicate]) -> Predicate {
    let Some((first, rest)) = new.split_first() else { return Predicate::Any(Vec::new()) };
    let not = |predicate: Predicate| Predicate::Not(Box::new(predicate));
    Predicate::Any(vec![
        Predicate::All(vec![first.clone(), not(odd(rest))]),
        Predicate::All(vec![not(first.clone()), odd(rest)]),
    ])
}

#[test]
fn the_parity_of_many_sectors_has_two_states_and_is_exact() {
    let sectors = (0..12).map(|sector| at(1 + sector / 8, sector % 8, b'b'));
    let claim = odd(&sectors.collect::<Vec<_>>());
    let expect = vec![expectation(Quantifier::Never, (None, None), claim)];
    let report = judged(&scenario(1, &[], expect), &overwritten(2), &ALL);
    let judged = &report.expectations[0];
    assert_eq!((judged.verdict, judged.undecided), (Verdict::Violated, None));
    assert_eq!(judged.images, BigUint::from(1_u32 << 16));
    assert_eq!(judged.decisive, BigUint::from(1_u32 << 15));
}
