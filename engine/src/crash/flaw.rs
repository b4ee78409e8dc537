//! Mistakes that the explorer could make, to see that its tests would find them.

/// A mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// Every second answer is taken for the one before it.
    WrongQuotient,
    /// What a block answered is forgotten: it may answer otherwise the next time.
    MissingReread,
    /// The two newest versions of a unit come in the wrong order.
    SwappedVersions,
    /// The version before a durable one may still survive.
    LateDurable,
    /// The last of several answers is never followed.
    MissingAnswer,
}

#[cfg(test)]
thread_local! {
    static MADE: std::cell::Cell<Option<Flaw>> = const { std::cell::Cell::new(None) };
}

/// Whether this mistake is made: never, but in its test.
#[cfg(test)]
pub(super) fn is_made(flaw: Flaw) -> bool {
    MADE.with(std::cell::Cell::get) == Some(flaw)
}

/// Whether this mistake is made: never, but in its test.
#[cfg(not(test))]
pub(super) const fn is_made(_: Flaw) -> bool {
    false
}

/// Makes a mistake meanwhile.
#[cfg(test)]
pub(super) fn with<T>(flaw: Flaw, work: impl FnOnce() -> T) -> T {
    MADE.with(|made| made.set(Some(flaw)));
    let result = work();
    MADE.with(|made| made.set(None));
    result
}
