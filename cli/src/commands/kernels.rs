//! `unplug kernels`: what is modelled, and what differs.

use super::Failure;
use crate::args::{Format, Kernels};
use crate::exit::Exit;
use crate::output::Output;
use crate::render::kernels::{self, Question};

/// Shows the list, one kernel, or what differs between two.
pub(super) fn kernels(args: &Kernels) -> Result<Exit, Failure> {
    let question = match args.kernels.as_slice() {
        [] => Question::All,
        [one] => Question::One(*one),
        [one, other, ..] => Question::Between(*one, *other),
    };
    let text = match args.format {
        Format::Human => kernels::human(question),
        Format::Json => kernels::json(question),
    };
    Output::to(None)?.print(&text)?;
    Ok(Exit::Good)
}
