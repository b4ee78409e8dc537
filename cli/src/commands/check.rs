//! `unplug check`: is a scenario file in order?

use super::{Failure, scenario};
use crate::args::Check;
use crate::exit::Exit;
use crate::files;
use crate::output::Output;
use crate::render::count;
use unplug::units::len_u64;

/// Reads every file and says what is wrong with it.
pub(super) fn check(args: &Check) -> Result<Exit, Failure> {
    let mut output = Output::to(None)?;
    let mut exit = Exit::Good;
    for file in files::scenarios(&args.paths)? {
        match scenario(&file) {
            Ok(scenario) => {
                let (steps, expectations) = (
                    count(len_u64(scenario.steps.len()), "step", "steps"),
                    count(len_u64(scenario.expect.len()), "expectation", "expectations"),
                );
                let name = file.display();
                output.print(&format!("{name}: in order ({steps}, {expectations})\n"))?;
            }
            Err(trouble) => {
                trouble.print(&file);
                exit = Exit::Unusable;
            }
        }
    }
    Ok(exit)
}
