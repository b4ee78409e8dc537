//! `unplug trace`: what the kernel does for each call.

use super::{Failure, Kernels, Trouble, scenario};
use crate::args::Trace;
use crate::exit::Exit;
use crate::output::Output;
use crate::render::trace::render;
use unplug::stack::run;

/// Runs a scenario once, without a crash, and shows the way of each call.
pub(super) fn trace(args: &Trace) -> Result<Exit, Failure> {
    let traced = scenario(&args.file, args.kernel).and_then(|scenario| {
        let trace = run(&scenario, args.schedule.schedule());
        trace.map(|trace| render(&scenario, &trace)).map_err(|error| Trouble::step(&scenario, error))
    });
    match traced {
        Ok(text) => {
            Output::to(None)?.print(&text)?;
            Ok(Exit::Good)
        }
        Err(trouble) => {
            trouble.print(&args.file, Kernels::One);
            Ok(Exit::Unusable)
        }
    }
}
