//! Which events a read or a subscription is about.

use annals_proto::v1 as pb;

use crate::event::RecordedEvent;

/// Events that match at least one of the items; without items, every event. At most 64 items.
///
/// ```
/// use annals_client::{Query, QueryItem};
///
/// // Orders that were placed or cancelled, and whatever concerns customer 7.
/// let query = Query::from(QueryItem::new().of_type("OrderPlaced").of_type("OrderCancelled"))
///     .or(QueryItem::new().tagged("customer:7"));
/// assert_eq!(query.items.len(), 2);
///
/// // Whatever concerns one of these.
/// let courses: Query = ["c1", "c2"].iter().map(|id| QueryItem::new().tagged(format!("course:{id}"))).collect();
/// assert_eq!(courses.items.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The items, of which one must match.
    pub items: Vec<QueryItem>,
}

impl Query {
    /// Every event.
    pub fn all() -> Self {
        Query::default()
    }

    /// Adds an item: events that match it are matched too.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }
}

impl Query {
    /// Whether an event matches, as the store judges it.
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

/// Mind that a query without items is one for every event.
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

/// An event matches if it satisfies each of: its type is one of `types` or starts with one of `type_prefixes` (if there
/// are any of either), the same for its stream, and it bears all of `tags`. The names in one item, added up, are at most
/// 1,000.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryItem {
    /// Types.
    pub types: Vec<String>,
    /// Beginnings of types.
    pub type_prefixes: Vec<String>,
    /// Streams.
    pub streams: Vec<String>,
    /// Beginnings of streams: `order-` is the category of all orders.
    pub stream_prefixes: Vec<String>,
    /// Tags, all of which an event must bear.
    pub tags: Vec<String>,
}

impl QueryItem {
    /// An item that matches every event until something is added.
    pub fn new() -> Self {
        QueryItem::default()
    }

    /// Adds a type.
    #[must_use]
    pub fn of_type(mut self, kind: impl Into<String>) -> Self {
        self.types.push(kind.into());
        self
    }

    /// Adds the beginning of types.
    #[must_use]
    pub fn of_type_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.type_prefixes.push(prefix.into());
        self
    }

    /// Adds a stream.
    #[must_use]
    pub fn in_stream(mut self, stream: impl Into<String>) -> Self {
        self.streams.push(stream.into());
        self
    }

    /// Adds the beginning of streams.
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

    /// Whether an event matches, as the store judges it.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        named(&self.types, &self.type_prefixes, &event.kind)
            && named(&self.streams, &self.stream_prefixes, &event.stream)
            && self.tags.iter().all(|tag| event.tags.contains(tag))
    }
}

/// Whether a name is one of these or begins with one of those; or there are none of either.
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
