//! Where text goes: standard output, a file, or standard error.
//!
//! Styles are dropped where they are not wanted (a file, a pipe, NO_COLOR). A reader who has gone away (`| head`)
//! is no error: what follows is dropped, and the exit status still tells the verdict.

use anstream::{AutoStream, ColorChoice, StripStream};
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A place for reports.
pub(crate) struct Output {
    to: Box<dyn Write>,
    path: Option<PathBuf>,
    gone: bool,
}

/// A report could not be written.
#[derive(Debug)]
pub(crate) struct OutputError {
    path: Option<PathBuf>,
    error: io::Error,
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "cannot write {}: {}", path.display(), self.error),
            None => write!(f, "cannot write to standard output: {}", self.error),
        }
    }
}

impl Output {
    /// A file, or else standard output.
    pub(crate) fn to(path: Option<&Path>) -> Result<Self, OutputError> {
        let Some(path) = path else {
            return Ok(Self { to: Box::new(AutoStream::auto(io::stdout())), path: None, gone: false });
        };
        let file = File::create(path).map_err(|error| OutputError { path: Some(path.to_owned()), error })?;
        Ok(Self { to: Box::new(StripStream::new(file)), path: Some(path.to_owned()), gone: false })
    }

    /// Writes all of a text.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), OutputError> {
        if self.gone {
            return Ok(());
        }
        match self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            Err(error) => Err(OutputError { path: self.path.clone(), error }),
        }
    }
}

/// Says what went wrong, on standard error.
pub(crate) fn error(message: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    plain_error(&format!("{style}error{style:#}: {message}\n"));
}

/// Prints a text on standard error as it is. There is nobody to tell when that fails.
pub(crate) fn plain_error(text: &str) {
    let mut stderr = AutoStream::auto(io::stderr());
    stderr.write_all(text.as_bytes()).unwrap_or(());
}

/// Whether standard error shows styles.
pub(crate) fn stderr_has_colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}
