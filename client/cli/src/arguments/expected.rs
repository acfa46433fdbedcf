//! The expected state of a stream: `--expect`, with the same values in every command.

use annals_client::{ExpectedRevision, Revision};

/// The expected state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `None` for the stream that is appended to.
    pub stream: Option<String>,
    pub revision: ExpectedRevision,
}

impl Expected {
    /// Parses an `--expect` that may name a stream: `7`, or `order-1=7`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // Stream names may contain the equals sign; revisions and keywords do not.
        let (stream, expected) = match text.rsplit_once('=') {
            Some(("", _)) => return Err("name the stream, as in order-1=7".to_owned()),
            Some((stream, expected)) => (Some(stream.to_owned()), expected),
            None => (None, text),
        };
        Ok(Expected {
            stream,
            revision: parse_expected(expected)?,
        })
    }
}

/// Parses an `--expect` without a stream name.
pub(super) fn parse_expected(text: &str) -> Result<ExpectedRevision, String> {
    match text {
        "any" => Ok(ExpectedRevision::Any),
        "no-stream" => Ok(ExpectedRevision::NoStream),
        "stream-exists" => Ok(ExpectedRevision::StreamExists),
        number => match number.parse() {
            Ok(revision) => Ok(ExpectedRevision::Exactly(Revision(revision))),
            Err(_) => Err("use any, no-stream, stream-exists, or a revision such as 0".to_owned()),
        },
    }
}
