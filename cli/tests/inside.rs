//! The commands of "A look inside" in `scenarios/README.md`, run as they stand there, and what they are said to print.
//!
//! ```text
//!   ```sh      run by a shell, all of it, in a folder of its own
//!   ```text    what that must print, line for line; … is any number of lines
//! ```
//! Where debugfs or e2fsck is missing the test says so and is skipped; with `UNPLUG_REQUIRE_TOOLS` it fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

const SECTION: &str = "## A look inside\n";

/// The section, as pairs of commands and of what they print.
fn examples(section: &str) -> Vec<(String, String)> {
    let mut blocks = section.split("```").skip(1).step_by(2);
    let mut examples = Vec::new();
    while let (Some(commands), Some(printed)) = (blocks.next(), blocks.next()) {
        let commands = commands.strip_prefix("sh\n").unwrap_or_else(|| panic!("no commands: {commands}"));
        let printed = printed.strip_prefix("text\n").unwrap_or_else(|| panic!("no output: {printed}"));
        examples.push((commands.to_owned(), printed.to_owned()));
    }
    examples
}

/// Whether `printed` has the parts of `wanted` that stand between lines of `…`, each line for line and in this order.
fn has_parts(printed: &str, wanted: &str) -> bool {
    let mut rest: Vec<&str> = printed.lines().collect();
    wanted.split("…\n").filter(|part| !part.is_empty()).all(|part| {
        let part: Vec<&str> = part.lines().collect();
        let at = rest.windows(part.len()).position(|lines| lines == part);
        at.is_some_and(|at| {
            rest.drain(..at + part.len());
            true
        })
    })
}

/// What the commands print, and what they say on standard error: debugfs its version, for one.
fn run(folder: &Path, commands: &str) -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let unplug = Path::new(env!("CARGO_BIN_EXE_unplug")).parent().unwrap();
    let present = env::var_os("PATH").unwrap();
    let paths = [unplug.to_owned()].into_iter().chain(env::split_paths(&present));
    let commands = commands.replace("scenarios/", &format!("{}/scenarios/", root.display()));
    let shell = Command::new("sh")
        .current_dir(folder)
        .args(["-c", &commands])
        .env("PATH", env::join_paths(paths).unwrap())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&shell.stdout), text(&shell.stderr))
}

#[test]
fn the_commands_of_the_readme_print_what_it_says() {
    if ["debugfs", "e2fsck"].iter().any(|tool| Command::new(tool).arg("-V").output().is_err()) {
        assert!(env::var_os("UNPLUG_REQUIRE_TOOLS").is_none(), "debugfs and e2fsck are required");
        writeln!(std::io::stderr(), "skipped: debugfs or e2fsck is missing").unwrap();
        return;
    }
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/README.md");
    let text = fs::read_to_string(readme).unwrap();
    let section = text.split_once(SECTION).unwrap().1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let examples = examples(section);
    assert!(examples.len() >= 3, "{examples:?}");
    // One folder: a later example looks at the image of an earlier one.
    let folder = tempfile::tempdir().unwrap();
    for (commands, wanted) in examples {
        let (printed, said) = run(folder.path(), &commands);
        assert!(has_parts(&printed, &wanted), "{commands}\nprints\n{printed}\n{said}\nand not\n{wanted}");
    }
}

#[test]
fn parts_are_looked_for_in_order_and_whole() {
    assert!(has_parts("a\nb\nc\nd\n", "a\nb\n…\nd\n"));
    assert!(has_parts("a\nb\n", "…\nb\n"));
    assert!(!has_parts("a\nx\nb\n", "a\nb\n"));
    assert!(!has_parts("b\na\n", "a\n…\nb\n"));
    assert!(!has_parts("a\n", "a\n…\na\n"));
}
