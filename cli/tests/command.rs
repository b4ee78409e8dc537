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
    check(&["run", "no.ron"], 2, "", "no.ron: ");
    check(&["run", "empty"], 2, "", "no file in this folder ends in .ron");
    check(&["run", "bad.ron"], 2, "", "bad.ron");
    check(&["run", "latin1.ron"], 2, "", "not UTF-8");
    check(&["run", "good.ron", "--output", "no/such/folder"], 2, "", "cannot write no/such/folder");
    check(&["run", "good.ron"], 0, "Holds: all 2 expectations hold.", "");
    check(&["run", "holds.ron"], 0, "Holds: all 3 expectations hold.", "");
    check(&["run", "violated.ron"], 1, "--state prompt@0:none -o crash.img", "");
    check(&["run", "holds.ron", "--max-states", "2"], 3, "Inconclusive: ", "");
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

#[test]
fn reports_do_not_depend_on_the_number_of_threads() {
    let dir = folder();
    for format in ["human", "json"] {
        let [one, three] = ["1", "3"].map(|jobs| {
            let arguments = ["run", "holds.ron", "--format", format, "--max-states", "300", "--jobs", jobs];
            unplug(dir.path(), &arguments).stdout
        });
        assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&three), "{format}");
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
