//! The same scenario gives the same report, to the byte, whenever it runs and on however many threads.

use crate::case::{Case, all};
use crate::pipeline::report;
use unplug::crash::Bounds;

/// So few that the larger scenarios are sampled.
const BOUNDS: Bounds = Bounds { max_leaves: 8, draws: 50, seed: 7 };

/// A report, every field of it.
fn bytes(case: &Case, threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| format!("{:?}", report(&case.scenario, None, &BOUNDS)))
}

#[test]
fn reports_do_not_depend_on_threads() {
    let mut sampled = 0;
    for case in all() {
        let first = bytes(&case, 1);
        sampled += u32::from(first.contains("Partial"));
        assert!(first == bytes(&case, 2), "{}: with one thread and with two", case.name);
        assert!(first == bytes(&case, 7), "{}: with one thread and with seven", case.name);
    }
    assert!(sampled > 0, "some are sampled");
}
