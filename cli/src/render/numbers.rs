//! Numbers of any size, as text.
//!
//! ```text
//!   1000000 images       ≈ 2^137.4 images       with --exact all digits
//! ```

use num_bigint::BigUint;

/// Larger numbers are said as powers of two.
const LARGE: u32 = 1_000_000;

/// How large numbers are said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Digits {
    /// Roughly.
    Few,
    /// All of them.
    All,
}

/// A number.
pub(crate) fn amount(number: &BigUint, digits: Digits) -> String {
    match digits {
        Digits::Few if is_large(number) => format!("≈ 2^{:.1}", log2(number)),
        Digits::Few | Digits::All => number.to_string(),
    }
}

/// `1 image`, `2 images`, `≈ 2^20.5 images`.
pub(crate) fn amount_of(number: &BigUint, digits: Digits, one: &str, many: &str) -> String {
    let noun = if *number == BigUint::from(1_u32) { one } else { many };
    format!("{} {noun}", amount(number, digits))
}

/// Whether a number is beyond what is easily read.
pub(crate) fn is_large(number: &BigUint) -> bool {
    *number > BigUint::from(LARGE)
}

/// The logarithm, from the first 32 bits; 0 of 0.
pub(crate) fn log2(number: &BigUint) -> f64 {
    let shift = number.bits().saturating_sub(32);
    let first = (number >> shift).to_u32_digits().first().copied().unwrap_or(1);
    let shift = u32::try_from(shift).unwrap_or(u32::MAX);
    f64::from(first).log2() + f64::from(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_powers_of_two() {
        let check = |number: BigUint, wanted: &str| assert_eq!(amount(&number, Digits::Few), wanted);
        check(BigUint::ZERO, "0");
        check(BigUint::from(1_000_000_u32), "1000000");
        check(BigUint::from(1_000_001_u32), "≈ 2^19.9");
        check(BigUint::from(1_u32) << 20, "≈ 2^20.0");
        check(BigUint::from(3_u32) << 136, "≈ 2^137.6");
        check(BigUint::from(1_u32) << 36224, "≈ 2^36224.0");
        assert_eq!(amount(&(BigUint::from(1_u32) << 70), Digits::All), "1180591620717411303424");
        assert_eq!(amount_of(&BigUint::from(1_u32), Digits::Few, "image", "images"), "1 image");
    }
}
