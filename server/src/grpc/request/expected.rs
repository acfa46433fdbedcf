//! What a request expects of a stream.

use annals_proto::v1::{self as pb, expected_revision};
use annals_store::{Expected, Revision};

use crate::grpc::status::Invalid;

pub(super) fn expected(expected: Option<pb::ExpectedRevision>) -> Result<Expected, Invalid> {
    use expected_revision::Expected as OneOf;

    let Some(expected) = expected else {
        return Ok(Expected::Any);
    };
    match expected.expected {
        Some(OneOf::Revision(revision)) => Ok(Expected::Exactly(Revision(revision))),
        Some(OneOf::NoStream(())) => Ok(Expected::NoStream),
        Some(OneOf::StreamExists(())) => Ok(Expected::StreamExists),
        Some(OneOf::Any(())) => Ok(Expected::Any),
        None => Err(Invalid::field(
            "expected",
            "is empty; set one of revision, no_stream, stream_exists or any, or leave it out for any",
        )),
    }
}
