//! The verbs.

mod check;
mod guarantees;
mod image;
mod kernels;
mod run;
mod trace;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::output::{OutputError, error, plain_error, stderr_has_colour};
use crate::render::diagnostic;
use crate::{files, load};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use unplug::device::DiskImage;
use unplug::kernel::Kernel;
use unplug::scenario::{Diagnostic, Scenario, parse, parse_all, parse_for};
use unplug::stack::{Place, StepError};

/// Does what was asked, and says how it went.
pub(crate) fn dispatch(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::Run(run) => run::run(&run),
        Command::Trace(trace) => trace::trace(&trace),
        Command::Image(image) => image::image(&image),
        Command::Check(check) => check::check(&check),
        Command::Kernels(kernels) => kernels::kernels(&kernels),
        Command::Guarantees(args) => guarantees::guarantees(&args),
    };
    done.unwrap_or_else(|failure| {
        error(&failure.0);
        Exit::Unusable
    })
}

/// Why a command could not do its work, in words.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::new(error)
    }
}

impl From<files::FilesError> for Failure {
    fn from(error: files::FilesError) -> Self {
        Self::new(error)
    }
}

/// Why a scenario gave no report.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It could not be read.
    Load(load::LoadError),
    /// It is not in order.
    Wrong { text: String, diagnostics: Vec<Diagnostic> },
    /// Without any crash, a call did not return what the scenario says.
    Step { title: String, kernel: Kernel, at: String, error: StepError },
}

impl Trouble {
    /// A step did not go as the scenario says.
    fn step(scenario: &Scenario, error: StepError) -> Self {
        let (word, number, step) = match error.place {
            Place::Image => {
                let (title, kernel) = (scenario.title.clone(), scenario.stack.kernel);
                return Self::Step { title, kernel, at: "stack: (image)".to_owned(), error };
            }
            Place::Setup(number) => ("setup step", number, scenario.setup.get(number)),
            Place::Step(number) => {
                let number = usize::try_from(number.get()).unwrap_or(usize::MAX);
                ("step", number, scenario.steps.get(number))
            }
        };
        let number = number.saturating_add(1);
        let at = step.map_or_else(
            || format!("{word} {number}"),
            |step| format!("line {}, {word} {number}, {}", step.line, step.text),
        );
        Self::Step { title: scenario.title.clone(), kernel: scenario.stack.kernel, at, error }
    }

    /// The kernel that it ran on; none where it could not run on any.
    pub(crate) const fn kernel(&self) -> Option<Kernel> {
        match self {
            Self::Step { kernel, .. } => Some(*kernel),
            Self::Load(_) | Self::Wrong { .. } => None,
        }
    }

    /// Says what is wrong, on standard error; with several kernels, on which.
    fn print(&self, file: &Path, kernels: Kernels) {
        let on = match (kernels, self.kernel()) {
            (Kernels::Several, Some(kernel)) => format!("on Linux {kernel}: "),
            (Kernels::Several, None) | (Kernels::One, _) => String::new(),
        };
        match self {
            Self::Load(failed) => error(&failed.to_string()),
            Self::Wrong { text, diagnostics } => {
                let file = file.display().to_string();
                plain_error(&diagnostic::render(&file, text, diagnostics, stderr_has_colour()));
            }
            Self::Step { at, error: failed, .. } => {
                let help = failed.help.as_ref().map_or(String::new(), |help| format!("\n  help: {help}"));
                error(&format!("{}: {on}{at}: {}{help}", file.display(), failed.message));
            }
        }
    }
}

/// On how many kernels a file is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kernels {
    One,
    Several,
}

/// Reads a scenario file, for one kernel, or for the first that it names.
fn scenario(file: &Path, kernel: Option<Kernel>) -> Result<Scenario, Trouble> {
    let text = load::load(file).map_err(Trouble::Load)?;
    let parsed = match kernel {
        None => parse(&text),
        Some(kernel) => parse_for(&text, &[kernel]).and_then(|mut all| all.pop().ok_or_else(Vec::new)),
    };
    let mut found = parsed.map_err(|diagnostics| Trouble::Wrong { text, diagnostics })?;
    read_images(file, std::slice::from_mut(&mut found))?;
    Ok(found)
}

/// Reads the image that scenarios of a file begin with, once for all of them.
fn read_images(file: &Path, scenarios: &mut [Scenario]) -> Result<(), Trouble> {
    let mut read: Option<(String, Arc<DiskImage>)> = None;
    for image in scenarios.iter_mut().filter_map(|scenario| scenario.stack.image.as_mut()) {
        let disk = match &read {
            Some((path, disk)) if *path == image.path => Arc::clone(disk),
            Some(_) | None => {
                let path = file.parent().unwrap_or(Path::new("")).join(&image.path);
                Arc::new(load::load_image(&path).map_err(Trouble::Load)?)
            }
        };
        read = Some((image.path.clone(), Arc::clone(&disk)));
        image.disk = Some(disk);
    }
    Ok(())
}

/// Reads a scenario file: a scenario for each of some kernels, or for each that it names where there are none.
fn scenarios(file: &Path, kernels: &[Kernel]) -> Result<Vec<Scenario>, Trouble> {
    let text = load::load(file).map_err(Trouble::Load)?;
    let parsed = if kernels.is_empty() { parse_all(&text) } else { parse_for(&text, kernels) };
    let mut found = parsed.map_err(|diagnostics| Trouble::Wrong { text, diagnostics })?;
    read_images(file, &mut found)?;
    Ok(found)
}
