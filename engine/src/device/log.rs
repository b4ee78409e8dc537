//! Everything that happened at the device, in order.
//!
//! ```text
//!   event    S0 S1 C0 C1 S2(flush) C2 S3 ...
//!   moment  0  1  2  3  4         5  6
//! ```
//! `Moment(m)` is the instant before event `m`. A request is numbered by its submission.

use super::{DiskModel, Op, Request};
use crate::units::{Moment, RequestIdx, Widen, len_u32};

/// Something that happened at the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The request was handed to the device.
    Submitted(RequestIdx),
    /// Its completion was seen by the host.
    Completed(RequestIdx),
}

/// The log of one run: requests, and the order of their submissions and completions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceLog {
    disk: DiskModel,
    requests: Vec<Request>,
    events: Vec<Event>,
}

impl DeviceLog {
    /// The log of a disk that has not been asked anything.
    pub const fn new(disk: DiskModel) -> Self {
        Self { disk, requests: Vec::new(), events: Vec::new() }
    }

    /// The disk it happened to.
    pub const fn disk(&self) -> &DiskModel {
        &self.disk
    }

    /// The requests in order of submission.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// One request.
    ///
    /// # Panics
    /// Where the log has no such request.
    pub fn request(&self, idx: RequestIdx) -> &Request {
        &self.requests[idx.get().index()]
    }

    /// Submissions and completions in the order they happened.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The present moment: behind all that has happened.
    pub fn now(&self) -> Moment {
        Moment::new(len_u32(self.events.len()))
    }

    /// Records a submission.
    pub fn submit(&mut self, request: Request) -> RequestIdx {
        if let Op::Write { data, .. } = &request.op {
            assert!(!data.is_empty() && data.len().is_multiple_of(512), "writes are whole sectors");
        }
        let idx = RequestIdx::new(len_u32(self.requests.len()));
        self.requests.push(request);
        self.events.push(Event::Submitted(idx));
        idx
    }

    /// Records a completion.
    ///
    /// # Panics
    /// Where the request was never submitted.
    pub fn complete(&mut self, idx: RequestIdx) {
        assert!(idx.get().index() < self.requests.len(), "a request completes after its submission");
        self.events.push(Event::Completed(idx));
    }
}
