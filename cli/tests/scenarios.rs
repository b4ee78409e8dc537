//! The report of every shipped scenario, as a person sees it, beside the one that was read and accepted.
//!
//! ```text
//!   scenarios/rename/replace.ron  ◀─ one to one ─▶  snapshots/scenarios/rename/replace.snap
//! ```
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let stems = stems(&root().join("scenarios"), "ron");
    let mut trials =
        vec![Trial::test("every scenario has its snapshot and every snapshot its scenario", paired)];
    trials.extend(
        stems.into_iter().map(|stem| Trial::test(stem.clone(), move || reports_what_was_accepted(&stem))),
    );
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn reports_what_was_accepted(stem: &str) -> Result<(), Failed> {
    let file = format!("scenarios/{stem}.ron");
    let output = Command::new(env!("CARGO_BIN_EXE_unplug"))
        .current_dir(root())
        .args(["run", &file])
        .env("NO_COLOR", "1")
        .output()?;
    let report = String::from_utf8(output.stdout)?;
    let complaints = String::from_utf8(output.stderr)?;
    // What ships holds, and holds completely: 1 and 3 would say otherwise.
    if output.status.code() != Some(0) {
        return Err(format!("{}\n{report}\n{complaints}", output.status).into());
    }
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root().join("snapshots/scenarios").join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!("unplug run {file}"));
    settings.bind(|| insta::assert_snapshot!(name, report));
    Ok(())
}

fn paired() -> Result<(), Failed> {
    let scenarios = stems(&root().join("scenarios"), "ron");
    let snapshots = stems(&root().join("snapshots/scenarios"), "snap");
    let lone: Vec<_> = scenarios.symmetric_difference(&snapshots).collect();
    if lone.is_empty() { Ok(()) } else { Err(format!("without a partner: {lone:?}").into()) }
}

/// The files below a folder that end in `.ending`, as paths from there without the ending.
fn stems(folder: &Path, ending: &str) -> BTreeSet<String> {
    let mut stems = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let stem = path.strip_prefix(folder).unwrap().with_extension("");
                stems.insert(stem.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    stems
}
