//! `unplug trace`: what the kernel does for each call.

use super::{Failure, Kernels, Trouble, scenario};
use crate::args::Trace;
use crate::exit::Exit;
use crate::output::Output;
use crate::render::trace::{Part, render};
use unplug::scenario::{Call, Scenario};
use unplug::stack::run;

/// Runs a scenario once, without a crash, and shows the way of each call.
pub(super) fn trace(args: &Trace) -> Result<Exit, Failure> {
    let traced = scenario(&args.file, args.kernel).and_then(|scenario| {
        let trace = run(&scenario, args.schedule.schedule());
        let trace = trace.map_err(|error| Trouble::step(&scenario, error))?;
        Ok(part(&scenario, args.step.as_deref()).map(|part| render(&scenario, &trace, part)))
    });
    match traced {
        Ok(text) => {
            let text =
                text.map_err(|failure| Failure::new(format!("{}: {}", args.file.display(), failure.0)))?;
            Output::to(None)?.print(&text)?;
            Ok(Exit::Good)
        }
        Err(trouble) => {
            trouble.print(&args.file, Kernels::One);
            Ok(Exit::Unusable)
        }
    }
}

/// What a user asks to see: a step by its number, or by the mark behind it.
fn part(scenario: &Scenario, step: Option<&str>) -> Result<Part, Failure> {
    let Some(asked) = step else { return Ok(Part::All) };
    let steps = &scenario.steps;
    if let Ok(number) = asked.parse::<usize>() {
        return number.checked_sub(1).filter(|index| *index < steps.len()).map(Part::Step).ok_or_else(|| {
            Failure::new(format!("there is no step {number}: there are 1 to {}", steps.len()))
        });
    }
    let marks =
        || steps.iter().enumerate().filter_map(|(index, step)| mark(&step.call).map(|name| (index, name)));
    let Some((marked, _)) = marks().find(|(_, name)| *name == asked) else {
        let names: Vec<String> = marks().map(|(_, name)| format!("{name:?}")).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Failure::new(format!("there is no mark {asked:?}; marks: {there}")));
    };
    // A mark does nothing itself: it names the moment behind the call before it.
    let before = steps.iter().take(marked).rposition(|step| mark(&step.call).is_none());
    Ok(Part::Step(before.unwrap_or(marked)))
}

/// The name of a mark.
fn mark(call: &Call) -> Option<&str> {
    if let Call::Mark { name } = call { Some(name.as_ref()) } else { None }
}
