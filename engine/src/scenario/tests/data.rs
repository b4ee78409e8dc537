//! Data: each form, to the byte.

use super::super::{Call, parse};
use super::right;
use sha2::{Digest, Sha256};

fn made(what: &str, data: &str) -> Vec<u8> {
    let scenario = right(what, &format!("(title: \"t\", steps: [create(\"/f\", {data})])"));
    let Call::Create { data, .. } = &scenario.steps[0].call else { panic!("{what}") };
    data.to_vec()
}

#[test]
fn data_is_made() {
    fn check(what: &str, data: &str, wanted: &[u8]) {
        assert_eq!(made(what, data), wanted, "{what}");
    }
    check("a string", r#""aä\n""#, "aä\n".as_bytes());
    check("no bytes", r#""""#, b"");
    check("zeros", "zeros(3)", b"\0\0\0");
    check("repeat", r#"repeat("ab", 3)"#, b"ababab");
    check("repeat with names", r#"repeat(data: "ab", times: 2)"#, b"abab");
    check("repeat never", r#"repeat("ab", 0)"#, b"");
    check("repeat nothing very often", r#"repeat("", 9223372036854775807)"#, b"");
    check("repeat by a size", r#"concat([repeat("a", "1K")])"#, &[b'a'; 1024]);
    check("repeat other data", r#"repeat(concat([hex("00 ff"), "x"]), 2)"#, b"\x00\xffx\x00\xffx");
    check("hex", r#"hex("de AD be\nef")"#, b"\xde\xad\xbe\xef");
    check("concat", r#"concat(["a", zeros(1), repeat("b", 2), concat([])])"#, b"a\0bb");
}

/// From an implementation of ChaCha of its own, which gives the published stream of ChaCha20 for a key of zeros.
#[test]
fn random_data_is_the_same_everywhere() {
    fn check(what: &str, data: &str, wanted: &str) {
        let hex: String = made(what, data).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, wanted, "{what}");
    }
    check("seed 0", "random(seed: 0, length: 16)", "3e00ef2f895f40d67f5bb8e81f09a5a1");
    check("seed 7", "random(seed: 7, length: 16)", "73ba442c72a69cc3659d9dea02b04777");
    check("a shorter one is its prefix", "random(seed: 7, length: 5)", "73ba442c72");
    check(
        "the last seed",
        "random(seed: 18446744073709551615, length: 16)",
        "c748712239864eb4bca991a0015b9a3b",
    );
    let long = made("many blocks", "random(seed: 7, length: \"64K\")");
    let digest: String = Sha256::digest(&long).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "27da0ad9370907ee55dc4b5af8cbf1438e931ea107df47ee0f068600a81e9351");
}

#[test]
fn data_is_measured_before_it_is_made() {
    fn check(what: &str, steps: &str, wanted: &str) {
        let text = format!("(title: \"t\", stack: (mkfs: (size: \"64M\")), steps: [{steps}])");
        let errors = parse(&text).unwrap_err();
        assert_eq!(errors[0].code, wanted, "{what}: {errors:?}");
    }
    let largest = i64::MAX;
    check("longer than memory", &format!("create(\"/f\", repeat(\"A\", {largest}))"), "data-too-long");
    check(
        "more than can be counted",
        &format!("create(\"/f\", repeat(repeat(\"AB\", {largest}), {largest}))"),
        "data-too-long",
    );
    check("zeros", &format!("create(\"/f\", zeros({largest}))"), "data-too-long");
    check("random", &format!("create(\"/f\", random(seed: 1, length: {largest}))"), "data-too-long");
    check(
        "a sum",
        &format!("create(\"/f\", concat([zeros({largest}), zeros({largest}), \"x\"]))"),
        "data-too-long",
    );
    check("one byte more than the disk", "create(\"/f\", zeros(67108865))", "data-too-long");
    check(
        "more than a scenario may have",
        "create(\"/f\", zeros(\"64M\")), create(\"/f\", zeros(\"64M\")), \
        create(\"/f\", zeros(\"64M\")), create(\"/f\", zeros(\"64M\")), create(\"/f\", zeros(1))",
        "too-much-data",
    );
    check("in a loop", "times(count: 10000, steps: [create(\"/f\", zeros(\"1M\"))])", "too-much-data");
}
