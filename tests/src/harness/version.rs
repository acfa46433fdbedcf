//! The versions of the server between which a store is upgraded.

use std::path::PathBuf;

use annals_installed::Needed;

use super::binary;

/// A version of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The server of this tree.
    Current,
    /// A server that adds a field to every event it appends (`just build-newer`).
    Newer,
}

impl Version {
    /// The path of its program.
    ///
    /// # Panics
    /// If it was not built.
    #[must_use]
    pub fn program(self) -> PathBuf {
        match self {
            Self::Current => binary("annals-server"),
            Self::Newer => Needed::NewerServer.expect(),
        }
    }
}
