//! The way of a call through the functions of the kernel.

use crate::units::{RequestIdx, Time, len_u32};

/// Something on the way of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WayEvent {
    /// A function of the kernel was entered.
    Function(&'static str),
    /// Another thread does what lies below: the program waits for it, or has nothing to do with it.
    Thread {
        /// What it is called.
        name: &'static str,
        /// When it began, on the virtual clock.
        at: Time,
    },
    /// A decision that it took.
    Decision(String),
    /// It handed a request to the device.
    Request(RequestIdx),
}

/// The way of one call: events with their depth below the system call, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    depth: u32,
    muted: u32,
    events: Vec<(u32, WayEvent)>,
}

impl Way {
    /// A way that has not begun.
    pub const fn new() -> Self {
        Self { depth: 0, muted: 0, events: Vec::new() }
    }
    /// Enters a function.
    pub fn enter(&mut self, function: &'static str) {
        if self.muted == 0 {
            self.events.push((self.depth, WayEvent::Function(function)));
        }
        self.depth += 1;
    }
    /// Another thread goes to work; it is left as a function is.
    pub fn enter_thread(&mut self, name: &'static str, at: Time) {
        if self.muted == 0 {
            self.events.push((self.depth, WayEvent::Thread { name, at }));
        }
        self.depth += 1;
    }
    /// Leaves the function or the thread entered last.
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
    /// Notes a decision.
    pub fn decide(&mut self, what: impl Into<String>) {
        if self.muted == 0 {
            self.events.push((self.depth, WayEvent::Decision(what.into())));
        }
    }
    /// From here on only requests are noted: the rest is the same as before.
    pub fn mute(&mut self) {
        self.muted += 1;
    }
    /// Ends the last [`Self::mute`].
    pub fn unmute(&mut self) {
        self.muted = self.muted.saturating_sub(1);
    }
    /// Notes a request.
    pub fn request(&mut self, idx: RequestIdx) {
        self.events.push((self.depth, WayEvent::Request(idx)));
    }
    /// The same way where functions are called something else: what has no name there is no function of its own, and
    /// what lies below it moves up.
    #[must_use]
    pub fn renamed(self, name: impl Fn(&'static str) -> Option<&'static str>) -> Self {
        let mut dropped: Vec<u32> = Vec::new();
        let mut events = Vec::with_capacity(self.events.len());
        for (depth, event) in self.events {
            dropped.retain(|above| *above < depth);
            let event = match event {
                WayEvent::Function(function) => match name(function) {
                    Some(name) => WayEvent::Function(name),
                    None => {
                        dropped.push(depth);
                        continue;
                    }
                },
                WayEvent::Thread { name: thread, at } => {
                    WayEvent::Thread { name: name(thread).unwrap_or(thread), at }
                }
                event @ (WayEvent::Decision(_) | WayEvent::Request(_)) => event,
            };
            events.push((depth - len_u32(dropped.len()), event));
        }
        Self { events, ..self }
    }
    /// The events with their depth, 0 for the system call itself.
    pub fn events(&self) -> &[(u32, WayEvent)] {
        &self.events
    }
    /// Each event as text, for tests that look for one.
    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |(_, event): &(u32, WayEvent)| match event {
            WayEvent::Function(name) | WayEvent::Thread { name, .. } => (*name).to_owned(),
            WayEvent::Decision(text) => text.clone(),
            WayEvent::Request(_) => "request".to_owned(),
        };
        self.events.iter().map(text).collect()
    }
    /// How many events there are.
    pub fn len(&self) -> u32 {
        len_u32(self.events.len())
    }
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl Default for Way {
    fn default() -> Self {
        Self::new()
    }
}
