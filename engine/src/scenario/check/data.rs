//! Data: `"text"`, `repeat("A", 4096)`, `zeros(4096)`, `hex("de ad")`, `concat([…])`, `random(seed: 7, length: 64)`.
//!
//! ```text
//! node ──▶ recipe ──▶ length ──fits the disk and the bound?──▶ bytes
//! ```
//!
//! The length is known before a byte is made, so no number in a scenario makes it take much memory.

use super::super::ast::Data;
use super::super::quote;
use super::super::tree::{Kind, Node};
use super::Checker;
use super::args::{Bound, Form, Param::Needed};
use super::scalars::Unit;
use crate::units::{Widen, len_u64};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::ops::Range;
use std::sync::Arc;

/// How some data is made.
enum Recipe {
    Given(Vec<u8>),
    Zeros(u64),
    Repeat(Box<Recipe>, u64),
    Concat(Vec<Recipe>),
    Random { seed: u64, length: u64 },
}

struct DataForm {
    form: Form,
    read: fn(&mut Checker<'_>, &Bound<'_>) -> Option<Recipe>,
}

const FORMS: &[DataForm] = &[
    DataForm {
        form: Form { name: "repeat", params: &[Needed("data"), Needed("times")], unnamed: 2 },
        read: |c, args| {
            let what = args.get("data").and_then(|node| c.recipe(node));
            let times = args.get("times").and_then(|node| c.within(".times", |c| c.bytes(node)));
            Some(Recipe::Repeat(Box::new(what?), times?))
        },
    },
    DataForm {
        form: Form { name: "zeros", params: &[Needed("length")], unnamed: 1 },
        read: |c, args| {
            let node = args.get("length")?;
            c.within(".length", |c| c.bytes(node)).map(Recipe::Zeros)
        },
    },
    DataForm {
        form: Form { name: "hex", params: &[Needed("digits")], unnamed: 1 },
        read: |c, args| {
            let node = args.get("digits")?;
            c.hex(node).map(Recipe::Given)
        },
    },
    DataForm {
        form: Form { name: "concat", params: &[Needed("parts")], unnamed: 1 },
        read: |c, args| {
            let parts = c.list(args.get("parts")?, "a list of data")?;
            // Each part is read, so that each error is found, before one that failed ends it.
            let parts: Vec<Option<Recipe>> = parts.iter().map(|part| c.recipe(part)).collect();
            parts.into_iter().collect::<Option<Vec<_>>>().map(Recipe::Concat)
        },
    },
    DataForm {
        form: Form { name: "random", params: &[Needed("seed"), Needed("length")], unnamed: 0 },
        read: |c, args| {
            let seed = args.get("seed").and_then(|node| {
                c.within(".seed", |c| c.integer(node, Unit::Plain, 0..=i128::from(u64::MAX)))
            });
            let length = args.get("length").and_then(|node| c.within(".length", |c| c.bytes(node)));
            Some(Recipe::Random { seed: u64::try_from(seed?).ok()?, length: length? })
        },
    },
];

impl Checker<'_> {
    /// Data, made; once for all kernels.
    pub(super) fn data(&mut self, node: &Node) -> Option<Data> {
        let key = (node.span.start, self.loops.iter().map(|one| one.round).collect());
        if let Some(made) = self.made.get(&key) {
            return Some(made.clone());
        }
        let made = self.make_data(node)?;
        self.made.insert(key, made.clone());
        Some(made)
    }

    fn make_data(&mut self, node: &Node) -> Option<Data> {
        let recipe = self.recipe(node)?;
        let length = recipe.length();
        if length > self.disk_bytes {
            let message = match length {
                u64::MAX => "this data comes to more bytes than can be counted".to_owned(),
                _ => format!("this data comes to {length} bytes"),
            };
            let expected = format!("at most the {} bytes of the disk", self.disk_bytes);
            self.refuse("data-too-long", &node.span, message, &expected);
            return None;
        }
        if !self.spend_data(&node.span, length) {
            return None;
        }
        let mut bytes = Vec::with_capacity(length.index());
        recipe.make(&mut bytes);
        Some(Arc::from(bytes))
    }

    fn recipe(&mut self, node: &Node) -> Option<Recipe> {
        const EXPECTED: &str = "data: a string, `repeat`, `zeros`, `hex`, `concat` or `random`";
        match &node.kind {
            Kind::Text => self.text(node, EXPECTED).map(|text| Recipe::Given(text.into_bytes())),
            Kind::Group(Some(_), _) => {
                let found = self.form_of(node, FORMS, |entry| entry.form.name, "a kind of data", &[])?;
                let args = self.bind(&found.form, node);
                (found.read)(self, &args)
            }
            Kind::Char
            | Kind::Bytes
            | Kind::Number
            | Kind::Word
            | Kind::List(_)
            | Kind::Map
            | Kind::Group(None, _) => {
                // `text` says what is wrong with anything but a string.
                self.text(node, EXPECTED);
                None
            }
        }
    }

    fn hex(&mut self, node: &Node) -> Option<Vec<u8>> {
        let text = self.text(node, "hexadecimal digits in a string")?;
        let wrong = |c: &char| !c.is_ascii_hexdigit() && !c.is_whitespace();
        if let Some(c) = text.chars().find(wrong) {
            let message = format!("{} is not a hexadecimal digit", quote::code(&c.to_string()));
            self.refuse("bad-hex", &node.span, message, "digits `0` to `9`, `a` to `f` and blanks");
            return None;
        }
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
        if digits.len() % 2 == 1 {
            let message = format!("{} is an odd number of hexadecimal digits", digits.len());
            self.refuse("odd-hex", &node.span, message, "two for each byte");
            return None;
        }
        Some(
            digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect(),
        )
    }
}

impl Recipe {
    /// How many bytes it makes, or `u64::MAX` if they cannot be counted.
    fn length(&self) -> u64 {
        match self {
            Self::Given(bytes) => len_u64(bytes.len()),
            Self::Zeros(length) | Self::Random { length, .. } => *length,
            Self::Repeat(what, times) => what.length().saturating_mul(*times),
            Self::Concat(parts) => parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.length())),
        }
    }

    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Given(given) => bytes.extend_from_slice(given),
            Self::Zeros(length) => bytes.resize(bytes.len() + length.index(), 0),
            Self::Repeat(what, times) => repeat(what, *times, bytes),
            Self::Concat(parts) => parts.iter().for_each(|part| part.make(bytes)),
            Self::Random { seed, length } => {
                let start = bytes.len();
                bytes.resize(start + length.index(), 0);
                random(*seed).fill_bytes(bytes.get_mut(start..).unwrap_or_default());
            }
        }
    }
}

/// Makes something once and copies it, doubling what is copied.
fn repeat(what: &Recipe, times: u64, bytes: &mut Vec<u8>) {
    if times == 0 || what.length() == 0 {
        return;
    }
    let start = bytes.len();
    what.make(bytes);
    let end = start + what.length().saturating_mul(times).index();
    while bytes.len() < end {
        let copied: Range<usize> = start..bytes.len().min(start + (end - bytes.len()));
        bytes.extend_from_within(copied);
    }
}

/// The stream of a seed: ChaCha with 8 rounds, whose key is the seed in its first 8 bytes, little-endian, and zero
/// behind them; nonce and counter start at zero.
fn random(seed: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(seed.to_le_bytes()) {
        *to = from;
    }
    ChaCha8Rng::from_seed(key)
}
