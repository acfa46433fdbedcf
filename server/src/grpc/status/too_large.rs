//! Converts the status that tonic generates for a message over the size limit to that of the protocol.

use http::{HeaderMap, Response};
use tonic::{Code, Status};

use super::Invalid;

/// Replaces the response that tonic generates for a message over the size limit before a call reaches the service:
/// the error becomes TOO_LARGE. Other responses pass unchanged.
pub(in crate::grpc) fn explain<B: Default>(response: Response<B>) -> Response<B> {
    match too_large(response.headers()) {
        None => response,
        Some(status) => status.into_http(),
    }
}

/// Replaces the status of a message over the size limit, in a response or in a stream of requests.
pub(in crate::grpc) fn explained(status: Status) -> Status {
    match (status.code(), status.message().strip_prefix(TONIC_TOO_LARGE)) {
        (Code::OutOfRange, Some(sizes)) => message_too_large(sizes),
        _ => status,
    }
}

/// The beginning of tonic's error message for a message over the size limit.
const TONIC_TOO_LARGE: &str = "Error, decoded message length too large: ";

fn too_large(headers: &HeaderMap) -> Option<Status> {
    // Only a response without a body has this header, so successful responses cost one lookup.
    headers.get("grpc-status")?;
    let status = Status::from_header_map(headers)?;
    let sizes = status.message().strip_prefix(TONIC_TOO_LARGE)?;
    (status.code() == Code::OutOfRange).then(|| message_too_large(sizes))
}

fn message_too_large(sizes: &str) -> Status {
    Invalid::too_large(
        "",
        format!(
            "the message is too large ({sizes}); send less in one message: split the append, or keep the large part \
             of a snapshot elsewhere"
        ),
    )
    .into()
}
