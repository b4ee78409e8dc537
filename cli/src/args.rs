//! The arguments, and nothing else.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use unplug::guarantees::Mount;
use unplug::kernel::{Kernel, KernelError};
use unplug::schedule::Schedule;

/// What can a power cut leave behind?
///
/// unplug runs a short scenario (a setup, a program's system calls, and what must be found afterwards) on a model of
/// the Linux storage stack that writes a real ext4 file system to a simulated disk. It then cuts the power at every
/// moment, considers every state in which the disk may legally be left, mounts each as Linux would, and says what
/// survived.
#[derive(Parser, Debug)]
#[command(name = "unplug", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  unplug run scenarios/rename/replace-via-rename.ron
      what a crash can leave at each step, and whether that is expected
  unplug run scenarios
      all scenarios of a folder: those that do not hold, and a summary
  unplug trace scenarios/rename/replace-via-rename.ron --schedule late
      what the kernel did for each call, and what it asked of the disk
  unplug image scenarios/rename/replace-via-rename.ron --state late@20:all -o crash.img
      the disk after one of the crashes, to look at with other tools
  unplug run scenarios/rename/replace-via-rename.ron --kernel 3.10..
      the same on kernels from 3.10 on: what differs, side by side
  unplug kernels 2.6.18 2.6.19
      what differs between two kernels, and where that is written
  unplug guarantees --matrix
      what ext4 keeps after a crash, by call, mount option and kernel
  unplug check my.ron
      is the file in order? nothing is run

Exit status:
  0  every expectation holds
  1  an expectation is violated
  2  the arguments or a scenario are wrong, or a call did not return what the scenario says
  3  inconclusive: not every crash state could be decided, and nothing speaks against an expectation
  70 a bug in unplug";

/// A verb.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run scenarios, cut the power everywhere, and report what can be left.
    Run(Run),
    /// Show what the kernel does for each call of a scenario, without a crash.
    Trace(Trace),
    /// Write the disk image of one crash state.
    Image(Image),
    /// Check that scenario files are in order, without running them.
    Check(Check),
    /// Show the kernels that are modelled, and what differs between them.
    Kernels(Kernels),
    /// Show what survives a crash after which call.
    Guarantees(Guarantees),
}

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
A crash state is named like late@17:w3. Its three parts say how soon writes complete (late), before which event at \
the disk the power is cut (17), and what survived of all that was not yet durable (write 3). `unplug trace` shows \
those numbers, `unplug image --state` writes that very disk image.

A scenario that names several kernels is run on each, and so is every scenario with --kernel. The report then puts the \
kernels side by side; neighbours that say the same share a row. `unplug kernels` lists them.")]
pub(crate) struct Run {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Run on these kernels instead of those that the scenario names: a version, or a range with both its ends
    /// (2.6.16..3.16, ..3.16, 6.1.., ..). May be given more than once.
    #[arg(long = "kernel", value_name = "VERSIONS", value_parser = Versions::parse)]
    pub(crate) kernels: Vec<Versions>,
    /// Print the reports of all scenarios in full, and each kernel's where there are several. Without it, where there
    /// are several files, those that hold have only a line in the summary, or a table where they have several kernels.
    #[arg(long)]
    pub(crate) full: bool,
    /// Write the report to this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Different results of recovery to look for in each scenario, at most; all images that lead to one are looked
    /// at together. Where there are more a sample is drawn, and the verdict may be inconclusive.
    #[arg(
        long,
        alias = "max-states",
        value_name = "N",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) max_leaves: u64,
    /// Print all digits of large numbers. Without it, a number above a million is a power of two.
    #[arg(long)]
    pub(crate) exact: bool,
    /// What the sample is drawn from. The same seed gives the same report.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads to use; without it, one for each processor. The report does not depend on it.
    #[arg(long, alias = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

/// The format of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For programs: one JSON object.
    Json,
}

/// Arguments of `trace`.
#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// The scenario file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show one step only: its number, or the name of a mark, for the call before it.
    #[arg(long, value_name = "N|MARK")]
    pub(crate) step: Option<String>,
    /// When I/O completes that no call waits for.
    #[arg(long, value_enum, default_value_t = Timing::Prompt)]
    pub(crate) schedule: Timing,
    /// The kernel to run on; without it, the first that the scenario names.
    #[arg(long, value_name = "VERSION", value_parser = version())]
    pub(crate) kernel: Option<Kernel>,
}

