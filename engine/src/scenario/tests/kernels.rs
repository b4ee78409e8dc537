//! Which kernels a scenario is checked under, and what it says of some of them only.

use super::super::{Call, Kernel, Mount, Name, Wanted, parse_all, parse_for};
use super::refused::{STACK, WHOLE, table};
use crate::history::Errno;

/// A scenario of three kernels.
fn of_three(steps: &str, expect: &str) -> String {
    format!(
        "(title: \"t\", stack: (kernel: [\"2.6.16\", \"2.6.18\", \"6.6\"]), steps: [\n{steps}\n], expect: \
         [\n{expect}\n])"
    )
}

#[test]
fn a_scenario_is_read_under_each_kernel_that_it_names() {
    fn check(what: &str, kernel: &str, wanted: &[Kernel]) {
        let text = format!("(title: \"t\", stack: ({kernel}), steps: [sync])");
        let got: Vec<Kernel> = parse_all(&text)
            .unwrap_or_else(|errors| panic!("{what}: {errors:?}"))
            .iter()
            .map(|scenario| scenario.stack.kernel)
            .collect();
        assert_eq!(got, wanted, "{what}");
        let first = super::right(what, &text).stack.kernel;
        assert_eq!(first, wanted[0], "{what}: the first");
    }
    check("none", "", &[Kernel::V6_6]);
    check("one", r#"kernel: "2.6.18""#, &[Kernel::V2_6_18]);
    for kernel in Kernel::ALL {
        check("each", &format!("kernel: \"{kernel}\""), &[*kernel]);
    }
    check("a list of one", r#"kernel: ["6.12"]"#, &[Kernel::V6_12]);
    check("a list, in its order", r#"kernel: ["6.6", "2.6.17"]"#, &[Kernel::V6_6, Kernel::V2_6_17]);
    check("a range", r#"kernel: "2.6.16..2.6.18""#, &[Kernel::V2_6_16, Kernel::V2_6_17, Kernel::V2_6_18]);
    check("a range without a beginning", r#"kernel: "..2.6.11""#, &[Kernel::V2_5_67, Kernel::V2_6_11]);
    check("all", r#"kernel: "..""#, Kernel::ALL);
    check(
        "a range in a list",
        r#"kernel: ["6.6", "..2.6.11", "6.6.51.."]"#,
        &[Kernel::V6_6, Kernel::V2_5_67, Kernel::V2_6_11, Kernel::V6_6_51, Kernel::V6_12],
    );
}

#[test]
fn mount_options_are_those_of_the_kernel_unless_they_are_given() {
    let mounts = |stack: &str| -> Vec<Mount> {
        let text = format!("(title: \"t\", stack: (kernel: [\"2.6.18\", \"6.6\"]{stack}), steps: [])");
        parse_all(&text).unwrap().into_iter().map(|scenario| scenario.stack.mount).collect()
    };
    let (old, new) = (Mount::of(Kernel::V2_6_18), Mount::of(Kernel::V6_6));
    assert!(!old.barrier && !old.delalloc && !old.auto_da_alloc && new.barrier, "they differ");
    assert_eq!(mounts(""), [old.clone(), new.clone()]);
    assert_eq!(
        mounts(", mount: (commit: 30)"),
        [Mount { commit_secs: 30, ..old.clone() }, Mount { commit_secs: 30, ..new.clone() }]
    );
    assert_eq!(mounts(", mount: (barrier: true)"), [Mount { barrier: true, ..old }, new]);
}

#[test]
fn other_kernels_may_be_asked_for() {
    let text =
        of_three("only(on: \"6.6\", step: sync), mark(\"m\")", "always(on: \"2.6.18\", holds: mounts)");
    let scenarios = parse_for(&text, &[Kernel::V6_12, Kernel::V2_6_18]).unwrap();
    let got: Vec<(Kernel, usize, usize)> =
        scenarios.iter().map(|one| (one.stack.kernel, one.steps.len(), one.expect.len())).collect();
    assert_eq!(got, [(Kernel::V6_12, 1, 0), (Kernel::V2_6_18, 1, 1)], "what meets none is no error");
    let same = parse_for(&text, &[]).unwrap();
    assert_eq!(same, parse_all(&text).unwrap(), "without any, those of the file");
    assert_eq!(same.len(), 3);
    let wrong = text.replace("2.6.16", "2.6.15");
    let errors = parse_for(&wrong, &[Kernel::V6_6]).unwrap_err();
    assert_eq!(errors.iter().map(|one| one.code).collect::<Vec<_>>(), ["bad-kernel"], "still a mistake");
}

#[test]
fn a_step_may_fail_under_some_kernels() {
    let wanted = |step: &str| -> Vec<Wanted> {
        let scenarios = parse_all(&of_three(step, "")).unwrap_or_else(|errors| panic!("{step}: {errors:?}"));
        assert!(scenarios.iter().all(|one| one.steps[0].text == step), "the text stays: {step}");
        scenarios.iter().map(|one| one.steps[0].wanted).collect()
    };
    let (fails, done) = (Wanted::Error(Errno::ENOENT), Wanted::Success);
    assert_eq!(wanted(r#"fails(errno: ENOENT, step: unlink("/x"))"#), [fails, fails, fails]);
    assert_eq!(wanted(r#"fails(errno: ENOENT, step: unlink("/x"), on: "..2.6.17")"#), [fails, done, done]);
    assert_eq!(
        wanted(r#"fails(errno: ENOENT, step: unlink("/x"), on: ["6.6", "2.6.16"])"#),
        [fails, done, fails]
    );
    // Where it fails, it opens nothing: then the name is free.
    let open = |fd: &str| format!("open(fd: \"{fd}\", path: \"/f\", flags: [])");
    let steps = |on: &str| {
        let fails = format!("fails(errno: ENOENT, step: {}, on: \"{on}\")", open("f"));
        of_three(&format!("{fails}, only(on: \"{on}\", step: {})", open("f")), "")
    };
    assert_eq!(parse_all(&steps("2.6.18..")).unwrap().len(), 3);
    // A range that is not mapped any more: a kernel may see no wrong in it.
    let gone = "mmap(map: \"m\", length: 1, prot: [], flags: [MAP_PRIVATE, MAP_ANONYMOUS]), munmap(\"m\"), \
                fails(errno: ENOMEM, step: msync(map: \"m\", flags: []), on: \"6.6\")";
    assert_eq!(parse_all(&of_three(gone, "")).unwrap().len(), 3);
}

#[test]
fn a_step_may_be_made_under_some_kernels() {
    let calls = |steps: &str| -> Vec<Vec<String>> {
        let scenarios =
            parse_all(&of_three(steps, "")).unwrap_or_else(|errors| panic!("{steps}: {errors:?}"));
        let texts = |one: &super::Scenario| one.steps.iter().map(|step| step.text.clone()).collect();
        scenarios.iter().map(texts).collect()
    };
    let step = r#"only(on: "2.6.18..", step: unlink("/x"))"#;
    assert_eq!(calls(&format!("{step}, sync")), [vec!["sync"], vec![step, "sync"], vec![step, "sync"]]);
    let looped = r#"only(on: "6.6", step: times(count: 2, var: "i", steps: [unlink("/${i}")]))"#;
    assert_eq!(calls(looped), [vec![], vec![], vec![r#"unlink("/0")"#, r#"unlink("/1")"#]]);
    let in_loop = r#"times(count: 2, var: "i", steps: [only(on: "6.6", step: unlink("/${i}"))])"#;
    assert_eq!(calls(in_loop)[2].len(), 2);
    let wrapped = r#"only(on: "6.6", step: fails(ENOENT, unlink("/x")))"#;
    let text = format!("(title: \"t\", stack: (kernel: \"2.6.18..\"), setup: [\n{wrapped}], steps: [])");
    let setups: Vec<usize> = parse_all(&text).unwrap().iter().map(|one| one.setup.len()).collect();
    assert_eq!(setups.iter().sum::<usize>(), 1, "in setup too");
    let scenarios = parse_all(&of_three(&format!("sync,\n{wrapped}"), "")).unwrap();
    let last = scenarios[2].steps.last().unwrap();
    assert_eq!((&last.call, last.line), (&Call::Unlink { path: "/x".into() }, 3));
    assert_eq!(last.wanted, Wanted::Error(Errno::ENOENT));
}

#[test]
fn an_expectation_may_be_of_some_kernels() {
    let expect = "always(on: \"2.6.18..\", after: \"m\", holds: mounts), sometimes(on: [\"6.6\"], holds: clean), \
                  never(on: \"..\", before: \"m\", holds: clean)";
    let scenarios = parse_all(&of_three("mark(\"m\")", expect)).unwrap();
    let counts: Vec<usize> = scenarios.iter().map(|one| one.expect.len()).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(scenarios[1].expect[0].text, r#"always(on: "2.6.18..", after: "m", holds: mounts)"#);
    let name: Name = "m".into();
    assert_eq!(scenarios[1].expect[0].after, Some(name));
    // A mark of one kernel, and an expectation of that kernel.
    let own =
        of_three("only(on: \"6.6\", step: mark(\"m\"))", "always(on: \"6.6\", after: \"m\", holds: mounts)");
    assert_eq!(parse_all(&own).unwrap().len(), 3);
}

#[test]
fn kernels_that_cannot_be() {
    table(
        STACK,
        r##"
a release without a profile ¦ kernel: ‸"6.7" ¦ bad-kernel ¦ stack.kernel ¦ no kernel "6.7" is modelled, expected one of "2.5.67", "2.6.11",
the last one before it ¦ kernel: ‸"2.6.15" ¦ bad-kernel ¦ stack.kernel ¦ (help: the last one before it is "2.6.11")
numbers are not decimals ¦ kernel: ‸"6.10.3" ¦ bad-kernel ¦ stack.kernel ¦ before it is "6.6.51"
older than all ¦ kernel: ‸"2.4" ¦ bad-kernel ¦ stack.kernel ¦ "6.12"
spelled otherwise ¦ kernel: ‸"v6.6" ¦ bad-kernel ¦ stack.kernel ¦ did you mean "6.6"?
no kernel at all ¦ kernel: ‸"latest" ¦ bad-kernel ¦ stack.kernel ¦ "latest"
a long one ¦ kernel: ‸"6.6.6.6.6.6.6.6.6.6.6.6" ¦ bad-kernel ¦ stack.kernel ¦ -
nothing ¦ kernel: ‸"" ¦ bad-kernel ¦ stack.kernel ¦ no kernel "" is modelled
a bad end of a range ¦ kernel: ‸"2.6.16..7" ¦ bad-kernel ¦ stack.kernel ¦ no kernel "7"
three points ¦ kernel: ‸"2.6.16...6.6" ¦ bad-kernel ¦ stack.kernel ¦ no kernel ".6.6"
backwards ¦ kernel: ‸"6.6..2.6.16" ¦ bad-kernel ¦ stack.kernel ¦ 6.6 is newer than 2.6.16, expected "2.6.16..6.6"
twice ¦ kernel: ["6.6", ‸"6.6"] ¦ duplicate-kernel ¦ stack.kernel ¦ "6.6" is given twice
twice, by a range ¦ kernel: ["6.6", ‸"6.1.."] ¦ duplicate-kernel ¦ stack.kernel ¦ "6.6" is given twice
an empty list ¦ kernel: ‸[] ¦ no-kernel ¦ stack.kernel ¦ no kernel stands here
a number ¦ kernel: ‸6.6 ¦ wrong-type ¦ stack.kernel ¦ a release, as "6.6"
a number in a list ¦ kernel: ["6.1", ‸6.6] ¦ wrong-type ¦ stack.kernel[1] ¦ -
a list in a list ¦ kernel: [‸["6.6"]] ¦ wrong-type ¦ stack.kernel[0] ¦ -
"##,
    );
    const THREE: (&str, &str) =
        ("(title: \"t\", stack: (kernel: [\"2.6.16\", \"2.6.18\", \"6.6\"]), steps: [mark(\"m\"),\n", "])");
    table(
        THREE,
        r##"
an error that none gives ¦ fails(errno: EIO, step: unlink("/x"), on: ‸"..2.6.11") ¦ no-kernel ¦ steps[1].on ¦ `"..2.6.11"` has none of the scenario's kernels, expected at least one of "2.6.16", "2.6.18", "6.6"
a step that none makes ¦ only(on: ‸["6.1", "2.6.17"], step: sync) ¦ no-kernel ¦ steps[1].on ¦ -
a bad kernel ¦ only(on: ‸"6.7", step: sync) ¦ bad-kernel ¦ steps[1].on ¦ -
no kernel ¦ ‸only(step: sync) ¦ missing-field ¦ steps[1] ¦ `only` lacks `on`, expected `only(on: …, step: …)`
no step ¦ ‸only(on: "..") ¦ missing-field ¦ steps[1] ¦ lacks `step`
without names ¦ only(‸"6.6", sync) ¦ wrong-arguments ¦ steps[1] ¦ have names
only in only ¦ only(on: "..", step: ‸only(on: "6.6", step: sync)) ¦ bad-wrapper ¦ steps[1] ¦ one `on` for both
only in fails ¦ fails(EIO, ‸only(on: "6.6", step: sync)) ¦ bad-wrapper ¦ steps[1].step ¦ `only` stands inside of `fails`
a third argument without a name ¦ fails(EIO, unlink("/x"), ‸"6.6") ¦ wrong-arguments ¦ steps[1] ¦ too many
opened by some, used by all ¦ only(on: "6.6", step: open(fd: "f", path: "/f", flags: [])),⏎fsync(‸"f") ¦ unknown-descriptor ¦ steps[2].fd ¦ no step before this one opens "f", under kernel 2.6.16
closed by a later one ¦ open(fd: "f", path: "/f", flags: []),⏎only(on: "2.6.18..", step: close("f")),⏎fsync(‸"f") ¦ closed-descriptor ¦ steps[3].fd ¦ was closed by steps[2].step, under kernel 2.6.18
wrong under all ¦ fsync(‸"f") ¦ unknown-descriptor ¦ steps[1].fd ¦ no step before this one opens "f", expected
"##,
    );
    table(
        WHOLE,
        r##"
kernels that cannot be read ¦ (title: "t", stack: (kernel: ‸"6.7"), steps: [only(on: "6.1", step: sync)]) ¦ bad-kernel ¦ stack.kernel ¦ -
of none, whatever was left out ¦ (title: "t", stack: (kernel: ["6.6", "6.1"]), steps: [only(on: "6.1", step: sync)], expect: [never(on: ‸"5.4", holds: clean)]) ¦ no-kernel ¦ expect[0].on ¦ kernels, expected at least
an expectation of none ¦ (title: "t", steps: [], expect: [always(on: ‸"..2.6.18", holds: mounts)]) ¦ no-kernel ¦ expect[0].on ¦ expected "6.6" among them
a mark of some ¦ (title: "t", stack: (kernel: ["6.6", "6.1"]), steps: [only(on: "6.6", step: mark("m"))], expect: [always(after: ‸"m", holds: mounts)]) ¦ unknown-mark ¦ expect[0].after ¦ no step sets the mark "m", under kernel 6.1
"##,
    );
}
