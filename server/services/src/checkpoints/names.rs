//! Names of checkpoints, and of what reports them.

use std::fmt;

use annals_store::{NameError, ScopeName, StateKey};

/// Maximum size of the name of a checkpoint, in bytes.
pub const CHECKPOINT_NAME_BYTES_MAX: usize = annals_store::SCOPE_NAME_BYTES_MAX;
/// Maximum size of a [`Label`], in bytes.
pub const LABEL_BYTES_MAX: usize = 256;

/// Name of a checkpoint: 1 to 256 bytes of UTF-8 without control characters, not starting with `$`. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointName(StateKey);

impl CheckpointName {
    /// Creates a name if it is valid.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn new(name: &str) -> Result<Self, NameError> {
        // Names of scopes have the same rules.
        ScopeName::check(name)?;
        StateKey::new(name).map(Self)
    }

    /// Checks that names may begin with this prefix, which may be empty.
    ///
    /// # Errors
    /// [`NameError`] if none can.
    pub fn check_prefix(prefix: &str) -> Result<(), NameError> {
        match prefix {
            "" => Ok(()),
            prefix => ScopeName::check(prefix),
        }
    }

    /// Wraps a name that was stored.
    pub(super) const fn stored(key: StateKey) -> Self {
        Self(key)
    }

    /// Returns the key of the checkpoint in its scope of state.
    pub(super) const fn key(&self) -> &StateKey {
        &self.0
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Text for people, such as the name of an application: 0 to 256 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Creates a label if it is valid.
    ///
    /// # Errors
    /// [`NameError`] if it is not valid.
    pub fn new(text: String) -> Result<Self, NameError> {
        let (bytes, bytes_max) = (text.len(), LABEL_BYTES_MAX);
        if bytes > bytes_max {
            return Err(NameError::TooLong { bytes, bytes_max });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(NameError::ControlCharacter(c)),
            None => Ok(Self(text)),
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}
