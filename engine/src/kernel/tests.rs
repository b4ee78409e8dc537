//! The table as such: sorted, complete, and without rows that say nothing.

use super::{Kernel, MsyncAsync, MsyncSync, MsyncWalk, NEWCOMERS, TABLE};

#[test]
fn each_row_begins_with_the_oldest_kernel_and_changes_at_each_step() {
    for row in TABLE {
        assert_eq!(row.values[0].kernel, Kernel::ALL[0], "{}", row.name);
        assert!(row.values.len() > 1, "{} never differs", row.name);
        for pair in row.values.windows(2) {
            assert!(pair[0].kernel < pair[1].kernel, "{} is in order", row.name);
            assert_ne!(pair[0].text, pair[1].text, "{} changes", row.name);
        }
        assert!(row.values.iter().all(|value| !value.source.is_empty()), "{} has its sources", row.name);
    }
}

#[test]
fn a_kernel_has_the_value_since_which_it_was_released() {
    let values =
        |kernel: Kernel| (kernel.rules().msync_async, kernel.rules().msync_sync, kernel.rules().msync_walk);
    let (whole_data, whole, range) = (MsyncSync::WholeFileData, MsyncSync::WholeFile, MsyncSync::Range);
    let (sound, loses) = (MsyncWalk::Sound, MsyncWalk::LosesHoles);
    assert_eq!(values(Kernel::V2_5_67), (MsyncAsync::StartsIo, whole_data, sound));
    assert_eq!(values(Kernel::V2_6_11), (MsyncAsync::MovesDirtyBits, whole_data, sound));
    assert_eq!(values(Kernel::V2_6_16), (MsyncAsync::MovesDirtyBits, whole_data, sound));
    assert_eq!(values(Kernel::V2_6_17), (MsyncAsync::MovesAndThrottles, whole, loses));
    assert_eq!(values(Kernel::V2_6_18), (MsyncAsync::MovesAndThrottles, whole, loses));
    assert_eq!(values(Kernel::V2_6_19), (MsyncAsync::Nothing, whole, sound));
    assert_eq!(values(Kernel::V3_10), (MsyncAsync::Nothing, whole, sound));
    assert_eq!(values(Kernel::V3_16), (MsyncAsync::Nothing, range, sound));
    assert_eq!(values(Kernel::V6_12), (MsyncAsync::Nothing, range, sound));
}

#[test]
fn the_row_and_the_rule_say_the_same() {
    for kernel in Kernel::ALL {
        let row = TABLE.iter().find(|row| row.name == "msync_sync").unwrap();
        assert_eq!(row.of(*kernel).text, kernel.rules().msync_sync.text());
    }
}

#[test]
fn versions_are_found_by_name_and_newcomers_have_a_kernel_that_lacks_them() {
    for kernel in Kernel::ALL {
        assert_eq!(Kernel::named(kernel.version()), Some(*kernel));
    }
    assert_eq!(Kernel::named("6.6.0"), None);
    for newcomer in NEWCOMERS {
        assert!(
            newcomer.since.has(newcomer.feature) && !Kernel::ALL[0].has(newcomer.feature),
            "{}",
            newcomer.name
        );
    }
}

#[test]
fn a_range_has_both_its_ends_and_an_open_one_reaches_to_the_last() {
    let check = |text: &str, wanted: Result<&[Kernel], &str>| {
        let got = Kernel::range(text).map_err(|error| error.to_string());
        match (&got, wanted) {
            (Ok(kernels), Ok(wanted)) => assert_eq!(kernels, wanted, "{text}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("{text}: {got:?}"),
        }
    };
    check("6.6", Ok(&[Kernel::V6_6]));
    check("2.6.16..2.6.18", Ok(&[Kernel::V2_6_16, Kernel::V2_6_17, Kernel::V2_6_18]));
    check("6.6..6.6", Ok(&[Kernel::V6_6]));
    check("..2.6.11", Ok(&[Kernel::V2_5_67, Kernel::V2_6_11]));
    check("6.6..", Ok(&[Kernel::V6_6, Kernel::V6_6_51, Kernel::V6_12]));
    check("..", Ok(Kernel::ALL));
    check("6.12..6.6", Err("the range is empty: 6.12 is newer than 6.6"));
    check("6.7", Err("no profile of kernel \"6.7\"; there is one of 2.5.67, 2.6.11, "));
    check("6.6..7", Err("\"7\""));
    check("6.6...", Err("\".\""));
    check("6.6 .. 6.12", Err("\"6.6 \""));
    check("", Err("\"\""));
}
