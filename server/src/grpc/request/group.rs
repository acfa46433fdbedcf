//! Parses requests about consumer groups.

use std::time::Duration;

use annals_proto::v1::{self as pb, group_start, nack, parked_selection};
use annals_services::groups::{
    GroupSettings, ListParked, Mode, Nack, NackAction, PERMITS_MAX, RETRY_DELAY_CEILING, Selection, Settle,
    Start,
};
use annals_store::{Position, ScopeName, StateKey, StreamName, Timestamp, Until};

use super::{query::query, time::until};
use crate::grpc::status::Invalid;

/// Number of entries in a page unless the client sets it.
const PAGE_DEFAULT: usize = 100;
/// The most entries of a page.
const PAGE_MAX: usize = 1_000;
/// The most positions of a selection.
const POSITIONS_MAX: usize = 1_000;
/// The most bytes of a reason.
const REASON_BYTES_MAX: usize = 1_024;

/// A request to open a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub group: String,
    pub consumer: String,
    pub permits: u32,
}

/// Parses the name of a group.
pub(crate) fn group_name(field: &str, name: &str) -> Result<String, Invalid> {
    // Names of groups have the form of names of scopes.
    ScopeName::new(name).map_err(|error| Invalid::name(field, &error))?;
    Ok(name.to_owned())
}

/// Parses settings. Absent ones get their defaults.
pub(crate) fn settings(settings: Option<pb::GroupSettings>) -> Result<GroupSettings, Invalid> {
    let settings = settings.unwrap_or_default();
    let defaults = GroupSettings::default();
    let under = |invalid: Invalid| invalid.under("settings");
    let mode = match (settings.mode(), settings.order_by_tag_prefix.as_str()) {
        (pb::GroupMode::Unspecified, _) if settings.mode != 0 => {
            let problem = format!("is {}, which is not a mode", settings.mode);
            return Err(Invalid::field("settings.mode", problem));
        }
        (pb::GroupMode::Unspecified | pb::GroupMode::Ordered, "") => Mode::OrderedByStream,
        (pb::GroupMode::Unspecified | pb::GroupMode::Ordered, prefix) => {
            Mode::OrderedByTag(prefix.to_owned())
        }
        (pb::GroupMode::Unordered, "") => Mode::Unordered,
        (pb::GroupMode::Exclusive, "") => Mode::Exclusive,
        (pb::GroupMode::Unordered | pb::GroupMode::Exclusive, _) => {
            return Err(Invalid::field(
                "settings.order_by_tag_prefix",
                "is set, but the group is not ordered; leave it out",
            ));
        }
    };
    let or = |field: &str, value: Option<&prost_types::Duration>, default| match value {
        Some(value) => duration(&format!("settings.{field}"), value),
        None => Ok(default),
    };
    let retry_delay = or("retry_delay", settings.retry_delay.as_ref(), defaults.retry_delay)?;
    Ok(GroupSettings {
        mode,
        ack_timeout: or("ack_timeout", settings.ack_timeout.as_ref(), defaults.ack_timeout)?,
        attempts_max: settings.max_attempts.unwrap_or(defaults.attempts_max),
        retry_delay,
        retry_delay_max: or(
            "max_retry_delay",
            settings.max_retry_delay.as_ref(),
            defaults.retry_delay_max.max(retry_delay),
        )?,
        park_following: settings.park_following,
        query: query(settings.query).map_err(under)?,
    })
}

/// Parses the place where a group begins or continues.
pub(crate) fn group_start(start: Option<pb::GroupStart>) -> Result<Start, Invalid> {
    Ok(match start.and_then(|start| start.start) {
        None | Some(group_start::Start::Beginning(())) => Start::Beginning,
        Some(group_start::Start::End(())) => Start::End,
        Some(group_start::Start::AfterPosition(position)) => Start::After(Position(position)),
        Some(group_start::Start::Time(time)) => match until("start.time", &time)? {
            Until::Time(time) => Start::Time(time),
            Until::Position(_) => Start::Time(Timestamp::default()),
        },
    })
}

/// Parses the selection of a page of groups: the prefix, the last name of the page before, and the size.
pub(crate) fn list_groups(
    request: &pb::ListGroupsRequest,
) -> Result<(String, Option<StateKey>, usize), Invalid> {
    StateKey::check_prefix(&request.name_prefix).map_err(|error| Invalid::name("name_prefix", &error))?;
    let after = (!request.after_name.is_empty()).then(|| StateKey::new(&request.after_name));
    let after = after
        .transpose()
        .map_err(|error| Invalid::name("after_name", &error))?;
    Ok((request.name_prefix.clone(), after, page_size(request.page_size)?))
}

