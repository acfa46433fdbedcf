//! Rejects appends that are too large for any server before they are sent.
//!
//! A server ends the whole call at a message over its limit, and with it every unanswered append. So an append that
//! may be over the limit is compared with it first. Messages with several appends are far below any limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use annals_proto::v1::{self as pb, pipelined_append::Append};

use crate::connection::Stub;
use crate::error::{Error, FieldViolation, Result};
use crate::retry::Shared;

/// The bytes that a message may have beyond the server's `max_append_bytes`, from the protocol.
const MESSAGE_SLACK_BYTES: u64 = 1 << 20;

/// The append limit last reported by a server; 0 before one was asked.
#[derive(Debug, Default)]
pub(crate) struct KnownLimit(AtomicU64);

/// Fails with [`Error::TooLarge`] if no server accepts a message with that append.
pub(super) async fn check(
    shared: &Shared,
    timeout: Duration,
    append: &pb::PipelinedAppend,
    append_bytes: usize,
) -> Result<()> {
    let append_bytes = append_bytes as u64;
    if append_bytes <= MESSAGE_SLACK_BYTES + shared.append_limit.0.load(Ordering::Relaxed) {
        return Ok(());
    }
    // The limit is not known yet, or a server has been restarted with a larger one.
    let info = |mut stub: Stub| async move { stub.get_server_info(pb::GetServerInfoRequest {}).await };
    let limits = shared.call(timeout, info).await?.into_inner().limits;
    let limits = limits.ok_or_else(|| Error::protocol("limits are missing"))?;
    let most = u64::from(limits.max_append_bytes);
    shared.append_limit.0.store(most, Ordering::Relaxed);
    if append_bytes <= MESSAGE_SLACK_BYTES + most {
        return Ok(());
    }
    let field = match append.append {
        Some(Append::AppendToMany(_)) => "writes",
        _ => "events",
    };
    Err(Error::TooLarge(vec![FieldViolation {
        field: field.to_owned(),
        description: format!("the append has {append_bytes} bytes, and the server takes {most}; split it"),
    }]))
}
