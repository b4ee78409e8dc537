//! What the program was told, and when; what it changed; and the way each call took through the kernel.

mod errno;
mod fact;
mod record;
mod way;

pub use errno::Errno;
pub use fact::{Fact, Synced};
pub use record::{History, InMemory, Returned, StepRecord};
pub use way::{Way, WayEvent};
