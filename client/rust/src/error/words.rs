//! Parts of the texts of errors.

use std::fmt;

use crate::{Position, Revision};

/// Describes the position of a checkpoint, or its absence.
pub(super) fn at(position: Option<Position>, at: &str, absent: &str) -> String {
    position.map_or_else(
        || absent.to_owned(),
        |position| format!("{at} position {position}"),
    )
}

/// The revision of an event, if it is known.
pub(super) struct AtRevision(pub(super) Option<Revision>);

impl fmt::Display for AtRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => write!(f, " at revision {revision}"),
            None => Ok(()),
        }
    }
}
