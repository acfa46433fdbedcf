//! Names that clients give: streams, event types, tags. A value of these types is a valid name, so nothing behind the edge
//! checks one again.
//!
//! A name is UTF-8 without control characters and does not start with `$`, which is kept for the store itself. That it
//! contains no zero byte is what lets `keys` end a name with one (see there).
//!
//! The store itself writes streams whose names begin with `$$`, of at most 2 bytes more than those of clients; see
//! [`crate::lifecycle`].

use std::{borrow::Borrow, fmt, sync::Arc};

/// The most bytes in a stream's name.
pub const STREAM_NAME_BYTES_MAX: usize = 512;
/// The most bytes in an event's type.
pub const EVENT_TYPE_BYTES_MAX: usize = 256;
/// The most bytes in a tag.
pub const TAG_BYTES_MAX: usize = 256;

/// Why a name is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("must not be empty")]
    Empty,
    /// It is too long.
    #[error("is {bytes} bytes long; at most {bytes_max} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// It contains a control character.
    #[error("contains the control character {0:?}; leave it out")]
    ControlCharacter(char),
    /// It starts with `$`.
    #[error("starts with `$`, which is kept for the store itself; begin with another character")]
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
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a name if it is valid.
            ///
            /// # Errors
            /// [`NameError`] says what is wrong with it.
            pub fn new(name: &str) -> Result<Self, NameError> {
                Self::check(name)?;
                Ok(Self(name.into()))
            }

            /// Whether a name is valid.
            ///
            /// # Errors
            /// [`NameError`] says what is wrong with it.
            pub fn check(name: &str) -> Result<(), NameError> {
                check(name, $bytes_max)
            }

            /// The name.
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
    /// What the names of streams begin with: 1 to 512 bytes.
    StreamPrefix,
    STREAM_NAME_BYTES_MAX
);

/// With this begin the names of streams that the store itself writes: what is set for the stream `S` stands in `$$S`.
const OWN_PREFIX: &str = "$$";
/// With this begin the names by which prefixes are filed among streams: what is set for the prefix `P` stands in `$$$P`.
const FILED_PREFIX: &str = "$";

/// The stream for which something is set in a stream of this name, or the name by which the prefix is filed.
pub(crate) fn subject(stream: &str) -> Option<&str> {
    stream.strip_prefix(OWN_PREFIX)
}

/// The prefix that is filed by a name; `None` if it is the name of a stream.
pub(crate) fn prefix(filed: &str) -> Option<&str> {
    let prefix = filed.strip_prefix(FILED_PREFIX)?;
    (!prefix.starts_with(FILED_PREFIX)).then_some(prefix)
}

/// The name by which a prefix is filed.
pub(crate) fn filed_prefix(prefix: &str) -> StreamName {
    StreamName(format!("{FILED_PREFIX}{prefix}").into())
}

impl StreamPrefix {
    /// Takes back a prefix that the store itself wrote.
    pub(crate) fn trusted(prefix: &str) -> Self {
        Self(prefix.into())
    }
}

impl StreamName {
    /// Takes the name of a stream that may be read: a name as clients give it, or `$$` and then one, or `$$$` and then a
    /// prefix.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn to_read(name: &str) -> Result<Self, NameError> {
        let given = subject(name).map_or(name, |subject| prefix(subject).unwrap_or(subject));
        check(given, STREAM_NAME_BYTES_MAX)?;
        Ok(Self(name.into()))
    }

    /// Whether names that may be read can begin so.
    ///
    /// # Errors
    /// [`NameError`] says why none can.
    pub fn check_prefix(prefix: &str) -> Result<(), NameError> {
        if "$$$".starts_with(prefix) && !prefix.is_empty() {
            return Ok(());
        }
        Self::to_read(prefix).map(|_| ())
    }

    /// Takes back a name that the store itself wrote.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }

    /// The stream in which it stands what is set for this one.
    pub(crate) fn own(&self) -> Self {
        Self(format!("{OWN_PREFIX}{}", self.0).into())
    }

    /// Whether it is one that the store itself writes.
    pub(crate) fn is_own(&self) -> bool {
        subject(&self.0).is_some()
    }
}

impl EventType {
    /// Whether events that may be read can have this type, or one that begins so: one as clients give it, or `$` and then
    /// one, as the store's own have.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn check_to_read(name: &str) -> Result<(), NameError> {
        match name.strip_prefix('$') {
            Some("") => Ok(()),
            own => check(own.unwrap_or(name), EVENT_TYPE_BYTES_MAX),
        }
    }

    /// Takes the type of an event that may be read: one as clients give it, or `$` and then one.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn to_read(name: &str) -> Result<Self, NameError> {
        check(name.strip_prefix('$').unwrap_or(name), EVENT_TYPE_BYTES_MAX)?;
        Ok(Self(name.into()))
    }

    /// Takes back a type that the store itself wrote, or writes.
    pub(crate) fn trusted(name: &str) -> Self {
        Self(name.into())
    }
}
