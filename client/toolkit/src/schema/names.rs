//! The names of an enum's variants, obtained from serde: reading a variant that does not exist fails with the names
//! of those that do, which is part of serde's contract for errors ([`serde::de::Error::unknown_variant`]).

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Error};

/// The error of reading; contains the names if they caused it.
#[derive(Debug)]
struct Asked(Option<&'static [&'static str]>);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("asked for the names of the variants")
    }
}

impl std::error::Error for Asked {}

impl Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Asked(None)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Asked(Some(expected))
    }
}

/// Returns the names of the variants.
///
/// # Panics
/// If the type is not an enum with `#[serde(tag = "type", content = "data")]`.
pub(super) fn of_variants<E: DeserializeOwned>() -> &'static [&'static str] {
    let no_variant = [("type", "\u{0}")].into_iter();
    match E::deserialize(MapDeserializer::<'_, _, Asked>::new(no_variant)) {
        Err(Asked(Some(names))) => names,
        _ => panic!(
            "{} must be an enum with #[serde(tag = \"type\", content = \"data\")], and without #[serde(other)]",
            std::any::type_name::<E>()
        ),
    }
}
