//! `unplug run`: scenarios in, reports out.

use super::{Failure, Kernels, Trouble, scenarios};
use crate::args::{Format, Run, Versions};
use crate::exit::Exit;
use crate::files;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::human::{Detail, Human, Named};
use crate::render::numbers::Digits;
use crate::render::{Renderer, json::Json};
use rayon::prelude::*;
use std::path::Path;
use unplug::check::check_with;
use unplug::crash::Bounds;
use unplug::kernel::Kernel;
use unplug::report::{Report, Verdict};

/// So many files are run side by side before their reports are printed, in order.
const BATCH: usize = 16;

/// Runs every scenario on each of its kernels, and prints the reports in the order of the files.
pub(super) fn run(args: &Run) -> Result<Exit, Failure> {
    let files = files::scenarios(&args.paths)?;
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        pool.build_global().map_err(Failure::new)?;
    }
    let mut output = Output::to(args.output.as_deref())?;
    let kernels = Versions::all(&args.kernels);
    let mut renderer = renderer(args, files.len(), &kernels);
    let bounds = Bounds { max_leaves: args.max_leaves, seed: args.seed, ..Bounds::default() };
    let progress = Progress::new(files.len());
    let mut exit = Exit::Good;
    for batch in files.chunks(BATCH) {
        let batch_results: Vec<_> =
            batch.par_iter().map(|file| one(file, &kernels, &bounds, &progress)).collect();
        for (file, results) in batch.iter().zip(batch_results) {
            let kernels = if results.len() > 1 { Kernels::Several } else { Kernels::One };
            for result in &results {
                if let Err(trouble) = result {
                    progress.aside(|| trouble.print(file, kernels));
                }
                exit = exit.max(status(result));
            }
            let text = renderer.scenario(file, &results);
            progress.aside(|| output.print(&text))?;
        }
    }
    progress.end();
    output.print(&renderer.end())?;
    Ok(exit)
}

fn renderer(args: &Run, files: usize, kernels: &[Kernel]) -> Box<dyn Renderer> {
    let detail = match (args.full, files) {
        (true, _) => Detail::Everything,
        (false, 1) => Detail::Reports,
        (false, _) => Detail::Failures,
    };
    let named = if kernels.is_empty() { Named::ByFile } else { Named::ByCommand };
    let digits = if args.exact { Digits::All } else { Digits::Few };
    match args.format {
        Format::Human => Box::new(Human::new(detail, named, digits)),
        Format::Json => Box::new(Json::new()),
    }
}

/// A report for each kernel, or why the file has none.
fn one(
    file: &Path,
    kernels: &[Kernel],
    bounds: &Bounds,
    progress: &Progress,
) -> Vec<Result<Report, Trouble>> {
    match scenarios(file, kernels) {
        Ok(scenarios) => {
            let report = |scenario| {
                let work = progress.work();
                let leaves = |leaves: u64| work.leaves(leaves);
                check_with(scenario, bounds, &leaves).map_err(|error| Trouble::step(scenario, error))
            };
            let reports = scenarios.par_iter().map(report).collect();
            progress.file();
            reports
        }
        Err(trouble) => vec![Err(trouble)],
    }
}

fn status(result: &Result<Report, Trouble>) -> Exit {
    match result.as_ref().map(|report| report.verdict) {
        Ok(Verdict::Holds) => Exit::Good,
        Ok(Verdict::Inconclusive) => Exit::Inconclusive,
        Ok(Verdict::Violated) => Exit::Violated,
        Err(_) => Exit::Unusable,
    }
}
