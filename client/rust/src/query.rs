//! Queries: the events that a read or a subscription returns.

use annals_proto::v1 as pb;

use crate::event::RecordedEvent;

/// Matches events that match at least one of the items; without items, every event. At most 64 items.
///
/// ```
/// use annals_client::{Query, QueryItem};
///
/// // Orders that were placed or cancelled, and all events about customer 7.
/// let query = Query::from(QueryItem::new().of_type("OrderPlaced").of_type("OrderCancelled"))
///     .or(QueryItem::new().tagged("customer:7"));
/// assert_eq!(query.items.len(), 2);
///
/// // All events about either of these courses.
/// let courses: Query = ["c1", "c2"].iter().map(|id| QueryItem::new().tagged(format!("course:{id}"))).collect();
/// assert_eq!(courses.items.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The items. An event must match at least one.
    pub items: Vec<QueryItem>,
}

impl Query {
    /// Matches every event.
    pub fn all() -> Self {
        Query::default()
    }

    /// Adds an item: events that match it are matched as well.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }
}

impl Query {
    /// Whether an event matches, by the same rules as in the store.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl From<QueryItem> for Query {
    fn from(item: QueryItem) -> Self {
        Query { items: vec![item] }
    }
}

impl<const N: usize> From<[QueryItem; N]> for Query {
    fn from(items: [QueryItem; N]) -> Self {
        Query { items: items.into() }
    }
}

/// Note that a query without items matches every event.
impl FromIterator<QueryItem> for Query {
    fn from_iter<I: IntoIterator<Item = QueryItem>>(items: I) -> Self {
        Query {
            items: items.into_iter().collect(),
        }
    }
}

impl Extend<QueryItem> for Query {
    fn extend<I: IntoIterator<Item = QueryItem>>(&mut self, items: I) {
        self.items.extend(items);
    }
}

/// An event matches if it satisfies all of: its type is one of `types` or starts with one of `type_prefixes` (if
/// there are any of either), the same for its stream, and it has all of `tags`. The total number of names in one item
/// is at most 1,000.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryItem {
    /// Event types.
    pub types: Vec<String>,
    /// Prefixes of event types.
    pub type_prefixes: Vec<String>,
    /// Stream names.
    pub streams: Vec<String>,
    /// Prefixes of stream names: `order-` is the category of all orders.
    pub stream_prefixes: Vec<String>,
    /// Tags, all of which an event must have.
    pub tags: Vec<String>,
}

impl QueryItem {
    /// Creates an item that matches every event until something is added.
    pub fn new() -> Self {
        QueryItem::default()
    }

    /// Adds an event type.
    #[must_use]
    pub fn of_type(mut self, event_type: impl Into<String>) -> Self {
        self.types.push(event_type.into());
        self
    }

    /// Adds a prefix of event types.
    #[must_use]
    pub fn of_type_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.type_prefixes.push(prefix.into());
        self
    }

    /// Adds a stream name.
    #[must_use]
    pub fn in_stream(mut self, stream: impl Into<String>) -> Self {
        self.streams.push(stream.into());
        self
    }

    /// Adds a prefix of stream names.
    #[must_use]
    pub fn in_stream_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.stream_prefixes.push(prefix.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tagged(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Whether an event matches, by the same rules as in the store.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        named(&self.types, &self.type_prefixes, &event.event_type)
            && named(&self.streams, &self.stream_prefixes, &event.stream)
            && self.tags.iter().all(|tag| event.tags.contains(tag))
    }
}

/// Whether a name is one of `names` or starts with one of `prefixes`, or both are empty.
fn named(names: &[String], prefixes: &[String], name: &str) -> bool {
    (names.is_empty() && prefixes.is_empty())
        || names.iter().any(|one| one == name)
        || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

impl From<Query> for pb::Query {
    fn from(query: Query) -> Self {
        let item = |item: QueryItem| pb::QueryItem {
            types: item.types,
            type_prefixes: item.type_prefixes,
            streams: item.streams,
            stream_prefixes: item.stream_prefixes,
            tags: item.tags,
        };
        pb::Query {
            items: query.items.into_iter().map(item).collect(),
        }
    }
}

impl From<pb::Query> for Query {
    fn from(query: pb::Query) -> Self {
        let item = |item: pb::QueryItem| QueryItem {
            types: item.types,
            type_prefixes: item.type_prefixes,
            streams: item.streams,
            stream_prefixes: item.stream_prefixes,
            tags: item.tags,
        };
        Query {
            items: query.items.into_iter().map(item).collect(),
        }
    }
}

/// The order in which a read returns events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Forwards,
    /// Newest first.
    Backwards,
}

impl From<Direction> for pb::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Forwards => pb::Direction::Forwards,
            Direction::Backwards => pb::Direction::Backwards,
        }
    }
}

#[cfg(test)]
mod tests;
