//! Names that clients give: streams, event types, tags, scopes and keys of state. A value of these types is a valid
//! name, so code that receives one does not validate it again.
//!
//! A name is UTF-8 without control characters and does not start with `$`, which is reserved for the store. Because
//! names contain no zero byte, `keys` can end a name with one (see there).
//!
//! Other names begin with `$`. Streams, event types and scopes of the services above the store, such as consumer
//! groups, have a `$` and a name: a *system name*. The store's own streams begin with `$$` and are at most 3 bytes
//! longer than those of clients; see [`crate::lifecycle`]. Clients can read them all, and write to none.

use std::{borrow::Borrow, fmt, sync::Arc};

/// Maximum size of a stream name, in bytes.
pub const STREAM_NAME_BYTES_MAX: usize = 512;
/// Maximum size of an event type, in bytes.
pub const EVENT_TYPE_BYTES_MAX: usize = 256;
/// Maximum size of a tag, in bytes.
pub const TAG_BYTES_MAX: usize = 256;
/// Maximum size of the name of a scope of state, in bytes.
pub const SCOPE_NAME_BYTES_MAX: usize = 256;
/// Maximum size of the key of an entry of state, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 512;

/// The reason why a name is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty.
    #[error("must not be empty")]
    Empty,
    /// The name is too long.
    #[error("is {bytes} bytes long; at most {bytes_max} are allowed")]
    TooLong {
        /// Size of the name, in bytes.
        bytes: usize,
        /// Maximum size of such a name, in bytes.
        bytes_max: usize,
    },
    /// The name contains a control character.
    #[error("contains the control character {0:?}; remove it")]
    ControlCharacter(char),
    /// The name starts with `$`.
    #[error("starts with `$`, which is reserved for the store; start with another character")]
    Reserved,
}

fn check(name: &str, bytes_max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > bytes_max {
        return Err(NameError::TooLong {
            bytes: name.len(),
            bytes_max,
        });
    }
    if name.starts_with('$') {
        return Err(NameError::Reserved);
    }
    check_text(name)
}

fn check_text(name: &str) -> Result<(), NameError> {
    if name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(NameError::ControlCharacter(c)),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $bytes_max:expr) => {
        $(#[$doc])*
        ///
        /// Cloning is cheap: clones share the text.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Creates a name if it is valid.
            ///
            /// # Errors
            /// [`NameError`] if it is not valid.
            pub fn new(name: &str) -> Result<Self, NameError> {
                Self::check(name)?;
                Ok(Self(name.into()))
            }

            /// Checks that a name is valid.
            ///
            /// # Errors
            /// [`NameError`] if it is not valid.
            pub fn check(name: &str) -> Result<(), NameError> {
                check(name, $bytes_max)
            }

            /// Creates the system name `$` + `name`: for a service, never for what a client gives.
            ///
            /// # Errors
            /// [`NameError`] if `name` is not valid.
            pub fn system(name: &str) -> Result<Self, NameError> {
                Self::check(name)?;
                Ok(Self(format!("{SYSTEM_PREFIX}{name}").into()))
            }

            /// Returns the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name!(
    /// Name of a stream: 1 to 512 bytes.
    StreamName,
    STREAM_NAME_BYTES_MAX
);
name!(
    /// Type of an event: 1 to 256 bytes.
    EventType,
    EVENT_TYPE_BYTES_MAX
);
name!(
    /// Tag of an event: 1 to 256 bytes.
    Tag,
    TAG_BYTES_MAX
);

name!(
    /// Name of a scope of state: 1 to 256 bytes.
    ScopeName,
    SCOPE_NAME_BYTES_MAX
);

name!(
    /// Prefix of stream names: 1 to 512 bytes.
    StreamPrefix,
    STREAM_NAME_BYTES_MAX
);

/// Prefix of system names.
const SYSTEM_PREFIX: &str = "$";
/// Prefix of the names of the store's own streams: the settings of the stream `S` are in the stream `$$S`.
const OWN_PREFIX: &str = "$$";
/// Marks a prefix among the names of streams: the prefix `P` has the settings name `$P`, and its settings are in the
/// stream `$$$P`.
const FILED_PREFIX: &str = "$";

/// Returns the stream whose settings are in a stream of this name, or the settings name of a prefix. `None` if the
/// stream is not the store's own.
pub(crate) fn subject(stream: &str) -> Option<&str> {
    stream.strip_prefix(OWN_PREFIX)
}

/// Returns the prefix of a settings name; `None` if it is the name of a stream.
pub(crate) fn prefix(filed: &str) -> Option<&str> {
    let prefix = filed.strip_prefix(FILED_PREFIX)?;
    (!prefix.starts_with(FILED_PREFIX)).then_some(prefix)
}

/// Returns the settings name of a prefix.
pub(crate) fn filed_prefix(prefix: &str) -> StreamName {
    StreamName(format!("{FILED_PREFIX}{prefix}").into())
}

/// Key of an entry of state: 1 to 512 bytes of UTF-8 without control characters.
///
/// Cloning is cheap: clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey(Arc<str>);

impl ScopeName {
    /// Creates the name of a scope that can be moved to another store: a client's name, or `$` followed by one.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn to_move(name: &str) -> Result<Self, NameError> {
        Self::check(name.strip_prefix(SYSTEM_PREFIX).unwrap_or(name))?;
        Ok(Self(name.into()))
    }

    /// Wraps a name that the store wrote, without validating it.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }
}

