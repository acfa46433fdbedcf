//! The appended events, generated while they are encoded: the generator allocates nothing for them.
//!
//! An event is numbered, and its id is derived from its number; type and data come from a pool that is built once.
//! Data is 256 bytes of JSON whose values differ, so that it compresses like real events.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

/// Bytes of data in an event.
pub(crate) const DATA_BYTES: usize = 256;
/// Bytes of an id, a UUID with hyphens.
pub(crate) const ID_BYTES: usize = 36;
/// Bytes of a type; all types have the same length.
pub(crate) const TYPE_BYTES: usize = 12;

/// Bytes of a stream's name.
pub(crate) const STREAM_BYTES: usize = 16;
/// Bytes of a tag.
pub(crate) const TAG_BYTES: usize = 12;
/// Number of tags: each tag is on one event in this many.
pub(crate) const TAGS: u64 = 1_000;
/// Number of categories: each category has one stream in this many.
pub(crate) const CATEGORIES: usize = CATEGORY.len();
/// Number of types: each type is that of one event in this many.
pub(crate) const KINDS: usize = TYPES.len();

/// Categories of streams. There are several, because a store may lock or separate the streams of one category.
const CATEGORY: [&str; 8] = [
    "order", "stock", "price", "claim", "visit", "cargo", "parts", "audit",
];

const TYPES: [&str; 8] = [
    "OrderCreated",
    "OrderShipped",
    "PaymentTaken",
    "ItemRestored",
    "StockCounted",
    "PriceChanged",
    "RefundIssued",
    "ParcelPicked",
];
const POOL_EVENTS: usize = 4_096;

/// Type and data of an event.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) kind: &'static str,
    pub(crate) data: [u8; DATA_BYTES],
}

static POOL: LazyLock<Vec<Content>> = LazyLock::new(|| {
    let mut state = 1;
    (0..POOL_EVENTS)
        .map(|nth| Content {
            kind: kind(nth as u64),
            data: data(&mut state),
        })
        .collect()
});

/// Returns type and data of the event with this number.
pub(crate) fn content(number: u64) -> &'static Content {
    &POOL[number as usize % POOL_EVENTS]
}

/// Formats a stream's name, such as `order-0000000040`: the category and the stream's number.
pub(crate) fn stream_name(stream: u64) -> [u8; STREAM_BYTES] {
    let mut name = *b"     -0000000000";
    name[..5].copy_from_slice(category(stream).as_bytes());
    put_decimal(&mut name[6..], stream);
    name
}

/// Returns the category of a stream: 5 letters, before the hyphen of its name.
pub(crate) fn category(stream: u64) -> &'static str {
    CATEGORY[stream as usize % CATEGORIES]
}

/// Returns the type of the events with this number and every [`KINDS`]th after it.
pub(crate) fn kind(number: u64) -> &'static str {
    TYPES[number as usize % KINDS]
}

/// Formats a tag, such as `customer:042`. Tags are spread so that they are independent of the type.
pub(crate) fn tag(number: u64) -> [u8; TAG_BYTES] {
    let mut tag = *b"customer:000";
    put_decimal(&mut tag[9..], number / KINDS as u64 % TAGS);
    tag
}

fn put_decimal(to: &mut [u8], mut value: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Formats a UUID (version 4 in form) whose last 12 digits are the number and whose other digits look random.
pub(crate) fn id(number: u64) -> [u8; ID_BYTES] {
    let mut state = number;
    let mixed = random(&mut state);
    let high = (mixed & !0xf000) | 0x4000;
    let low = 0x8000_0000_0000_0000 | ((mixed >> 32 & 0x3fff) << 48) | (number & 0xffff_ffff_ffff);
    let digits = (u128::from(high) << 64) | u128::from(low);
    let mut text = [b'-'; ID_BYTES];
    let mut nth = 32;
    for (place, byte) in text.iter_mut().enumerate() {
        if matches!(place, 8 | 13 | 18 | 23) {
            continue;
        }
        nth -= 1;
        *byte = b"0123456789abcdef"[(digits >> (4 * nth)) as usize & 0xf];
    }
    text
}

/// Returns the number of the event with this id, if the generator made it.
pub(crate) fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(ID_BYTES - 12..)?, 16).ok()
}

/// Hands out streams and event numbers, each once.
#[derive(Debug, Default)]
pub(crate) struct Supply {
    streams: AtomicU64,
    events: AtomicU64,
}

impl Supply {
    /// Returns the number of a stream that has no events.
    pub(crate) fn stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the first of `count` consecutive event numbers.
    pub(crate) fn events(&self, count: u32) -> u64 {
        self.events.fetch_add(u64::from(count), Ordering::Relaxed)
    }
}

/// Builds JSON of hexadecimal and decimal values under fixed names, padded to exactly [`DATA_BYTES`].
fn data(state: &mut u64) -> [u8; DATA_BYTES] {
    let mut json = format!(
        "{{\"orderId\":\"{:016x}\",\"customer\":\"c-{:08}\",\"amountCents\":{},\"currency\":\"EUR\",\"lines\":[",
        random(state),
        random(state) % 100_000_000,
        10_000 + random(state) % 90_000,
    );
    for _ in 0..2 {
        json += &format!(
            "{{\"sku\":\"{:010x}\",\"count\":{}}},",
            random(state) >> 24,
            random(state) % 9
        );
    }
    json.pop();
    json += "],\"note\":\"";
    while json.len() < DATA_BYTES - 2 {
        json.push(char::from(b"etaoin shrdlu"[random(state) as usize % 13]));
    }
    json += "\"}";
    json.into_bytes()
        .try_into()
        .expect("the parts before the note are shorter than an event")
}

/// Returns the next value of a pseudo-random sequence (SplitMix64, Steele et al. 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn data_is_json_of_exactly_256_bytes_and_differs() {
        let mut seen = HashSet::new();
        for nth in 0..POOL_EVENTS as u64 {
            let content = content(nth);
            let value: serde_json::Value = serde_json::from_slice(&content.data).unwrap();
            assert!(value["orderId"].is_string(), "{value}");
            assert_eq!(content.kind.len(), TYPE_BYTES);
            seen.insert(content.data);
        }
        assert_eq!(seen.len(), POOL_EVENTS);
    }

    #[test]
    fn an_id_is_a_uuid_of_version_4_that_gives_its_number_back() {
        let mut seen = HashSet::new();
        for wanted in (0..2_000).chain([0xffff_ffff_ffff]) {
            let id = id(wanted);
            let text = std::str::from_utf8(&id).unwrap();
            assert_eq!(number(text), Some(wanted));
            let parts: Vec<usize> = text.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{text}");
            assert_eq!(&text[14..15], "4", "{text}");
            assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
            assert!(seen.insert(id), "{text} twice");
        }
    }

    #[test]
    fn what_is_not_an_id_of_ours_has_no_number() {
        assert_eq!(number(""), None);
        assert_eq!(number("00000000-0000-4000-8000-zzzzzzzzzzzz"), None);
    }

    #[test]
    fn names_and_tags_are_text_of_their_length() {
        assert_eq!(&stream_name(42), b"price-0000000042");
        assert_eq!(&stream_name(9_999_999_999), b"audit-9999999999");
        assert_eq!(&tag(8 * 1_042), b"customer:042");
    }

    #[test]
    fn nothing_is_supplied_twice() {
        let supply = Supply::default();
        assert_eq!((supply.stream(), supply.stream()), (0, 1));
        assert_eq!((supply.events(100), supply.events(1)), (0, 100));
    }
}
