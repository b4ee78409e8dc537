//! Each file of `tests/bad`, as it is reported.

use super::render;
use crate::load::load;
use std::path::{Path, PathBuf};
use unplug::scenario::{Diagnostic, parse};

const BAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad");
const SNAPSHOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/diagnostics");

/// How a report names the place of an error: where it starts, and nothing behind.
fn place(file: &str, error: &Diagnostic) -> String {
    match error.span {
        Some(_) => format!("--> {file}:{}:{}\n", error.line, error.column),
        None => format!("--> {file}\n"),
    }
}

fn check(name: &str) {
    let file = format!("{name}.ron");
    let text = load(&Path::new(BAD).join(&file)).unwrap();
    let errors = parse(&text).unwrap_err();
    let report = render(&file, &text, &errors, false);
    for error in &errors {
        assert!(report.contains(&place(&file, error)), "{error:?} in {report}");
    }
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(SNAPSHOTS);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

macro_rules! bad_files {
    ($($name:ident $file:literal)*) => {
        const NAMES: &[&str] = &[$($file),*];
        $(#[test] fn $name() { check($file); })*
    };
}

bad_files! {
    arguments "arguments"
    brackets "brackets"
    characters "characters"
    closed "closed"
    comma "comma"
    data "data"
    empty "empty"
    flags "flags"
    flags_as_in_c "flags-as-in-c"
    kernels "kernels"
    loops "loop"
    machine "machine"
    mappings "mappings"
    marks "marks"
    not_modelled "not-modelled"
    one_kernel "one-kernel"
    string "string"
    wrapped "wrapped"
}

/// The stems of the files in a folder.
fn stems(folder: &str) -> Vec<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut stems: Vec<String> =
        paths.map(|path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    stems.sort();
    stems
}

#[test]
fn every_bad_file_has_its_snapshot_and_the_reverse() {
    assert_eq!(stems(BAD), NAMES, "a file without a test");
    assert_eq!(stems(SNAPSHOTS), NAMES, "a snapshot without a file");
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    for name in NAMES {
        let text = load(&Path::new(BAD).join(format!("{name}.ron"))).unwrap();
        let errors = parse(&text).unwrap_err();
        let coloured = render("s.ron", &text, &errors, true);
        assert!(coloured.contains("\u{1b}["), "{name}");
        assert_eq!(
            anstream::adapter::strip_str(&coloured).to_string(),
            render("s.ron", &text, &errors, false),
            "{name}"
        );
    }
}

#[test]
fn hostile_texts_are_shown_in_a_few_lines() {
    fn check(what: &str, text: &str) {
        let errors = parse(text).unwrap_err();
        let report = render("s.ron", text, &errors, false);
        assert!(errors.iter().all(|one| report.contains(&place("s.ron", one))), "{what}: {report}");
        assert!(report.len() < 8000, "{what}: {} bytes", report.len());
    }
    const MANY: usize = 4_000_000;
    check("a long line", &format!("(title: \"t\", steps: [{}])", "a".repeat(MANY)));
    check("a long way into a long line", &format!("{}]", " ".repeat(MANY)));
    check("a long line of long characters", &format!("/*{}*/]", "€".repeat(MANY / 4)));
    check("brackets", &"[".repeat(MANY));
    check("a bracket a long way off", &format!("({}]", "\n".repeat(MANY)));
    check("blank lines", &"\n".repeat(MANY));
    let far = format!("(title: \"t\",\n{}steps: [sync)", " ".repeat(2000));
    check("a bracket in the same long line", &far);
    let far = format!("(title: \"t\", steps: [\n{}sync)", " ".repeat(2000));
    check("a bracket in the line before a long one", &far);
    check("escape sequences", "(title: \"t\", steps: [\"\u{1b}[31m\u{7}\"])");
    let escaped = "(title: \"t\", steps: [fsync(\"\u{1b}[31m\u{7}\")])";
    let report = render("s.ron", escaped, &parse(escaped).unwrap_err(), false);
    assert!(!report.contains(['\u{1b}', '\u{7}']), "{report}");
}
