//! Parses queries.

use annals_proto::v1 as pb;
use annals_store::{
    EventType, NameError, Query, QueryItem, StreamName, Tag,
    limits::{QUERY_ITEMS_MAX, QUERY_NAMES_MAX},
};

use crate::grpc::status::Invalid;

/// Parses a query. An absent one matches everything.
pub(super) fn query(query: Option<pb::Query>) -> Result<Query, Invalid> {
    let Some(query) = query else {
        return Ok(Query::default());
    };
    if query.items.len() > QUERY_ITEMS_MAX {
        let problem = format!(
            "has {} items; at most {QUERY_ITEMS_MAX} are allowed",
            query.items.len()
        );
        return Err(Invalid::field("query.items", problem));
    }
    let items = query
        .items
        .into_iter()
        .enumerate()
        .map(|(index, wanted)| item(index, wanted));
    Ok(Query {
        items: items.collect::<Result<_, _>>()?,
    })
}

fn item(index: usize, item: pb::QueryItem) -> Result<QueryItem, Invalid> {
    let names = item.types.len()
        + item.type_prefixes.len()
        + item.streams.len()
        + item.stream_prefixes.len()
        + item.tags.len();
    if names > QUERY_NAMES_MAX {
        let problem = format!("has {names} names in all; at most {QUERY_NAMES_MAX} are allowed");
        return Err(Invalid::field(format!("query.items[{index}]"), problem));
    }
    let stream = |name: &str| StreamName::to_read(name).map(|_| ());
    let tag = |name: &str| Tag::new(name).map(|_| ());
    // A prefix must be the beginning of a possible name, which means that it is a valid name itself.
    check(index, "types", &item.types, EventType::check_to_read)?;
    check(
        index,
        "type_prefixes",
        &item.type_prefixes,
        EventType::check_to_read,
    )?;
    check(index, "streams", &item.streams, stream)?;
    check(
        index,
        "stream_prefixes",
        &item.stream_prefixes,
        StreamName::check_prefix,
    )?;
    check(index, "tags", &item.tags, tag)?;
    Ok(QueryItem {
        types: item.types,
        type_prefixes: item.type_prefixes,
        streams: item.streams,
        stream_prefixes: item.stream_prefixes,
        tags: item.tags,
    })
}

fn check(
    index: usize,
    field: &str,
    names: &[String],
    valid: impl Fn(&str) -> Result<(), NameError>,
) -> Result<(), Invalid> {
    for (n, name) in names.iter().enumerate() {
        valid(name).map_err(|error| Invalid::name(format!("query.items[{index}].{field}[{n}]"), &error))?;
    }
    Ok(())
}
