//! The language reference: each of its scenarios, and each step that its table shows, is read.

use super::super::{Scenario, parse_all};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/README.md");

fn read(what: &str, text: &str) -> Vec<Scenario> {
    parse_all(text).unwrap_or_else(|errors| panic!("{what}: {text}\n{errors:#?}"))
}

#[test]
fn its_scenarios_are_read() {
    let reference = std::fs::read_to_string(REFERENCE).unwrap();
    let examples: Vec<&str> =
        reference.split("```ron\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 6, "{} examples", examples.len());
    for example in examples {
        read("an example", example);
    }
}

/// The rows `| name | example | notes |` whose example is that step.
#[test]
fn its_steps_are_read() {
    let reference = std::fs::read_to_string(REFERENCE).unwrap();
    let mut shown = 0;
    for row in reference.lines() {
        let cells: Vec<&str> = row.split(" | ").map(|cell| cell.trim_matches([' ', '|', '`'])).collect();
        let [name, example, ..] = cells[..] else { continue };
        if !row.starts_with("| `") || !example.starts_with(name) || name.contains(['(', '.']) {
            continue;
        }
        let opened = "open(fd: \"f\", path: \"/f\", flags: [O_RDWR]),";
        let mapped = "mmap(map: \"m\", fd: \"f\", length: 1, prot: [], flags: [MAP_SHARED]),";
        let before = match name {
            "open" => String::new(),
            "mmap" => opened.to_owned(),
            _ => format!("{opened}{mapped}"),
        };
        let example = example.replace("\\|", "|");
        let text = format!("(title: \"t\", stack: (kernel: \"..\"), steps: [{before}{example}])");
        let scenarios = read(name, &text);
        let last = scenarios.first().and_then(|one| one.steps.last()).unwrap();
        assert!(last.text.starts_with(name) || name == "times", "{name}: {}", last.text);
        shown += 1;
    }
    assert!(shown >= 36, "{shown} steps");
}
