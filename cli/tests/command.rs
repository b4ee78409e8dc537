//! The command as a shell sees it: exit status, standard output and standard error.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn unplug(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unplug"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let good = "(title: \"Good\", steps: [sync, mark(\"m\")], expect: [always(missing(\"/f\"))])";
    fs::write(dir.path().join("good.ron"), good).unwrap();
    fs::write(dir.path().join("bad.ron"), "(title: \"Bad\", steps: [fsync(\"nothing\")])").unwrap();
    let expecting = |expect: &str| {
        format!(
            "(title: \"T\", stack: (disk: (atomic_write: 4096)), setup: [create(\"/a\", \"a\")],
              steps: [mkdir(\"/d\"), sync], expect: [{expect}])"
        )
    };
    fs::write(dir.path().join("violated.ron"), expecting("always(exists(\"/d\"))")).unwrap();
    fs::write(dir.path().join("holds.ron"), expecting("sometimes(exists(\"/d\")), always(exists(\"/a\"))"))
        .unwrap();
    // Without barriers everything is pending, and recovery has very many different results.
    let many = "(title: \"M\", stack: (mount: (barrier: false)),
        steps: [times(count: 3, var: \"i\", steps: [mkdir(\"/${i}\"), sync])],
        expect: [sometimes(not(mounts)), always(not(exists(\"/3\")))])";
    fs::write(dir.path().join("many.ron"), many).unwrap();
    let failing = "(title: \"F\", steps: [sync,\n rmdir(\"/no\")])";
    fs::write(dir.path().join("fails.ron"), failing).unwrap();
    fs::write(dir.path().join("latin1.ron"), b"(title: \"caf\xe9\")").unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    dir
}

#[test]
fn exit_status_and_messages() {
    let dir = folder();
    let check = |arguments: &[&str], status: i32, stdout: &str, stderr: &str| {
        let output = unplug(dir.path(), arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{out}\n{err}");
        assert!(out.contains(stdout), "{arguments:?} prints {out}");
        assert!(err.contains(stderr), "{arguments:?} complains {err}");
        assert!(!err.contains("panicked"), "{arguments:?} panics {err}");
    };
    check(&[], 2, "", "Usage: unplug <COMMAND>");
    check(&["--help"], 0, "Exit status:", "");
    check(&["run", "--help"], 0, "late@17:w3", "");
    check(&["--version"], 0, "unplug ", "");
    check(&["run"], 2, "", "<PATH>");
    check(&["guarantees"], 0, "synchronized I/O file integrity completion", "");
    check(&["guarantees", "--scenario", "nothing"], 2, "", "no row \"nothing\"");
    check(&["guarantees", "--scenario", "stale", "--mount", "async"], 0, "journal_async_commit: true", "");
    check(&["run", "no.ron"], 2, "", "no.ron: ");
    check(&["run", "empty"], 2, "", "no file in this folder ends in .ron");
    check(&["run", "bad.ron"], 2, "", "bad.ron");
    check(&["run", "latin1.ron"], 2, "", "not UTF-8");
    check(&["run", "good.ron", "--output", "no/such/folder"], 2, "", "cannot write no/such/folder");
    check(&["run", "good.ron"], 0, "Holds: all 2 expectations hold.", "");
    check(&["run", "holds.ron"], 0, "Holds: all 3 expectations hold.", "");
    check(&["run", "violated.ron"], 1, "--state prompt@0:none -o crash.img", "");
    check(&["run", "many.ron", "--max-leaves", "1"], 3, "Inconclusive: ", "");
    check(&["run", "violated.ron", "holds.ron"], 1, "2 scenarios: 1 hold, 1 violated", "");
    check(&["run", "good.ron", "holds.ron"], 0, "unplug run FILE shows one in full", "");
    check(&["run", "good.ron", "holds.ron", "--full"], 0, "Holds: all 3 expectations hold.", "");
    check(&["run", "fails.ron"], 2, "", "fails.ron: line 2, step 2, rmdir(\"/no\"): ");
    check(&["run", "fails.ron", "holds.ron"], 2, "2 scenarios: 1 hold, 1 could not run", "line 2");
    check(&["trace", "holds.ron"], 0, "What happened at the disk", "");
    check(
        &["image", "holds.ron", "--state", "late@0:none", "-o", "x.img"],
        0,
        "as the power cut left it",
        "",
    );
    check(&["image", "holds.ron", "--base", "-o", "x.img"], 0, "as it was before the first step", "");
    check(
        &["image", "holds.ron", "--state", "late@9999:none", "-o", "x.img"],
        2,
        "",
        "is no state of holds.ron",
    );
    check(&["run", "bad.ron", "--format", "json"], 2, "\"verdict\": \"error\"", "bad.ron");
    check(&["check", "good.ron"], 0, "good.ron: in order (2 steps, 1 expectation)", "");
    check(&["check", "good.ron", "bad.ron"], 2, "good.ron: in order", "bad.ron");
    check(&["trace", "bad.ron"], 2, "", "bad.ron");
    check(&["image", "good.ron", "--state", "17", "-o", "x.img"], 2, "", "schedule@moment:choice");
    check(&["image", "good.ron", "--state", "soon@1:all", "-o", "x.img"], 2, "", "there are prompt and late");
}

/// The top of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn kernels_are_chosen_and_shown() {
    let dir = folder();
    let check = |folder: &Path, line: &str, status: i32, stdout: &str, stderr: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = unplug(folder, &arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{line}\n{out}\n{err}");
        assert!(out.contains(stdout), "{line} prints {out}");
        assert!(err.contains(stderr), "{line} complains {err}");
        assert!(!err.contains("panicked"), "{line} panics {err}");
    };
    let here = |line: &str, status: i32, stdout: &str, stderr: &str| {
        check(dir.path(), line, status, stdout, stderr);
    };
    here("kernels 6.7", 2, "", "[possible values: 2.5.67, 2.6.11");
    here("kernels 6.6", 0, "fs/jbd2/recovery.c", "");
    here("kernels 2.6.16", 0, "sync_file_range (came with 2.6.17)", "");
    here("kernels 6.6 6.6", 0, "Nothing that is modelled differs", "");
    here("run good.ron --kernel 6.7", 2, "", "no profile of kernel \"6.7\"; there is one of 2.5.67, ");
    here("run good.ron --kernel 6.12..6.6", 2, "", "6.12 is newer than 6.6");
    here("run good.ron --kernel 6.6..", 0, "Holds: every expectation holds on 6.6 to 6.12.", "");
    here("run good.ron --kernel 6.12 --kernel 6.6", 0, "on 6.12 and 6.6.", "");
    here("run good.ron --kernel 6.12", 0, "Linux 6.12 (6.12.9 or later), ext4", "");
    here("run violated.ron --kernel 6.12", 1, "image violated.ron --kernel 6.12 --state prompt@0:none", "");
    here(
        "run violated.ron --kernel 6.1..6.6",
        1,
        "image violated.ron --kernel 6.1 --state prompt@0:none",
        "",
    );
    here("run violated.ron --kernel 6.1..6.6 --full", 1, "image violated.ron --kernel 6.6 --state", "");
    here("run good.ron holds.ron --kernel 6.1..6.6", 0, "holds.ron  on 6.1 and 6.6\n2 scenarios: 2 hold", "");
    here("run good.ron holds.ron --kernel 6.1..6.6", 0, "Good\ngood.ron\n\nKernels side by side", "");
    here("run fails.ron --kernel 6.1..6.6", 2, "", "fails.ron: on Linux 6.1: line 2, step 2");
    here("run fails.ron --kernel 6.1..6.6", 2, "", "fails.ron: on Linux 6.6: line 2, step 2");
    here("trace holds.ron --kernel 2.6.18", 0, "Linux 2.6.18, schedule prompt, no crash", "");
    here("image violated.ron --kernel 6.12 --state prompt@0:none -o x.img", 0, "as the power cut", "");
    let torn = "run scenarios/journal/torn-commit.ron --kernel 6.6 --kernel 6.6.51";
    check(root(), torn, 1, "Holds: every expectation holds on 6.6.\n", "");
    check(root(), torn, 1, "VIOLATED: an expectation failed on 6.6.51.\n", "");
    check(root(), torn, 1, "\n 6.6    ┆ holds    ┆ · /g = ", "");
    check(root(), torn, 1, "✗ VIOLATED      sometimes(before: \"synced\", holds: not(mounts))", "");
    let background = "trace scenarios/sync/flusher-overwrite.ron --kernel";
    check(root(), &format!("{background} 2.6.18"), 0, ", by pdflush", "");
    check(root(), &format!("{background} 6.6"), 0, ", by the flusher thread", "");
}

#[test]
fn a_trace_of_one_step() {
    let trace = |arguments: &[&str], status: i32, wanted: &[&str], absent: &[&str]| {
        let output = unplug(root(), &[&["trace", "scenarios/sync/o-sync-overwrite.ron"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{text}");
        wanted.iter().for_each(|word| assert!(text.contains(word), "{arguments:?}: no {word} in\n{text}"));
        absent.iter().for_each(|word| assert!(!text.contains(word), "{arguments:?}: {word} in\n{text}"));
    };
    trace(&[], 0, &["sys_openat", "sys_pwrite64"], &[]);
    trace(&["--step", "1"], 0, &["sys_openat", "moment"], &["sys_pwrite64", "submitted"]);
    trace(&["--step", "3"], 0, &["sys_pwrite64", "submitted"], &["sys_openat"]);
    trace(&["--step", "written"], 0, &["sys_pwrite64", "submitted"], &["sys_openat"]);
    trace(&["--step", "0"], 2, &["there is no step 0"], &[]);
    trace(&["--step", "99"], 2, &["there is no step 99: there are 1 to "], &[]);
    trace(&["--step", "soon"], 2, &["there is no mark \"soon\"; marks: \"written\""], &[]);
}

#[test]
fn traces_for_people() {
    for (name, arguments) in [
        ("o-sync-overwrite", &["scenarios/sync/o-sync-overwrite.ron"][..]),
        ("replace-via-rename", &["scenarios/rename/replace-via-rename.ron", "--schedule", "late"]),
        ("flusher-overwrite", &["scenarios/sync/flusher-overwrite.ron"]),
        ("msync-6.6", &["cli/tests/traces/msync.ron"]),
        ("msync-2.6.18", &["cli/tests/traces/msync.ron", "--kernel", "2.6.18"]),
    ] {
        let output = unplug(root(), &[&["trace"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        insta::with_settings!({
            snapshot_path => "../../snapshots/traces",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
        });
    }
}

#[test]
fn kernels_for_people() {
    for (name, arguments) in [("list", &["kernels"][..]), ("2.6.18-2.6.19", &["kernels", "2.6.18", "2.6.19"])]
    {
        let output = unplug(root(), arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::with_settings!({
            snapshot_path => "../../snapshots/kernels",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn guarantees_for_people() {
    for (name, arguments) in [
        ("promises", &["guarantees"][..]),
        ("matrix", &["guarantees", "--matrix", "--kernel", "6.6"][..]),
        (
            "nojnl",
            &["guarantees", "--matrix", "--kernel", "6.6", "--kernel", "6.1..6.12", "--mount", "nojnl"],
        ),
    ] {
        let output = unplug(root(), arguments);
        insta::with_settings!({
            snapshot_path => "../../snapshots/guarantees",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
        });
    }
}

/// The scenario that is printed for a cell, run by itself, says what the cell says.
#[test]
fn a_cell_is_its_scenario() {
    let dir = tempfile::tempdir().unwrap();
    let columns = ["def", "jdata", "nojnl"];
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_slice(&unplug(dir.path(), arguments).stdout).unwrap()
    };
    let mounts = ["--mount", "def", "--mount", "jdata", "--mount", "nojnl"];
    let matrix =
        json(&[&["guarantees", "--matrix", "--format", "json", "--kernel", "3.16"], &mounts[..]].concat());
    let rows = matrix["matrices"][0]["rows"].as_array().unwrap();
    let mut wanted = std::collections::BTreeMap::new();
    for (row, column) in rows.iter().flat_map(|row| columns.map(|column| (row, column))) {
        let name = row["row"].as_str().unwrap();
        let text =
            unplug(dir.path(), &["guarantees", "--scenario", name, "--mount", column, "--kernel", "3.16"]);
        let file = format!("{name}.{column}.ron");
        fs::write(dir.path().join(&file), text.stdout).unwrap();
        wanted.insert(file, row["cells"][column].as_str().unwrap().to_owned());
    }
    let report = json(&["run", ".", "--format", "json"]);
    for scenario in report["scenarios"].as_array().unwrap() {
        let file = scenario["file"].as_str().unwrap().trim_start_matches("./");
        let found = match (scenario["verdict"].as_str(), scenario["expectations"][0]["verdict"].as_str()) {
            (Some("error"), _) => "refused",
            (_, Some("holds")) => "yes",
            (_, Some("violated")) => "no",
            (_, _) => "inconclusive",
        };
        assert_eq!(Some(found), wanted.remove(file).as_deref(), "{file}");
    }
    assert!(wanted.is_empty(), "not run: {wanted:?}");
}

#[test]
fn kernels_for_programs() {
    let dir = folder();
    let json = |line: &str| -> serde_json::Value {
        let arguments: Vec<&str> = line.split(' ').collect();
        serde_json::from_slice(&unplug(dir.path(), &arguments).stdout).unwrap()
    };
    let report = json("run good.ron fails.ron bad.ron --kernel 6.6 --kernel 6.12 --format json");
    let of_each: Vec<(&str, Option<&str>)> = report["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["file"].as_str().unwrap(), one["kernel"].as_str()))
        .collect();
    let (old, new) = (Some("6.6"), Some("6.12"));
    let wanted =
        [("good.ron", old), ("good.ron", new), ("fails.ron", old), ("fails.ron", new), ("bad.ron", None)];
    assert_eq!(of_each, wanted);
    assert_eq!(report["scenarios"][0]["steps"][0]["returned"], serde_json::json!([0]));
    assert_eq!(json("kernels --format json")["kernels"][0]["version"], "2.5.67");
    let one = json("kernels 2.6.16 --format json");
    assert_eq!(one["kernel"]["version"], "2.6.16");
    assert_eq!(one["lacks"][0]["name"], "sync_file_range");
    let two = json("kernels 2.6.19 2.6.18 --format json");
    let walk = two["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "msync_walk").unwrap();
    assert_eq!(walk["values"][1]["since"], "2.6.17");
    assert_eq!(walk["changes"][0]["since"], "2.6.19");
}

#[test]
fn reports_do_not_depend_on_the_number_of_threads() {
    let dir = folder();
    for (format, leaves) in [("human", "1"), ("json", "1"), ("json", "100000")] {
        let file = if leaves == "1" { "many.ron" } else { "holds.ron" };
        let [one, two, seven] = ["1", "2", "7"].map(|threads| {
            let arguments =
                ["run", file, "--format", format, "--max-leaves", leaves, "--threads", threads, "--exact"];
            String::from_utf8(unplug(dir.path(), &arguments).stdout).unwrap()
        });
        assert!(one.len() > 100, "{one}");
        assert_eq!(one, two, "{format}");
        assert_eq!(one, seven, "{format}");
    }
}

#[test]
fn a_reader_who_has_gone_is_no_error() {
    let dir = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unplug"));
    let arguments = ["check", "good.ron", "./good.ron", "././good.ron"];
    command.current_dir(dir.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0), "the verdict is still told");
}
