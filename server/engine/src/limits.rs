//! Limits that hold on every engine: those of FoundationDB
//! (<https://apple.github.io/foundationdb/known-limitations.html>), reduced by the room that a prefix and its
//! bookkeeping need.

use crate::{Error, Result};

/// The most bytes in a key. FoundationDB's limit is 10,000.
pub const KEY_BYTES_MAX: usize = 8_000;

/// The most bytes in a value.
pub const VALUE_BYTES_MAX: usize = 100_000;

/// The most bytes of keys and values in a commit. FoundationDB's limit is 10,000,000, including its own overhead.
pub const COMMIT_BYTES_MAX: usize = 9_000_000;

/// How long a snapshot can be read, in seconds.
pub const SNAPSHOT_SECONDS_MAX: u64 = 5;

/// Checks that a key has 1 to [`KEY_BYTES_MAX`] bytes.
///
/// # Errors
/// [`Error::TooLarge`] if the key is longer, or empty: not every engine stores an empty key.
pub fn check_key(key: &[u8]) -> Result<()> {
    if key.is_empty() {
        return Err(Error::TooLarge(format!(
            "a key is empty, it must have 1 to {KEY_BYTES_MAX} bytes"
        )));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(Error::TooLarge(format!(
            "a key of {} bytes is over the limit of {KEY_BYTES_MAX}",
            key.len()
        )));
    }
    Ok(())
}

/// Checks the start or the end of a range. It may be empty (before every key), and one byte longer than a key, so
/// that a page can begin directly after the longest one.
///
/// # Errors
/// [`Error::TooLarge`] if it is longer than that.
pub fn check_bound(bound: &[u8]) -> Result<()> {
    if bound.len() > KEY_BYTES_MAX + 1 {
        return Err(Error::TooLarge(format!(
            "the bound of a range has {} bytes, over the limit of {}",
            bound.len(),
            KEY_BYTES_MAX + 1
        )));
    }
    Ok(())
}

/// Checks that a value has at most [`VALUE_BYTES_MAX`] bytes.
///
/// # Errors
/// [`Error::TooLarge`] if the value is longer than [`VALUE_BYTES_MAX`].
pub fn check_value(value: &[u8]) -> Result<()> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::TooLarge(format!(
            "a value of {} bytes is over the limit of {VALUE_BYTES_MAX}",
            value.len()
        )));
    }
    Ok(())
}
