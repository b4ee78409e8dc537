//! Where other kernels answer differently.

use super::{Cell, Matrix, Mount, Probe};
use crate::kernel::Kernel;

/// A row in which some kernels, under some mounts, all answer the same, and not as the kernel beside which they are put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The question.
    pub probe: &'static Probe,
    /// The mounts.
    pub mounts: Vec<&'static Mount>,
    /// The kernels.
    pub kernels: Vec<Kernel>,
    /// What they answer.
    pub there: Cell,
    /// What the other one answers; none where that depends on the mount, and all of them refuse to answer.
    pub here: Option<Cell>,
}

/// The cells in which other kernels differ from one, joined over kernels and then over mounts, in the order of the rows.
/// A mount that is no column of `here`, because it says there what the defaults say, is put beside the defaults.
pub fn differences(here: &Matrix, others: &[Matrix]) -> Vec<Difference> {
    let mut found = Vec::new();
    for probe in Probe::ALL {
        let mut of_row: Vec<Difference> = Vec::new();
        for mount in Mount::ALL {
            for difference in of_column(here, others, probe, mount) {
                match of_row.iter_mut().find(|known| is_alike(known, &difference)) {
                    Some(known) => {
                        known.here = known.here.take().filter(|cell| Some(cell) == difference.here.as_ref());
                        known.mounts.extend(difference.mounts);
                    }
                    None => of_row.push(difference),
                }
            }
        }
        found.extend(of_row);
    }
    found
}

/// The same of one row and one column: at most one for each answer.
fn of_column(
    here: &Matrix,
    others: &[Matrix],
    probe: &'static Probe,
    mount: &'static Mount,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    let Some(own) = here.cell(probe, mount).or_else(|| here.cell(probe, Mount::DEFAULTS)) else {
        return found;
    };
    for other in others {
        let Some(cell) = other.cell(probe, mount).filter(|cell| !cell.is_like(own)) else { continue };
        match found.iter_mut().find(|known| known.there.is_like(cell)) {
            Some(known) => known.kernels.push(other.kernel),
            None => found.push(Difference {
                probe,
                mounts: vec![mount],
                kernels: vec![other.kernel],
                there: cell.clone(),
                here: Some(own.clone()),
            }),
        }
    }
    found
}

/// Whether two differences in a row are one, over their mounts.
fn is_alike(known: &Difference, other: &Difference) -> bool {
    known.kernels == other.kernels
        && known.there.is_like(&other.there)
        && (known.here == other.here || matches!(known.there, Cell::Refused(_)))
}
