//! The status of an append whose checks failed.

use annals_proto::v1::{self as pb, ErrorReason, failed_check::Found};
use annals_store::FailedCheck;
use prost::Message;
use tonic::Code;

use super::{Builder, revision_conflict};

/// The most failed checks that are listed.
const FAILED_MAX: usize = 16;
/// The most bytes of listed checks: with the message, which occurs twice and escaped, the trailer stays under 8 KiB.
const FAILED_BYTES_MAX: usize = 2_400;

pub(super) fn failed(failed: &[FailedCheck], unlisted: usize) -> Builder {
    let count = u32::try_from(failed.len() + unlisted).unwrap_or(u32::MAX);
    let mut detail = pb::ChecksFailed {
        failed: Vec::new(),
        count,
    };
    for check in failed.iter().take(FAILED_MAX) {
        detail.failed.push(message(check));
        if detail.encoded_len() > FAILED_BYTES_MAX {
            detail.failed.pop();
            break;
        }
    }
    Builder::new(Code::Aborted, ErrorReason::ChecksFailed)
        .value("count", count)
        .detail("annals.v1.ChecksFailed", &detail)
}

fn message(check: &FailedCheck) -> pb::FailedCheck {
    let (index, found) = match check {
        FailedCheck::Stream {
            index,
            stream,
            expected,
            actual,
        } => {
            // `None` is the append's own expected revision. No call combines it with checks, so it is not reported.
            let index = index.unwrap_or_default();
            (
                index,
                Found::Stream(revision_conflict(stream, *expected, *actual)),
            )
        }
        FailedCheck::Match {
            index,
            after,
            position,
        } => {
            let found = pb::MatchFound {
                after: after.0,
                position: position.0,
            };
            (*index, Found::Match(found))
        }
        FailedCheck::State {
            index,
            entry,
            expected,
            actual,
        } => {
            let found = pb::StateConflict {
                scope: entry.scope.to_string(),
                key: entry.key.to_string(),
                expected_version: *expected,
                actual_version: *actual,
            };
            (*index, Found::State(found))
        }
    };
    pb::FailedCheck {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        found: Some(found),
    }
}
