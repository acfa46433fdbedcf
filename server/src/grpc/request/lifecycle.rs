//! Parses retentions and deletions of streams.

use annals_proto::v1 as pb;
use annals_store::{Expected, Retention, Revision, StreamName, StreamPrefix};

use super::{expected::expected, parse_stream, parse_stream_to_read, read::page_size};
use crate::grpc::status::Invalid;

/// The longest `google.protobuf.Duration`, in seconds: about 10,000 years.
const AGE_SECONDS_MAX: i64 = 315_576_000_000;

/// A new retention of a stream, and the version that the change is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetRetention {
    pub stream: StreamName,
    pub retention: Retention,
    pub expected_version: Option<u64>,
}

pub(crate) fn set_retention(request: &pb::SetRetentionRequest) -> Result<SetRetention, Invalid> {
    let stream = parse_stream("stream", &request.stream)?;
    Ok(SetRetention {
        stream,
        retention: wanted(request.retention.as_ref())?,
        expected_version: request.expected_version,
    })
}

fn wanted(retention: Option<&pb::Retention>) -> Result<Retention, Invalid> {
    let Some(wanted) = retention else {
        let problem = "is missing; set it, and leave its fields unset to keep everything";
        return Err(Invalid::field("retention", problem));
    };
    if wanted.max_count == Some(0) {
        let problem = "is 0; set 1 or more, leave it out to keep any number, or delete the stream";
        return Err(Invalid::field("retention.max_count", problem));
    }
    Ok(Retention {
        max_count: wanted.max_count,
        max_age_seconds: wanted.max_age.as_ref().map(age_seconds).transpose()?,
        truncate_before: Revision(wanted.truncate_before),
    })
}

/// A new retention of the streams of a prefix, and the version that the change is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetPrefixRetention {
    pub prefix: StreamPrefix,
    pub retention: Retention,
    pub expected_version: Option<u64>,
}

pub(crate) fn set_prefix_retention(
    request: &pb::SetPrefixRetentionRequest,
) -> Result<SetPrefixRetention, Invalid> {
    let prefix = parse_prefix("prefix", &request.prefix)?;
    let retention = wanted(request.retention.as_ref())?;
    if retention.truncate_before > Revision::FIRST {
        return Err(Invalid::field(
            "retention.truncate_before",
            "is set, but a revision belongs to one stream; leave it out, or set it for each stream",
        ));
    }
    Ok(SetPrefixRetention {
        prefix,
        retention,
        expected_version: request.expected_version,
    })
}

pub(crate) fn prefix_retention_of(request: &pb::GetPrefixRetentionRequest) -> Result<StreamPrefix, Invalid> {
    parse_prefix("prefix", &request.prefix)
}

/// Returns the prefix after which the page begins, and its size.
pub(crate) fn list_prefix_retentions(
    request: &pb::ListPrefixRetentionsRequest,
) -> Result<(Option<StreamPrefix>, usize), Invalid> {
    let after = match request.page_token.as_str() {
        "" => None,
        token => Some(StreamPrefix::new(token).map_err(|_| {
            let problem =
                "is not a next_page_token of this server; use that of the previous page, or leave it empty";
            Invalid::field("page_token", problem)
        })?),
    };
    Ok((after, page_size(request.page_size)?))
}

fn parse_prefix(field: &str, prefix: &str) -> Result<StreamPrefix, Invalid> {
    StreamPrefix::new(prefix).map_err(|error| Invalid::name(field, &error))
}

fn age_seconds(age: &prost_types::Duration) -> Result<u64, Invalid> {
    match (age.seconds, age.nanos) {
        (1..=AGE_SECONDS_MAX, 0) => Ok(age.seconds.unsigned_abs()),
        _ => Err(Invalid::field(
            "retention.max_age",
            "is not a whole number of seconds from 1 to 315,576,000,000; leave it out to keep events permanently",
        )),
    }
}

pub(crate) fn retention_of(request: &pb::GetRetentionRequest) -> Result<StreamName, Invalid> {
    parse_stream_to_read("stream", &request.stream)
}

pub(crate) fn delete(request: pb::DeleteStreamRequest) -> Result<(StreamName, Expected), Invalid> {
    let stream = parse_stream("stream", &request.stream)?;
    match expected(request.expected)? {
        Expected::NoStream => Err(Invalid::field(
            "expected",
            "is no_stream, but a stream without events can't be deleted; set a revision, stream_exists or any",
        )),
        expected => Ok((stream, expected)),
    }
}

pub(crate) fn tombstone(request: pb::TombstoneStreamRequest) -> Result<(StreamName, Expected), Invalid> {
    Ok((
        parse_stream("stream", &request.stream)?,
        expected(request.expected)?,
    ))
}

#[cfg(test)]
mod tests;
