//! Parses reads, subscriptions and listings.

use annals_proto::v1::{
    self as pb, read_all_request, read_stream_request, subscribe_all_request, subscribe_stream_request,
};
use annals_store::{
    Direction, Position, ReadAll, ReadStream, Revision, Start, StreamName, StreamUntil, SubscribeAll,
    SubscribeStream, Until, limits::STREAMS_PAGE_MAX,
};

use super::{parse_stream_to_read, query::query, time::until};
use crate::grpc::status::Invalid;

/// Default number of streams in a page.
const STREAMS_PAGE_DEFAULT: usize = 100;

/// Parses a read of the log.
pub(crate) fn read_all(request: pb::ReadAllRequest) -> Result<ReadAll, Invalid> {
    use read_all_request::Until as OneOf;

    if request.from_position == Some(0) {
        return Err(Invalid::field(
            "from_position",
            "is 0; positions count from 1. Leave it out to start with the first",
        ));
    }
    Ok(ReadAll {
        direction: direction(request.direction)?,
        from: request.from_position.map(Position),
        limit: limit(request.limit)?,
        query: query(request.query)?,
        until: match request.until {
            None => None,
            Some(OneOf::UntilPosition(position)) => Some(Until::Position(Position(position))),
            Some(OneOf::UntilTime(time)) => Some(until("until_time", &time)?),
        },
    })
}

/// Parses a read of a stream.
pub(crate) fn read_stream(request: pb::ReadStreamRequest) -> Result<ReadStream, Invalid> {
    use read_stream_request::Until as OneOf;

    Ok(ReadStream {
        stream: parse_stream_to_read("stream", &request.stream)?,
        direction: direction(request.direction)?,
        from: request.from_revision.map(Revision),
        limit: limit(request.limit)?,
        query: query(request.query)?,
        until: match request.until {
            None => None,
            Some(OneOf::UntilRevision(revision)) => Some(StreamUntil::Revision(Revision(revision))),
            Some(OneOf::UntilTime(time)) => Some(StreamUntil::Log(until("until_time", &time)?)),
        },
    })
}

/// Parses a subscription to the log.
pub(crate) fn subscribe_all(request: pb::SubscribeAllRequest) -> Result<SubscribeAll, Invalid> {
    use subscribe_all_request::Start as OneOf;

    let start = match request.start {
        None | Some(OneOf::After(0)) => Start::Beginning,
        Some(OneOf::After(position)) => Start::After(Position(position)),
        Some(OneOf::End(())) => Start::End,
    };
    Ok(SubscribeAll {
        start,
        query: query(request.query)?,
    })
}

/// Parses a subscription to a stream.
pub(crate) fn subscribe_stream(request: pb::SubscribeStreamRequest) -> Result<SubscribeStream, Invalid> {
    use subscribe_stream_request::Start as OneOf;

    let start = match request.start {
        None => Start::Beginning,
        Some(OneOf::AfterRevision(revision)) => Start::After(Revision(revision)),
        Some(OneOf::End(())) => Start::End,
    };
    Ok(SubscribeStream {
        stream: parse_stream_to_read("stream", &request.stream)?,
        start,
        query: query(request.query)?,
    })
}

/// Parses the name of the requested stream.
pub(crate) fn stream_name(request: &pb::GetStreamRequest) -> Result<StreamName, Invalid> {
    parse_stream_to_read("stream", &request.stream)
}

/// Selects a page of the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamsPage {
    /// Beginning of the streams' names; empty for all.
    pub prefix: String,
    /// The last name of the previous page.
    pub after: Option<StreamName>,
    /// The most streams to return, 1 or more.
    pub limit: usize,
}

/// Parses the size of a page of a listing.
pub(super) fn page_size(wanted: Option<u32>) -> Result<usize, Invalid> {
    let size = wanted.map_or(STREAMS_PAGE_DEFAULT, |wanted| wanted as usize);
    match size {
        1..=STREAMS_PAGE_MAX => Ok(size),
        _ => {
            let problem = format!(
                "is {size}; it must be 1 to {STREAMS_PAGE_MAX}; leave it out for {STREAMS_PAGE_DEFAULT}"
            );
            Err(Invalid::field("page_size", problem))
        }
    }
}

/// Parses a listing of streams. The token of a page is the last name of the previous one, unencoded: it survives
/// restarts, needs no memory in the server, and is readable when debugging.
pub(crate) fn list_streams(request: pb::ListStreamsRequest) -> Result<StreamsPage, Invalid> {
    if !request.prefix.is_empty() {
        // A prefix that no name can have is an error, not an empty list.
        StreamName::check_prefix(&request.prefix).map_err(|error| Invalid::name("prefix", &error))?;
    }
    let limit = page_size(request.page_size)?;
    let after = match request.page_token.as_str() {
        "" => None,
        token => Some(token),
    };
    let after = after.map(|token| match StreamName::to_read(token) {
        Ok(name) if token.starts_with(&request.prefix) => Ok(name),
        _ => Err(Invalid::field(
            "page_token",
            "is not the next_page_token of a page with this prefix; leave it empty to start with the first page",
        )),
    });
    Ok(StreamsPage {
        prefix: request.prefix,
        after: after.transpose()?,
        limit,
    })
}

fn direction(direction: i32) -> Result<Direction, Invalid> {
    match pb::Direction::try_from(direction) {
        Ok(pb::Direction::Unspecified | pb::Direction::Forwards) => Ok(Direction::Forwards),
        Ok(pb::Direction::Backwards) => Ok(Direction::Backwards),
        Err(_) => Err(Invalid::field(
            "direction",
            format!("is {direction}; it must be DIRECTION_FORWARDS or DIRECTION_BACKWARDS"),
        )),
    }
}

fn limit(limit: Option<u64>) -> Result<Option<u64>, Invalid> {
    match limit {
        Some(0) => Err(Invalid::field(
            "limit",
            "is 0; set 1 or more, or leave it out for all events",
        )),
        limit => Ok(limit),
    }
}
