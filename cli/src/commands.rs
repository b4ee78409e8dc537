//! The verbs.

mod check;
mod image;
mod run;
mod trace;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::output::{OutputError, error, plain_error, stderr_has_colour};
use crate::render::diagnostic;
use crate::{files, load};
use std::fmt;
use std::path::Path;
use unplug::scenario::{Diagnostic, Scenario, parse};
use unplug::stack::{Place, StepError};

/// Does what was asked, and says how it went.
pub(crate) fn dispatch(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::Run(run) => run::run(&run),
        Command::Trace(trace) => trace::trace(&trace),
        Command::Image(image) => image::image(&image),
        Command::Check(check) => check::check(&check),
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
    Step { title: String, at: String, error: StepError },
}

impl Trouble {
    /// A step did not go as the scenario says.
    fn step(scenario: &Scenario, error: StepError) -> Self {
        let (word, number, step) = match error.place {
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
        Self::Step { title: scenario.title.clone(), at, error }
    }

    /// Says what is wrong, on standard error.
    fn print(&self, file: &Path) {
        match self {
            Self::Load(failed) => error(&failed.to_string()),
            Self::Wrong { text, diagnostics } => {
                let file = file.display().to_string();
                plain_error(&diagnostic::render(&file, text, diagnostics, stderr_has_colour()));
            }
            Self::Step { at, error: failed, .. } => {
                let help = failed.help.as_ref().map_or(String::new(), |help| format!("\n  help: {help}"));
                error(&format!("{}: {at}: {}{help}", file.display(), failed.message));
            }
        }
    }
}

/// Reads a scenario file.
fn scenario(file: &Path) -> Result<Scenario, Trouble> {
    let text = load::load(file).map_err(Trouble::Load)?;
    parse(&text).map_err(|diagnostics| Trouble::Wrong { text, diagnostics })
}
