//! The language: what is read, what is refused and where, and that nothing takes it down.

mod accepted;
mod data;
mod hostile;
mod kernels;
mod mappings;
mod reference;
mod refused;

use super::{Call, Scenario, Step, parse};

/// A scenario with these steps and nothing else.
fn with_steps(steps: &str) -> String {
    format!("(title: \"t\", steps: [\n{steps}\n])")
}

/// A scenario that must be right.
fn right(what: &str, text: &str) -> Scenario {
    match parse(text) {
        Ok(scenario) => scenario,
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("{what}: {text}\n{}", errors.join("\n"));
        }
    }
}

/// The call of each step.
fn calls(steps: &[Step]) -> Vec<Call> {
    steps.iter().map(|step| step.call.clone()).collect()
}
