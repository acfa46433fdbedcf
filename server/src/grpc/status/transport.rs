//! What tonic answers by itself, in the terms of the protocol.

use http::{HeaderMap, Response};
use tonic::{Code, Status};

use crate::grpc::request::Invalid;

/// What tonic answers before a call reaches the service, in the terms of the protocol: a message over the limit is
/// TOO_LARGE. Everything else passes.
pub(in crate::grpc) fn explain<B: Default>(response: Response<B>) -> Response<B> {
    match too_large(response.headers()) {
        None => response,
        Some(status) => status.into_http(),
    }
}

/// The status of a message that was over the limit, in a response or in a stream of requests.
pub(in crate::grpc) fn explained(status: Status) -> Status {
    match (status.code(), status.message().strip_prefix(TONIC_TOO_LARGE)) {
        (Code::OutOfRange, Some(sizes)) => message_too_large(sizes),
        _ => status,
    }
}

/// How tonic begins what it says of a message over the limit.
const TONIC_TOO_LARGE: &str = "Error, decoded message length too large: ";

fn too_large(headers: &HeaderMap) -> Option<Status> {
    // Only a response without a body has it in its headers, so that answers which went well cost one look-up.
    headers.get("grpc-status")?;
    let status = Status::from_header_map(headers)?;
    let sizes = status.message().strip_prefix(TONIC_TOO_LARGE)?;
    (status.code() == Code::OutOfRange).then(|| message_too_large(sizes))
}

fn message_too_large(sizes: &str) -> Status {
    Invalid::too_large(
        "",
        format!(
            "the message is too large ({sizes}); send less in a message: split the append, or keep the large part of a \
             snapshot elsewhere"
        ),
    )
    .into()
}
