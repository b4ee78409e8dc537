//! `unplug check`: is a scenario file in order?

use super::{Failure, Kernels, scenarios};
use crate::args::Check;
use crate::exit::Exit;
use crate::files;
use crate::output::Output;
use crate::render::count;
use unplug::scenario::Scenario;
use unplug::units::len_u64;

/// Reads every file and says what is wrong with it.
pub(super) fn check(args: &Check) -> Result<Exit, Failure> {
    let mut output = Output::to(None)?;
    let mut exit = Exit::Good;
    for file in files::scenarios(&args.paths)? {
        match scenarios(&file, &[]) {
            Ok(scenarios) => {
                // Those that some kernels leave out count too.
                let most =
                    |len: fn(&Scenario) -> usize| len_u64(scenarios.iter().map(len).max().unwrap_or(0));
                let mut parts = vec![
                    count(most(|one| one.steps.len()), "step", "steps"),
                    count(most(|one| one.expect.len()), "expectation", "expectations"),
                ];
                if scenarios.len() > 1 {
                    parts.push(format!("{} kernels", scenarios.len()));
                }
                output.print(&format!("{}: in order ({})\n", file.display(), parts.join(", ")))?;
            }
            Err(trouble) => {
                trouble.print(&file, Kernels::One);
                exit = Exit::Unusable;
            }
        }
    }
    Ok(exit)
}
