//! Test data: scenarios, and recordings of what a real kernel did with them.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use unplug::device::AtomicUnit;
use unplug::kernel::Kernel;
use unplug::scenario::{Scenario, parse};

/// A scenario of this repository.
pub(crate) struct Case {
    /// Its file, without the folder and `.ron`.
    pub(crate) name: String,
    /// What it says.
    pub(crate) scenario: Scenario,
}

/// What a real kernel did with a scenario (`tests/data/truth/README.md`).
#[derive(Deserialize)]
pub(crate) struct Recording {
    /// Kernel, mke2fs and mount options.
    pub(crate) kernel: String,
    /// Step, call, and `ok` or the error.
    pub(crate) returns: Vec<(usize, String, String)>,
    /// What reached the device, in order.
    pub(crate) requests: Vec<Recorded>,
    /// What was found after a crash, between the return of one step and that of the next.
    pub(crate) windows: Vec<Window>,
}

/// One request: a flush, or a write with the roles of its blocks.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    /// The step during which it was logged.
    pub(crate) during: usize,
    /// The roles, as in `journal copy x6`; none for a flush.
    #[serde(default)]
    pub(crate) write: Vec<String>,
}

/// The outcomes of crashing in a window.
#[derive(Deserialize)]
pub(crate) struct Window {
    /// The step that has returned, or -1.
    pub(crate) after: i64,
    /// Recovered trees; what is listed is legal, what is not may be legal too.
    pub(crate) outcomes: Vec<BTreeMap<String, String>>,
}

/// A file or folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Reads and checks one scenario.
pub(crate) fn scenario(path: &Path) -> Case {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenario = parse(&text).unwrap_or_else(|errors| panic!("{}: {errors:#?}", path.display()));
    Case { name: path.file_stem().unwrap().to_string_lossy().into_owned(), scenario }
}

/// All scenarios below a folder of the repository, in the order of their paths.
pub(crate) fn scenarios(folder: &str) -> Vec<Case> {
    let (mut found, mut folders) = (Vec::new(), vec![repository(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ron") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| scenario(path)).collect()
}

/// The recorded scenarios, on the disk, with the commit timer and with the kernel that they were recorded with.
pub(crate) fn recordings() -> Vec<(Case, Recording)> {
    let with_recording = |mut case: Case| {
        let path = repository("engine/tests/data/truth").join(&case.name).with_extension("json");
        let text = fs::read_to_string(&path).unwrap();
        let recording: Recording = serde_json::from_str(&text).unwrap();
        let stack = &mut case.scenario.stack;
        stack.disk.atomic = AtomicUnit::Block;
        // The newest profile is the nearest to what is newer than all.
        assert!(recording.kernel.starts_with("Linux 6.18"), "{}: {}", case.name, recording.kernel);
        stack.kernel = Kernel::V6_12;
        if recording.kernel.contains("commit=600") {
            stack.mount.commit_secs = 600;
        }
        (case, recording)
    };
    let found: Vec<_> = scenarios("engine/tests/data/truth").into_iter().map(with_recording).collect();
    assert!(!found.is_empty(), "there are recordings");
    found
}

/// Every scenario that there is: the shipped ones and the recorded ones.
pub(crate) fn all() -> Vec<Case> {
    let recorded = recordings().into_iter().map(|(case, _)| case);
    scenarios("scenarios").into_iter().chain(recorded).collect()
}
