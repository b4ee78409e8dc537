//! The events of a way as a tree: what each function called, decided and asked for.

use unplug::history::WayEvent;
use unplug::units::{RequestIdx, Time};

/// What stands at a place of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What<'a> {
    /// A function of the kernel.
    Function(&'static str),
    /// Another thread, and when it began.
    Thread(&'static str, Time),
    /// A decision.
    Decision(&'a str),
    /// A request to the disk.
    Request(RequestIdx),
}

/// A place of the tree, and what lies below it in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node<'a> {
    pub(super) what: What<'a>,
    pub(super) below: Vec<Node<'a>>,
}

/// The trees of some events with their depths.
pub(super) fn tree(events: &[(u32, WayEvent)]) -> Vec<Node<'_>> {
    let mut rest = events;
    let mut nodes = Vec::new();
    while let Some(((depth, event), behind)) = rest.split_first() {
        let below = behind.iter().take_while(|(below, _)| below > depth).count();
        let (inner, outer) = behind.split_at(below);
        nodes.push(Node { what: what(event), below: tree(inner) });
        rest = outer;
    }
    nodes
}

fn what(event: &WayEvent) -> What<'_> {
    match event {
        WayEvent::Function(name) => What::Function(name),
        WayEvent::Thread { name, at } => What::Thread(name, *at),
        WayEvent::Decision(why) => What::Decision(why),
        WayEvent::Request(idx) => What::Request(*idx),
    }
}