/// A schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Timing {
    /// At once: before the call that started it returns.
    Prompt,
    /// Late: when something waits for it, or after a tenth of a second of virtual time.
    Late,
}

impl Timing {
    /// The engine's name for it.
    pub(crate) const fn schedule(self) -> Schedule {
        match self {
            Self::Prompt => Schedule::Prompt,
            Self::Late => Schedule::Late,
        }
    }
}

/// Arguments of `image`.
#[derive(Args, Debug)]
#[command(after_help = "\
The image is a whole ext4 file system that was not unmounted. Mounting it recovers it, which changes it; so does \
`e2fsck -fp`, while `debugfs` and `dumpe2fs` only look.

The language of --state, where 17 is the event before which the power is cut:
  late@17:none           nothing survived that did not have to be durable
  prompt@17:all          everything survived that was submitted
  late@17:w3,w5.2-4+7    of what was not durable, only write 3, and parts 2 to 4 and 7 of write 5
  late@17:all,-w5.2      everything but part 2 of write 5
  late@17:x1f3           the choices as one number, where words would be long

Examples:
  unplug image scenarios/rename/replace-via-rename.ron --state late@20:all -o crash.img
  sudo mount -o loop crash.img /mnt && ls -l /mnt
  unplug image scenarios/rename/replace-via-rename.ron --base -o before.img")]
pub(crate) struct Image {
    /// The scenario file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The crash state, as a report names it: late@17:w3.
    #[arg(long, value_name = "ID", required_unless_present = "base", conflicts_with = "base")]
    pub(crate) state: Option<String>,
    /// The disk before the first step instead, mounted and all of it durable.
    #[arg(long)]
    pub(crate) base: bool,
    /// The kernel to run on; without it, the first that the scenario names.
    #[arg(long, value_name = "VERSION", value_parser = version())]
    pub(crate) kernel: Option<Kernel>,
    /// The image file to write. It is sparse, and as large as the simulated disk.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Arguments of `kernels`.
#[derive(Args, Debug)]
pub(crate) struct Kernels {
    /// A kernel: everything that it does where kernels differ. Two: what differs between them. Without any, the list.
    #[arg(value_name = "VERSION", num_args = 0..=2, value_parser = version())]
    pub(crate) kernels: Vec<Kernel>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// Arguments of `guarantees`.
#[derive(Args, Debug)]
#[command(after_help = "\
Each row of the matrix asks one question of a short scenario, each column is a way to mount the file system. Nothing in \
it is written down: every cell is a run, over all legal crash states. It says what ext4 does, not what anybody promises.

Examples:
  unplug guarantees --matrix
      Linux 6.6 in full, and where other kernels differ
  unplug guarantees --matrix --kernel 6.1 --mount def --mount nojnl
      two columns of one kernel
  unplug guarantees --matrix --kernel ..2.6.19
      old kernels; without --kernel, those are shown that flush the disk's cache by default (since 3.10)
  unplug guarantees --scenario replace-commit --mount def --kernel 6.6 > cell.ron; unplug run cell.ron
      why a cell says what it says")]
pub(crate) struct Guarantees {
    /// What ext4 does, by call, mount option and kernel, found out by running the model. Without it, what calls promise.
    #[arg(long)]
    pub(crate) matrix: bool,
    /// Print the scenario of a cell instead: of this row, of the first --mount and the first --kernel.
    #[arg(long, value_name = "ROW", conflicts_with_all = ["matrix", "format", "threads"])]
    pub(crate) scenario: Option<String>,
    /// Only this column, by its short name. May be given more than once.
    #[arg(long = "mount", value_name = "COLUMN", value_parser = mount())]
    pub(crate) mounts: Vec<&'static Mount>,
    /// These kernels instead of all since 3.10: a version, or a range with both its ends. The first is shown in full. May be given
    /// more than once.
    #[arg(long = "kernel", value_name = "VERSIONS", value_parser = Versions::parse)]
    pub(crate) kernels: Vec<Versions>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Threads to use; without it, one for each processor. The matrix does not depend on it.
    #[arg(long, alias = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

/// Kernels that one argument names: a version or a range.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Versions(Vec<Kernel>);

impl Versions {
    fn parse(text: &str) -> Result<Self, KernelError> {
        Kernel::range(text).map(Self)
    }

