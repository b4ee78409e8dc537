//! `unplug guarantees`: what calls promise, and what ext4 keeps after a crash, asked of the model.

use super::Failure;
use crate::args::{Format, Guarantees, Versions};
use crate::exit::Exit;
use crate::output::Output;
use crate::render::{guarantees, promises};
use unplug::guarantees::{Matrix, Mount, Probe, kernels};
use unplug::kernel::Kernel;

/// Prints the table of promises, the matrix of a kernel and where others differ, or the scenario of one cell.
pub(super) fn guarantees(args: &Guarantees) -> Result<Exit, Failure> {
    let asked = Versions::all(&args.kernels);
    let kernels = if asked.is_empty() { kernels() } else { asked };
    let text = if let Some(row) = &args.scenario {
        let mount = args.mounts.first().copied().unwrap_or(Mount::DEFAULTS);
        scenario(row, mount, kernels.first().copied().unwrap_or_default())?
    } else if args.matrix {
        if let Some(threads) = args.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global().map_err(Failure::new)?;
        }
        let matrices = Matrix::of(&kernels, &args.mounts);
        match args.format {
            Format::Human => guarantees::human(&matrices),
            Format::Json => guarantees::json(&matrices),
        }
    } else {
        match args.format {
            Format::Human => promises::human(),
            Format::Json => promises::json(),
        }
    };
    Output::to(None)?.print(&text)?;
    Ok(Exit::Good)
}

/// The scenario of a cell.
fn scenario(row: &str, mount: &Mount, kernel: Kernel) -> Result<String, Failure> {
    let probe = Probe::named(row).ok_or_else(|| {
        Failure::new(format!("the matrix has no row {row:?}; `unplug guarantees --matrix` shows their names"))
    })?;
    Ok(probe.scenario(mount, kernel))
}
