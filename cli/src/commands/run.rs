//! `unplug run`: scenarios in, reports out.

use super::{Failure, Trouble, scenario};
use crate::args::{Format, Run};
use crate::exit::Exit;
use crate::files;
use crate::output::Output;
use crate::render::{Renderer, human::Human, json::Json};
use rayon::prelude::*;
use std::path::Path;
use unplug::check::check;
use unplug::crash::Bounds;
use unplug::report::{Report, Verdict};

/// So many scenarios are run side by side before their reports are printed, in order.
const BATCH: usize = 16;

/// Runs every scenario, and prints the reports in the order of the files.
pub(super) fn run(args: &Run) -> Result<Exit, Failure> {
    let files = files::scenarios(&args.paths)?;
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.into());
        pool.build_global().map_err(Failure::new)?;
    }
    let mut output = Output::to(args.output.as_deref())?;
    let mut renderer = renderer(args.format, args.full || files.len() == 1);
    let bounds = Bounds { max_states: args.max_states, seed: args.seed };
    let mut exit = Exit::Good;
    for batch in files.chunks(BATCH) {
        let results: Vec<_> = batch.par_iter().map(|file| one(file, &bounds)).collect();
        for (file, result) in batch.iter().zip(results) {
            if let Err(trouble) = &result {
                trouble.print(file);
            }
            exit = exit.max(status(&result));
            output.print(&renderer.scenario(file, &result))?;
        }
    }
    output.print(&renderer.end())?;
    Ok(exit)
}

fn renderer(format: Format, full: bool) -> Box<dyn Renderer> {
    match format {
        Format::Human => Box::new(Human::new(full)),
        Format::Json => Box::new(Json::new()),
    }
}

fn one(file: &Path, bounds: &Bounds) -> Result<Report, Trouble> {
    let scenario = scenario(file)?;
    check(&scenario, bounds).map_err(|error| Trouble::step(&scenario, error))
}

fn status(result: &Result<Report, Trouble>) -> Exit {
    match result.as_ref().map(|report| report.verdict) {
        Ok(Verdict::Holds) => Exit::Good,
        Ok(Verdict::Inconclusive) => Exit::Inconclusive,
        Ok(Verdict::Violated) => Exit::Violated,
        Err(_) => Exit::Unusable,
    }
}
