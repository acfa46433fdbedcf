//! Queries: which events a read or a subscription is about. See `annals/v1/query.proto` for their meaning.

use crate::record::View;

/// Events that match at least one item; without items, every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The items.
    pub items: Vec<QueryItem>,
}

/// Matches an event that satisfies every group of fields that is not empty: type (`types`, `type_prefixes`), stream
/// (`streams`, `stream_prefixes`), and all of `tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryItem {
    /// Its type is one of these.
    pub types: Vec<String>,
    /// Or starts with one of these.
    pub type_prefixes: Vec<String>,
    /// Its stream is one of these.
    pub streams: Vec<String>,
    /// Or starts with one of these.
    pub stream_prefixes: Vec<String>,
    /// It bears all of these.
    pub tags: Vec<String>,
}

impl Query {
    /// Whether every event matches, so that nothing needs to be looked at.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        self.items.is_empty() || self.items.iter().any(QueryItem::matches_all)
    }

    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, event: &View<'_>) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl QueryItem {
    fn matches_all(&self) -> bool {
        *self == Self::default()
    }

    fn matches(&self, event: &View<'_>) -> bool {
        one_of(event.kind, &self.types, &self.type_prefixes)
            && one_of(event.stream, &self.streams, &self.stream_prefixes)
            && self.tags.iter().all(|tag| event.tags().any(|has| has == tag))
    }
}

fn one_of(name: &str, names: &[String], prefixes: &[String]) -> bool {
    (names.is_empty() && prefixes.is_empty())
        || names.iter().any(|is| is == name)
        || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}
