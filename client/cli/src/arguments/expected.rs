//! What a stream must be like: `--expect`, with the same values in every command.

use annals_client::ExpectedRevision;

/// What a stream must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `None`: that which is appended to.
    pub stream: Option<String>,
    pub revision: ExpectedRevision,
}

impl Expected {
    /// Of `--expect` where it may be of any stream: `7`, or `order-1=7`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // Streams' names may have the sign in them; revisions and words have not.
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

/// Of every `--expect`.
pub(super) fn parse_expected(text: &str) -> Result<ExpectedRevision, String> {
    match text {
        "any" => Ok(ExpectedRevision::Any),
        "no-stream" => Ok(ExpectedRevision::NoStream),
        "stream-exists" => Ok(ExpectedRevision::StreamExists),
        number => match number.parse() {
            Ok(revision) => Ok(ExpectedRevision::Exactly(revision)),
            Err(_) => Err("give any, no-stream, stream-exists, or a revision such as 0".to_owned()),
        },
    }
}