    /// All of several arguments in their order, each kernel once.
    pub(crate) fn all(arguments: &[Self]) -> Vec<Kernel> {
        let mut all = Vec::new();
        for kernel in arguments.iter().flat_map(|versions| &versions.0) {
            if !all.contains(kernel) {
                all.push(*kernel);
            }
        }
        all
    }
}

/// One version, of those that there are.
fn version() -> impl TypedValueParser<Value = Kernel> {
    PossibleValuesParser::new(Kernel::ALL.iter().map(|kernel| kernel.version()))
        .try_map(|version| Kernel::range(&version)?.first().copied().ok_or(KernelError::Unknown { version }))
}

/// One column of the matrix, of those that there are.
fn mount() -> impl TypedValueParser<Value = &'static Mount> {
    PossibleValuesParser::new(Mount::ALL.iter().map(|mount| mount.name))
        .try_map(|name| Mount::named(&name).ok_or("no such column"))
}

/// Reads the arguments; where they are wrong, says so and exits with status 2.
pub(crate) fn parse() -> Arguments {
    Arguments::parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_are_accepted_or_refused() {
        let check = |line: &str, fine: bool| {
            let parsed = Arguments::try_parse_from(line.split(' '));
            assert_eq!(parsed.is_ok(), fine, "{line}: {parsed:?}");
        };
        check("unplug run a.ron b", true);
        check("unplug run", false);
        check("unplug run a.ron --format json --output x --seed 3 --threads 2 --max-leaves 10 --exact", true);
        check("unplug run a.ron --jobs 2 --max-states 10", true);
        check("unplug run a.ron b.ron --full", true);
        check("unplug run a.ron --format yaml", false);
        check("unplug run a.ron --threads 0", false);
        check("unplug run a.ron --max-leaves 0", false);
        check("unplug trace a.ron --schedule late", true);
        check("unplug trace a.ron --schedule never", false);
        check("unplug trace a.ron --step 3", true);
        check("unplug trace a.ron --step synced", true);
        check("unplug image a.ron --state late@17:w3 -o x", true);
        check("unplug image a.ron --base -o x", true);
        check("unplug image a.ron -o x", false);
        check("unplug image a.ron --base --state late@17:w3 -o x", false);
        check("unplug image a.ron --base", false);
        check("unplug check a.ron", true);
        check("unplug run a.ron --kernel 6.6 --kernel ..2.6.19", true);
        check("unplug run a.ron --kernel 6.7", false);
        check("unplug run a.ron --kernel 6.6..6.1", false);
        check("unplug trace a.ron --kernel 2.6.18", true);
        check("unplug trace a.ron --kernel 2.6.18..", false);
        check("unplug image a.ron --base --kernel 2.6.18 -o x", true);
        check("unplug kernels", true);
        check("unplug kernels 2.6.18 6.6 --format json", true);
        check("unplug kernels 2.6.18 6.6 6.12", false);
        check("unplug kernels 6.7", false);
        check("unplug guarantees --matrix --kernel 6.1.. --mount def --mount jdata --format json", true);
        check("unplug guarantees --scenario fsync-bytes --mount nojnl --kernel 6.6", true);
        check("unplug guarantees --scenario fsync-bytes --matrix", false);
        check("unplug guarantees --matrix --mount ext3", false);
        check("unplug", false);
    }

    #[test]
    fn each_kernel_is_run_once_and_in_the_order_of_the_arguments() {
        let arguments = ["6.6..6.12", "2.6.18", "6.6"].map(|text| Versions::parse(text).unwrap());
        let wanted = [Kernel::V6_6, Kernel::V6_6_51, Kernel::V6_12, Kernel::V2_6_18];
        assert_eq!(Versions::all(&arguments), wanted);
    }
}
