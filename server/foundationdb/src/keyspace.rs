//! The location of a store's keys in the cluster.
//!
//! ```text
//! annals 00 <key>                     a key of the store with the prefix `annals`
//! annals 00 FF 'fence' 00 <16 bytes>  not a key: only used in conflict ranges, see `fence`
//! ```
//!
//! 1. A prefix contains no byte 00 and is followed by one, so no prefix with its 00 begins another, and stores never
//!    see each other's keys, even if one is called `annals` and another `annals-test`.
//! 2. A prefix is printable text, so that it is below FF, where FoundationDB keeps its own keys, and can be typed
//!    into `fdbcli`.

use std::fmt;
use std::str::FromStr;

use annals_engine::{Error, Result};
use uuid::Uuid;

/// The prefix of all keys of a store: 1 to [`KeyPrefix::BYTES_MAX`] printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The most bytes in a prefix. It keeps the longest key of the contract far below FoundationDB's 10,000 bytes.
    pub const BYTES_MAX: usize = 100;

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KeyPrefix {
    /// `annals`.
    fn default() -> Self {
        Self("annals".to_owned())
    }
}

impl FromStr for KeyPrefix {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let max = Self::BYTES_MAX;
        if text.is_empty() || text.len() > max || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the key prefix {text:?} has {} bytes; it may be 1 to {max} printable ASCII characters \
                 without spaces",
                text.len()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Converts keys of the contract to keys of the cluster, and back.
#[derive(Debug)]
pub(crate) struct Keyspace {
    prefix: Vec<u8>,
}

impl Keyspace {
    pub(crate) fn new(prefix: &KeyPrefix) -> Self {
        Self {
            prefix: [prefix.as_str().as_bytes(), &[0]].concat(),
        }
    }

    /// The cluster's key for a key of the store, or for the bound of a range.
    pub(crate) fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }

    /// The store's key for a key of the cluster.
    pub(crate) fn strip<'a>(&self, key: &'a [u8]) -> Result<&'a [u8]> {
        key.strip_prefix(&self.prefix[..]).ok_or_else(|| {
            Error::Corrupt(format!(
                "FoundationDB returned the key {:?}, which does not belong to this store",
                key.escape_ascii().to_string()
            ))
        })
    }

    /// A key that no other commit uses.
    pub(crate) fn unique(&self) -> Vec<u8> {
        [&self.prefix, &b"\xFFfence\0"[..], Uuid::new_v4().as_bytes()].concat()
    }
}
