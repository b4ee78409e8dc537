//! Nothing that anyone writes takes the parser down: no panic, no deep stack, no great memory, no long time.

use super::super::{Call, Kernel, Scenario, parse, parse_all};
use proptest::prelude::*;

/// Each must be refused with this code. A stack overflow or a hang ends the test run.
#[test]
fn hostile_texts_are_refused() {
    fn check(what: &str, text: &str, code: &str) {
        let errors = parse(text).expect_err(what);
        assert_eq!(errors[0].code, code, "{what}: {}", errors[0]);
    }
    const MANY: usize = 10_000_000;
    check("10 MB of brackets", &"[".repeat(MANY), "too-deep");
    check("10 MB of parentheses", &"(".repeat(MANY), "too-deep");
    check("10 MB of braces", &"{".repeat(MANY), "too-deep");
    check("10 MB of nested maps", &"{1:".repeat(MANY / 3), "too-deep");
    check("10 MB of nested names", &"a(".repeat(MANY / 2), "too-deep");
    check("10 MB of nested options", &"Some(".repeat(MANY / 5), "too-deep");
    check("10 MB of nested fields", &"(a:".repeat(MANY / 3), "too-deep");
    check("10 MB of closed brackets", &format!("[{}]", "[],".repeat(MANY / 3)), "too-long");
    check("10 MB of numbers", &format!("[{}]", "1,".repeat(MANY / 2)), "too-long");
    check("10 MB of one word", &"a".repeat(MANY), "wrong-name");
    check("10 MB of one number", &"1".repeat(MANY), "wrong-type");
    check("10 MB of commas", &",".repeat(MANY), "syntax");
    check("10 MB of number signs", &format!("r{}", "#".repeat(MANY)), "syntax");
    check("10 MB of a raw string", &format!("r#\"{}", "\"".repeat(MANY)), "unclosed-string");
    check("10 MB of backslashes", &format!("\"{}", "\\".repeat(MANY)), "unclosed-string");
    check("10 MB of open comments", &"/*".repeat(MANY / 2), "unclosed-comment");
    check("10 MB of comments", &"/**/".repeat(MANY / 4), "syntax");
    check("10 MB of blank lines", &"\n".repeat(MANY), "syntax");
    check("17 MB", &" ".repeat(17 << 20), "too-long");
    check("NUL", "\0", "syntax");
    check("a byte order mark", "\u{feff}()", "syntax");
    check("10 MB of a name", &format!("(title: \"t\", steps: [{}])", "a".repeat(MANY)), "unknown-variant");
    let fields = "(title: \"t\", steps: [".to_owned() + &"fsync(\"g\"),".repeat(9_999) + "])";
    check("10,000 wrong steps", &fields, "unknown-descriptor");
    let wide = format!(
        "(title: \"t\", steps: [open(fd: \"f\", path: \"/f\", flags: [{}])])",
        "O_RDWR,".repeat(900_000)
    );
    let looped =
        format!("(title: \"t\", steps: [times(count: 9999, steps: [mkdir(\"/{}\")])])", "x".repeat(1 << 20));
    check("a long path in a long loop", &looped, "too-many-steps");
    assert!(parse(&wide).is_ok(), "a long list of flags is only long");
}

/// The bounds hold for all kernels together: what each makes for itself, they could not all hold.
#[test]
fn many_kernels_take_no_more_memory_than_one() {
    let steps = |data: &str| {
        format!("(title: \"t\", stack: (kernel: \"..\", mkfs: (size: \"64M\")), steps: [{data}])")
    };
    let scenarios =
        parse_all(&steps("create(\"/f\", zeros(\"32M\")), create(\"/g\", zeros(\"32M\"))")).unwrap();
    assert_eq!(scenarios.len(), 15);
    let data = |scenario: &Scenario| {
        let Call::Create { data, .. } = &scenario.steps[0].call else { panic!("{scenario:?}") };
        data.as_ptr()
    };
    assert!(scenarios.iter().all(|scenario| data(scenario) == data(&scenarios[0])), "made once");
    let own: Vec<String> = Kernel::ALL
        .iter()
        .map(|kernel| format!("only(on: \"{kernel}\", step: create(\"/f\", zeros(\"32M\")))"))
        .collect();
    let errors = parse_all(&steps(&own.join(","))).unwrap_err();
    assert_eq!(errors[0].code, "too-much-data", "eight times 32 MiB is all there is");
    assert!(errors[0].message.contains("under kernel 4.19"), "{}", errors[0]);
    let idle = "times(count: 10000, steps: [only(on: \"6.6\", step: sync), only(on: \"6.6\", step: sync)])";
    assert_eq!(parse_all(&steps(idle)).unwrap_err()[0].code, "too-many-steps", "left out, and counted");
}

