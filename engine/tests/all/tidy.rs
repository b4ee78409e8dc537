//! House rules that no lint can hold.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers of the engine: a module imports only from lower ones. `guarantees` is at the top and asks `check`.
const LAYERS: &[(&str, u32)] = &[
    ("units", 0),
    ("device", 1),
    ("format", 1),
    ("history", 1),
    ("kernel", 1),
    ("mutant", 1),
    ("schedule", 1),
    ("block", 2),
    ("crash", 2),
    ("mm", 2),
    ("page_cache", 2),
    ("scenario", 2),
    ("jbd2", 3),
    ("recovery", 3),
    ("ext4", 4),
    ("oracle", 4),
    ("contract", 5),
    ("vfs", 5),
    ("stack", 6),
    ("report", 7),
    ("check", 8),
    ("guarantees", 9),
];
/// No file is longer.
const LINES: usize = 600;

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The Rust files below a folder, with their contents.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(files.len() > 5, "{folder} has sources");
    files
}

/// Whether a file holds tests and nothing else.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The module of the engine that a file belongs to.
fn module(path: &Path) -> String {
    let within = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = within.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a file's code names as `crate::module`.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|line| line.match_indices("crate::").map(|(at, _)| &line[at + 7..]));
    names
        .map(|rest| {
            rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit()).collect()
        })
        .filter(|name: &String| layer(name).is_some())
        .collect()
}

#[test]
fn layers_import_only_downwards() {
    for (path, text) in sources("src") {
        let module = module(&path);
        if module == "lib" || is_test(&path) {
            continue;
        }
        let own = layer(&module).unwrap_or_else(|| panic!("{module} has no layer"));
        for import in imports(&text) {
            let other = layer(&import).unwrap();
            assert!(
                other < own || import == module,
                "{}: {module} (layer {own}) imports {import} (layer {other})",
                path.display()
            );
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (path, text) in sources("src").into_iter().chain(sources("../cli/src")) {
        if !is_test(&path) {
            assert!(text.starts_with("//!"), "{} starts without a module's doc", path.display());
        }
    }
}

#[test]
fn no_file_has_outgrown_its_house() {
    for (path, text) in sources("src").into_iter().chain(sources("../cli/src")).chain(sources("tests")) {
        let lines = text.lines().count();
        assert!(lines <= LINES, "{}: {lines} lines", path.display());
    }
}

#[test]
fn the_engine_touches_nothing_outside() {
    for (path, text) in sources("src") {
        for word in ["std::fs", "std::env", "std::net", "std::process", "std::thread", "std::io"] {
            assert!(is_test(&path) || !text.contains(word), "{} uses {word}", path.display());
        }
    }
}
