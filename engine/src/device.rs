//! The simulated disk: what it was asked, what it holds, and what it promises.
//!
//!   block layer ──submit──▶ Disk ──▶ DeviceLog: submitted and completed, in the order they happened
//!                              └───▶ what a read returns: the newest write, durable or not
//!
//! A write is *in flight* from its submission, *cached* from its completion, *durable* when a flush that was
//! submitted after its completion completes, or when it completes itself with FUA. The log says all of that and
//! decides nothing: which of the writes survive a power cut is `crash`'s question.
//!
//! Not modelled: writes that land at the wrong sector, flushes that lie, device errors, discards.

mod disk;
mod image;
mod log;
mod media;
mod model;
mod request;

pub use disk::Disk;
pub use image::DiskImage;
pub use log::{DeviceLog, Event};
pub use media::{Media, Question, Reader, Step, Whole};
pub use model::{AtomicUnit, Cache, DiskModel, Fua};
pub use request::{Cause, Op, Origin, Request, Why};
