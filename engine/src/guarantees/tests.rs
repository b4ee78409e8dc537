use super::*;
use crate::kernel::Kernel;
use crate::scenario::{Quantifier, parse};
use std::collections::BTreeSet;

#[test]
fn a_probe_is_a_scenario_with_one_question() {
    let mut names = BTreeSet::new();
    for probe in Probe::ALL {
        let name = probe.name;
        assert!(names.insert(name), "{name} is there twice");
        assert_eq!(probe.text.matches("stack: (").count(), 1, "{name}: one place for kernel and mount");
        let scenario = parse(probe.text).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
        let quantifiers: Vec<_> = scenario.expect.iter().map(|expected| expected.quantifier).collect();
        assert_eq!(quantifiers, [Quantifier::Always], "{name}");
        let (call, question) = probe.title();
        assert_eq!(scenario.title, format!("{call}: {question}"), "{name}");
    }
}

#[test]
fn rows_of_one_call_stand_together() {
    let mut calls: Vec<_> = Probe::ALL.iter().map(|probe| probe.title().0).collect();
    calls.dedup();
    let distinct: BTreeSet<_> = calls.iter().collect();
    assert_eq!(calls.len(), distinct.len(), "{calls:?}");
}

#[test]
fn a_cell_has_its_kernel_and_mount() {
    let mount = Mount::named("jdata").unwrap();
    let probe = Probe::named("fsync-bytes").unwrap();
    let text = probe.scenario(mount, Kernel::V5_4);
    assert!(text.contains(r#"stack: (kernel: "5.4", mount: (data: journal), disk: (atomic_write: 4096)),"#));
}

#[test]
fn a_column_makes_a_difference_to_the_defaults() {
    let check = |kernel: Kernel, without: &[&str]| {
        let left_out = Mount::ALL.iter().filter(|mount| !mount.is_for(kernel)).map(|mount| mount.name);
        assert_eq!(left_out.collect::<Vec<_>>(), without, "{kernel}");
    };
    check(Kernel::V2_6_18, &["lock", "nodel", "noauto", "nobar"]);
    check(Kernel::V5_4, &["bar", "lock"]);
    check(Kernel::V6_6, &["bar"]);
}

/// What a real kernel was seen to leave when a commit follows at once: how much of new bytes is there after it.
/// `yes` where all of them are, `no` where zeros or nothing can be found.
#[test]
fn new_bytes_after_a_commit() {
    let columns = ["def", "lock", "nodel", "jdata", "noauto"];
    let check = |row: &str, wanted: [Cell; 5]| {
        let probe = Probe::named(row).unwrap();
        let cells = columns.map(|mount| ask(probe, Mount::named(mount).unwrap(), Kernel::V6_6));
        assert_eq!(cells, wanted, "{row}");
    };
    use Cell::{No, Yes};
    check("append-zeros", [No, No, No, Yes, No]);
    check("replace-commit", [No, Yes, Yes, Yes, No]);
    check("trunc-commit", [No, Yes, Yes, Yes, No]);
    check("create-commit", [No, No, Yes, Yes, No]);
    check("rename-new-commit", [No, No, Yes, Yes, No]);
    // The file is there but for its bytes: only noauto_da_alloc leaves it empty.
    check("replace-empty", [Yes, Yes, Yes, Yes, No]);
}

#[test]
fn what_a_kernel_lacks_is_refused_in_its_words() {
    let exchange = Probe::named("exchange").unwrap();
    let Cell::Refused(reason) = ask(exchange, Mount::DEFAULTS, Kernel::V3_10) else {
        panic!("3.10 has no renameat2")
    };
    assert!(reason.starts_with("renameat2(") && reason.contains("ENOSYS"), "{reason}");
}

#[test]
fn differences_are_joined_over_kernels_and_mounts() {
    let mounts = [Mount::DEFAULTS, Mount::named("nojnl").unwrap()];
    let matrix = |kernel: Kernel, cell: &dyn Fn(&Probe, &Mount) -> Cell| Matrix {
        kernel,
        mounts: mounts.to_vec(),
        rows: Probe::ALL
            .iter()
            .map(|probe| Answers { probe, cells: mounts.iter().map(|mount| cell(probe, mount)).collect() })
            .collect(),
    };
    let here = matrix(Kernel::V6_6, &|_, _| Cell::Yes);
    let other = |probe: &Probe, mount: &Mount| match (probe.name, mount.name) {
        ("write", _) | ("stale", "nojnl") => Cell::No,
        _ => Cell::Yes,
    };
    let others = [matrix(Kernel::V5_4, &other), matrix(Kernel::V6_1, &other)];
    let found: Vec<_> = differences(&here, &others)
        .into_iter()
        .map(|difference| {
            (difference.probe.name, difference.mounts.len(), difference.kernels, difference.there)
        })
        .collect();
    let kernels = vec![Kernel::V5_4, Kernel::V6_1];
    assert_eq!(found, [("write", 2, kernels.clone(), Cell::No), ("stale", 1, kernels, Cell::No)]);
}
