//! What the program was told, and when; and the way each call took through the kernel.

mod errno;
mod record;
mod way;

pub use errno::Errno;
pub use record::{History, InMemory, Returned, StepRecord};
pub use way::{Way, WayEvent};
