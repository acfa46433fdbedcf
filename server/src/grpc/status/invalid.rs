//! Invalid fields of requests.

use std::fmt;

use annals_store::NameError;

/// An invalid field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Path of the field: `events[2].data`. Empty if the message itself is invalid.
    pub field: String,
    /// The problem, and what to do about it.
    pub problem: String,
    /// The kind of problem.
    pub fault: Fault,
}

/// The kind of problem with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Missing, malformed, or out of range.
    Invalid,
    /// Larger than the server accepts in an event, append or snapshot.
    TooLarge,
}

impl Invalid {
    pub(in crate::grpc) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
            fault: Fault::Invalid,
        }
    }

    pub(in crate::grpc) fn too_large(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
            fault: Fault::TooLarge,
        }
    }

    /// Returns this error for a field of a nested message, with the path of that message in front.
    pub(in crate::grpc) fn under(mut self, path: &str) -> Self {
        self.field = format!("{path}.{}", self.field);
        self
    }

    pub(in crate::grpc) fn name(field: impl Into<String>, error: &NameError) -> Self {
        Self::field(field, error.to_string())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.problem),
            field => write!(f, "{field}: {}", self.problem),
        }
    }
}
