//! Extended attributes and the file of orphans on file systems of the model's own: what survives, and what e2fsck says.

use crate::case::Case;
use crate::e2fsck;
use crate::pipeline::{crashed, has_tool};
use std::collections::BTreeSet;
use unplug::format::xattr::Attribute;
use unplug::kernel::Kernel;
use unplug::oracle::{Entry, Observation};
use unplug::recovery::{Attributes, Profile, recover};
use unplug::scenario::{Scenario, parse};
use unplug::units::Ino;

fn scenario(mkfs: &str, setup: &str, steps: &str) -> Scenario {
    let text = format!(
        "(title: \"t\", stack: (kernel: \"6.12\", mkfs: ({mkfs}), disk: (atomic_write: 4096)), setup: [{setup}], steps: [{steps}])"
    );
    parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn accepted(what: &str, scenario: &Scenario) {
    if has_tool("e2fsck") {
        let wrong = e2fsck::check(&Case { name: what.to_owned(), scenario: scenario.clone() });
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// `user.a="1"`, with long values as their length.
fn shown(attribute: &Attribute) -> String {
    let name = String::from_utf8_lossy(&attribute.name).into_owned();
    let value = if attribute.value.len() > 20 {
        format!("{} bytes", attribute.value.len())
    } else {
        String::from_utf8_lossy(&attribute.value).into_owned()
    };
    format!("{}{name}={value}", attribute.namespace.prefix())
}

/// What is found of the attributes of `/f`, in all crash states together.
fn check(what: &str, setup: &str, steps: &str, wanted: &[&str]) {
    let scenario = scenario("", setup, steps);
    accepted(what, &scenario);
    let profile = Profile { attributes: Attributes::Read, ..Profile::of(Kernel::V6_12) };
    let mut found = BTreeSet::new();
    for state in crashed(&scenario, &profile, 300) {
        let mut image = state.image;
        let survivors = recover(&mut image, &profile).unwrap();
        assert!(survivors.repairs.is_empty(), "{what}: {}: {:?}", state.id, survivors.repairs);
        let Observation::Mounted(mounted) = state.found else { panic!("{what}: {}", state.id) };
        let Some(Entry::File(file)) = mounted.entries.get("/f") else {
            found.insert("no file".to_owned());
            continue;
        };
        let ino: Ino = file.ino();
        let attributes = survivors.tree.attributes.get(&ino).cloned().unwrap_or(Ok(Vec::new())).unwrap();
        found.insert(attributes.iter().map(shown).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(found, wanted.iter().map(|one| (*one).to_owned()).collect(), "{what}");
}

const OPEN: &str = r#"open(fd: "f", path: "/f", flags: [O_RDWR])"#;

#[test]
fn what_survives() {
    let file = r#"create("/f", "data")"#;
    check(
        "fsync commits an attribute",
        file,
        &format!(r#"{OPEN}, setxattr(path: "/f", name: "user.a", value: "1"), fsync("f")"#),
        &["", "user.a=1"],
    );
    check(
        "fdatasync does not, nor does anything else",
        file,
        &format!(r#"{OPEN}, fsetxattr(fd: "f", name: "user.a", value: "1"), fdatasync("f")"#),
        &[""],
    );
    check(
        "a change is whole or not at all",
        &format!(r#"{file}, setxattr(path: "/f", name: "user.a", value: "1")"#),
        &format!(r#"{OPEN}, setxattr(path: "/f", name: "user.a", value: "2"), fsync("f")"#),
        &["user.a=1", "user.a=2"],
    );
    check(
        "a large value goes into a block",
        file,
        &format!(r#"{OPEN}, setxattr(path: "/f", name: "user.a", value: repeat("v", 1000)), fsync("f")"#),
        &["", "user.a=1000 bytes"],
    );
    check(
        "from the inode to a block and back",
        &format!(r#"{file}, setxattr(path: "/f", name: "trusted.a", value: "1")"#),
        &format!(
            r#"{OPEN}, setxattr(path: "/f", name: "trusted.a", value: repeat("v", 1000)), fsync("f"),
            setxattr(path: "/f", name: "trusted.a", value: "3"), fsync("f"),
            removexattr(path: "/f", name: "trusted.a"), fsync("f")"#
        ),
        &["trusted.a=1", "trusted.a=1000 bytes", "trusted.a=3", ""],
    );
}

#[test]
fn blocks_are_shared() {
    let long = r#"repeat("v", 1000)"#;
    let setup = format!(
        r#"create("/f", ""), create("/g", ""), setxattr(path: "/f", name: "user.a", value: {long}),
        setxattr(path: "/g", name: "user.a", value: {long})"#
    );
    let steps = r#"setxattr(path: "/g", name: "user.a", value: repeat("w", 1000)), sync, unlink("/f"), sync, unlink("/g"), sync"#;
    check("a shared block is left, then freed", &setup, steps, &["user.a=1000 bytes", "no file"]);
    let again = format!(
        r#"removexattr(path: "/f", name: "user.a"), sync, setxattr(path: "/f", name: "user.a", value: {long}), sync"#
    );
    check("a block is left and found again", &setup, &again, &["user.a=1000 bytes", ""]);
}

#[test]
fn the_file_of_orphans() {
    let cases = [
        ("unlinked while open", r#"create("/f", "data")"#, r#"unlink("/f"), sync, close("f"), sync"#),
        ("truncated", r#"create("/f", repeat("x", 20000))"#, r#"ftruncate("f", 5), fsync("f")"#),
        (
            "both",
            r#"create("/f", repeat("x", 20000)), create("/g", "g")"#,
            r#"unlink("/f"), unlink("/g"), sync"#,
        ),
    ];
    for (what, setup, steps) in cases {
        let scenario =
            scenario("features: [metadata_csum, orphan_file, dir_index]", setup, &format!("{OPEN}, {steps}"));
        accepted(what, &scenario);
        let states = crashed(&scenario, &Profile::of(Kernel::V6_12), 300);
        assert!(states.len() > 3, "{what}: {} states", states.len());
        for state in states {
            let Observation::Mounted(found) = state.found else { panic!("{what}: {}", state.id) };
            assert!(found.repairs.is_empty(), "{what}: {}: {:?}", state.id, found.repairs);
        }
    }
}