impl StateKey {
    /// Creates a key if it is valid.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn new(key: &str) -> Result<Self, NameError> {
        if key.is_empty() {
            return Err(NameError::Empty);
        }
        Self::check_prefix(key)?;
        Ok(Self(key.into()))
    }

    /// Checks that keys may begin with this prefix, which may be empty.
    ///
    /// # Errors
    /// [`NameError`] if none can.
    pub fn check_prefix(prefix: &str) -> Result<(), NameError> {
        if prefix.len() > STATE_KEY_BYTES_MAX {
            return Err(NameError::TooLong {
                bytes: prefix.len(),
                bytes_max: STATE_KEY_BYTES_MAX,
            });
        }
        check_text(prefix)
    }

    /// Wraps a key that the store wrote, without validating it.
    pub(crate) fn trusted(key: &str) -> Self {
        Self(key.into())
    }

    /// Returns the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl StreamPrefix {
    /// Wraps a prefix that the store wrote, without validating it.
    pub(crate) fn trusted(prefix: &str) -> Self {
        Self(prefix.into())
    }
}

impl StreamName {
    /// Creates the name of a stream that can be read: a client's name, or `$` or `$$` followed by one, or `$$$`
    /// followed by a prefix.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn to_read(name: &str) -> Result<Self, NameError> {
        let given = match subject(name) {
            Some(subject) => prefix(subject).unwrap_or(subject),
            None => name.strip_prefix(SYSTEM_PREFIX).unwrap_or(name),
        };
        check(given, STREAM_NAME_BYTES_MAX)?;
        Ok(Self(name.into()))
    }

    /// Checks that names that can be read may begin with this prefix.
    ///
    /// # Errors
    /// [`NameError`] if none can.
    pub fn check_prefix(prefix: &str) -> Result<(), NameError> {
        if "$$$".starts_with(prefix) && !prefix.is_empty() {
            return Ok(());
        }
        Self::to_read(prefix).map(|_| ())
    }

    /// Wraps a name that the store wrote, without validating it.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the store's own stream that holds the settings of this one.
    pub(crate) fn own(&self) -> Self {
        Self(format!("{OWN_PREFIX}{}", self.0).into())
    }

    /// Whether clients can't write to this stream: it is the store's own, or that of a service.
    pub(crate) fn is_reserved(&self) -> bool {
        self.0.starts_with(SYSTEM_PREFIX)
    }
}

impl EventType {
    /// Checks that events that can be read may have this type, or a type that begins with it. Such a type is a
    /// client's, or `$` followed by one for the store's own events.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn check_to_read(name: &str) -> Result<(), NameError> {
        match name.strip_prefix('$') {
            Some("") => Ok(()),
            own => check(own.unwrap_or(name), EVENT_TYPE_BYTES_MAX),
        }
    }

    /// Creates the type of events that can be read: a client's type, or `$` followed by one.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn to_read(name: &str) -> Result<Self, NameError> {
        check(name.strip_prefix('$').unwrap_or(name), EVENT_TYPE_BYTES_MAX)?;
        Ok(Self(name.into()))
    }

    /// Wraps a type that the store writes or wrote, without validating it.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }
}