/// Parses the selection of a page of parked events.
pub(crate) fn list_parked(request: &pb::ListParkedRequest) -> Result<ListParked, Invalid> {
    if !request.stream.is_empty() {
        stream("stream", &request.stream)?;
    }
    Ok(ListParked {
        group: group_name("group", &request.group)?,
        stream: request.stream.clone(),
        after: request.after_position,
        limit: page_size(request.page_size)?,
        with_events: request.include_events,
    })
}

/// Parses a selection of parked events.
pub(crate) fn selection(selection: Option<pb::ParkedSelection>) -> Result<Selection, Invalid> {
    match selection.and_then(|selection| selection.selection) {
        None => Err(Invalid::field(
            "selection",
            "is not set; set one of positions, stream or all",
        )),
        Some(parked_selection::Selection::All(())) => Ok(Selection::All),
        Some(parked_selection::Selection::Stream(name)) => {
            stream("selection.stream", &name)?;
            Ok(Selection::Stream(name))
        }
        Some(parked_selection::Selection::Positions(pb::ParkedPositions { mut positions })) => {
            if !(1..=POSITIONS_MAX).contains(&positions.len()) {
                let problem = format!(
                    "has {} positions; it must be 1 to {POSITIONS_MAX}",
                    positions.len()
                );
                return Err(Invalid::field("selection.positions", problem));
            }
            positions.sort_unstable();
            positions.dedup();
            Ok(Selection::Positions(positions))
        }
    }
}

/// Parses the first message of a consumer.
pub(crate) fn open(open: &pb::OpenConsumer) -> Result<Open, Invalid> {
    Ok(Open {
        group: group_name("open.group", &open.group)?,
        consumer: group_name("open.consumer", &open.consumer)?,
        permits: permits("open.permits", open.permits)?,
    })
}

/// Parses a later message of a consumer.
pub(crate) fn settle(request: pb::ConsumeRequest) -> Result<Settle, Invalid> {
    if request.open.is_some() {
        let problem = "is set, but the consumer is open; open another one on another call";
        return Err(Invalid::field("open", problem));
    }
    let permits = request
        .permits
        .map(|wanted| permits("permits", wanted))
        .transpose()?;
    let nacks = request.nacks.into_iter().enumerate();
    let nacks = nacks
        .map(|(index, wanted)| nack(wanted).map_err(|invalid| invalid.under(&format!("nacks[{index}]"))));
    Ok(Settle {
        acks: request.acks,
        nacks: nacks.collect::<Result<_, _>>()?,
        extensions: request.extensions,
        permits,
    })
}

fn nack(nack: pb::Nack) -> Result<Nack, Invalid> {
    if nack.deliveries.is_empty() {
        return Err(Invalid::field("deliveries", "is empty; give at least one"));
    }
    if nack.reason.len() > REASON_BYTES_MAX {
        let problem = format!(
            "is {} bytes long; at most {REASON_BYTES_MAX} are allowed",
            nack.reason.len()
        );
        return Err(Invalid::field("reason", problem));
    }
    let action = match nack.action {
        None => NackAction::Retry(None),
        Some(nack::Action::RetryAfter(after)) => {
            let after = duration("retry_after", &after)?;
            if after > RETRY_DELAY_CEILING {
                return Err(Invalid::field("retry_after", "is longer than 1 day"));
            }
            NackAction::Retry(Some(after))
        }
        Some(nack::Action::Park(())) => NackAction::Park,
        Some(nack::Action::Skip(())) => NackAction::Skip,
        Some(nack::Action::Release(())) => NackAction::Release,
    };
    Ok(Nack {
        deliveries: nack.deliveries,
        reason: nack.reason,
        action,
    })
}

fn permits(field: &str, permits: u64) -> Result<u32, Invalid> {
    u32::try_from(permits)
        .ok()
        .filter(|permits| (1..=PERMITS_MAX).contains(permits))
        .ok_or_else(|| Invalid::field(field, format!("is {permits}; it must be 1 to {PERMITS_MAX}")))
}

fn page_size(size: Option<u32>) -> Result<usize, Invalid> {
    let limit = size.map_or(PAGE_DEFAULT, |size| size as usize);
    if !(1..=PAGE_MAX).contains(&limit) {
        let problem = format!("is {limit}; it must be 1 to {PAGE_MAX}; leave it out for {PAGE_DEFAULT}");
        return Err(Invalid::field("page_size", problem));
    }
    Ok(limit)
}

fn stream(field: &str, name: &str) -> Result<(), Invalid> {
    StreamName::to_read(name)
        .map(|_| ())
        .map_err(|error| Invalid::name(field, &error))
}

fn duration(field: &str, duration: &prost_types::Duration) -> Result<Duration, Invalid> {
    let parts = (u64::try_from(duration.seconds), u32::try_from(duration.nanos));
    match parts {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => Ok(Duration::new(seconds, nanos)),
        _ => Err(Invalid::field(field, "is not a duration of 0 seconds or more")),
    }
}