/// 64 brackets are read, 65 are not.
#[test]
fn the_deepest_nesting() {
    fn check(depth: usize, code: Option<&str>) {
        // The document, `expect`, `always` and the innermost predicate's parentheses are four levels.
        let nots = depth - 3;
        let predicate = format!("{}mounts{}", "not(".repeat(nots), ")".repeat(nots));
        let text = format!("(title: \"t\", steps: [], expect: [always({predicate})])");
        let got = parse(&text).err().map(|errors| errors[0].code);
        assert_eq!(got, code, "{depth}");
    }
    check(64, None);
    check(65, Some("too-deep"));
}

const SEEDS: [&str; 4] = [
    r#"(title: "t", stack: (kernel: ["2.6.16..2.6.18", "6.6"], disk: (stable_writes: true)), steps: [
        open(fd: "f", path: "/f", flags: [O_RDWR]), mmap(map: "m", fd: "f", length: "8K", prot: [PROT_WRITE],
        flags: [MAP_SHARED, MAP_FIXED], at: 0x70000000), fails(errno: ENOMEM, step: msync(map: "m", flags: [],
        length: 18446744073709551615), on: "6.6"), only(on: "..2.6.17", step: munmap("m")), mark("m")],
        expect: [always(on: "2.6.18..", after: "m", holds: mounts)])"#,
    r#"(title: "t", stack: (mkfs: (size: "8M", features: []), mount: (commit: 5)), setup: [create("/f", zeros(8))],
        steps: [open(fd: "f", path: "/f", flags: [O_RDWR, O_CREAT]), write("f", repeat("A", 16)), close("f"),
        mark("m"), fails(ENOENT, unlink("/x"))], expect: [always(after: "m", holds: any([mounts, clean]))])"#,
    r##"#![enable(implicit_some)] Scenario(title: r#"t"#, tags: [], steps: [times(count: 3, var: "i", steps: [
        create("/${i}", concat([hex("de ad"), random(seed: 1, length: 9)])), sync])], expect: [])"##,
    r#"(title: "t", /* c */ steps: [mkdir(path: "/d", mode: Some(0o700)), // c
        symlink("\u{41}", "/l"), truncate("/f", "-4K"), sleep(seconds: 1)])"#,
];

/// Pieces that mean something somewhere.
const PIECES: [&str; 27] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    ",",
    ":",
    "/*",
    "*/",
    "//",
    "#",
    "r#\"",
    "b\"",
    "times(",
    "9223372036854775808",
    "-1",
    "${i}",
    "\0",
    "ä",
    "Some(",
    "..",
    "only(on: ",
    "18446744073709551615",
];

/// Whatever the outcome is, it names places in the text.
fn judged(text: &str) -> Result<(), TestCaseError> {
    let Err(errors) = parse(text) else { return Ok(()) };
    prop_assert!(!errors.is_empty());
    for error in &errors {
        let spans = error.span.iter().chain(error.related.iter().map(|(span, _)| span));
        for span in spans {
            prop_assert!(text.get(span.clone()).is_some(), "{error:?} in {text:?}");
        }
        prop_assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_judged(text in "\\PC{0,80}") {
        judged(&text)?;
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judged(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_pieces_are_judged(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        judged(&pieces.concat())?;
    }

    #[test]
    fn damaged_scenarios_are_judged(
        seed in prop::sample::select(&SEEDS[..]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&PIECES[..]), 0..6_usize), 1..4),
    ) {
        let mut chars: Vec<char> = seed.chars().collect();
        for (at, piece, removed) in edits {
            let at = at.index(chars.len() + 1);
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        judged(&chars.into_iter().collect::<String>())?;
    }
}

#[test]
fn the_seeds_are_right() {
    for seed in SEEDS {
        super::right("a seed", seed);
    }
}
