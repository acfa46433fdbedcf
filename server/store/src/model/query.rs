//! Queries: conditions that select the events of a read, a subscription or a check. See `annals/v1/query.proto` for
//! their meaning.

use crate::format::{keys::ListName, record::View};

/// Maximum number of lists for which a query uses the indexes; a query that names more scans the log.
const LISTS_MAX: usize = 4_096;

/// Selects the events that match at least one item; without items, every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Items of the query.
    pub items: Vec<QueryItem>,
}

/// Matches an event that satisfies every group of fields that is not empty: type (`types`, `type_prefixes`), stream
/// (`streams`, `stream_prefixes`), and all of `tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryItem {
    /// Types, one of which the event has.
    pub types: Vec<String>,
    /// Prefixes with one of which the type may begin instead.
    pub type_prefixes: Vec<String>,
    /// Streams, one of which the event is in.
    pub streams: Vec<String>,
    /// Prefixes with one of which the stream's name may begin instead.
    pub stream_prefixes: Vec<String>,
    /// Tags, all of which the event has.
    pub tags: Vec<String>,
}

impl Query {
    /// Whether every event matches, so that no event needs to be examined.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        self.items.is_empty() || self.items.iter().any(QueryItem::matches_all)
    }

    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, event: &View<'_>) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }

    /// Whether the indexes determine exactly which events match: all events, or those in lists.
    pub(crate) fn is_listed(&self) -> bool {
        let by_prefix = |item: &QueryItem| !item.type_prefixes.is_empty() || !item.stream_prefixes.is_empty();
        self.matches_all() || (!self.items.iter().any(by_prefix) && self.lists().is_some())
    }

    /// Whether an event may match, given which lists have events. An item matches nothing if all lists of one of its
    /// groups have none.
    pub(crate) fn may_match(&self, has_events: impl Fn(&ListName) -> bool) -> bool {
        self.lists().is_none_or(|items| may_match(&items, has_events))
    }

    /// Returns the bytes of the names in the query.
    pub(crate) fn bytes(&self) -> usize {
        self.items
            .iter()
            .flat_map(QueryItem::names)
            .map(String::len)
            .sum()
    }

    /// Returns the lists that contain the matches: groups of lists for every item. An event that matches the item is
    /// in some list of each of its groups; an event in these lists need not match. `None` if an item names no list,
    /// or if all items together name more than [`LISTS_MAX`], so that the whole log must be scanned.
    pub(crate) fn lists(&self) -> Option<Vec<Vec<Vec<ListName>>>> {
        let items: Vec<_> = self.items.iter().map(QueryItem::lists).collect();
        let all_listed = !items.is_empty() && items.iter().all(|groups| !groups.is_empty());
        let lists: usize = items.iter().flatten().map(Vec::len).sum();
        (all_listed && lists <= LISTS_MAX).then_some(items)
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

    fn names(&self) -> impl Iterator<Item = &String> {
        [
            &self.types,
            &self.type_prefixes,
            &self.streams,
            &self.stream_prefixes,
            &self.tags,
        ]
        .into_iter()
        .flatten()
    }

    /// Names next to prefixes form no group, because events that match a prefix are in none of their lists.
    fn lists(&self) -> Vec<Vec<ListName>> {
        let mut groups = Vec::new();
        if self.type_prefixes.is_empty() {
            groups.push(group(&self.types, ListName::Type));
        }
        if self.stream_prefixes.is_empty() {
            groups.push(group(&self.streams, ListName::Stream));
        }
        groups.extend(self.tags.iter().map(|tag| vec![ListName::Tag(tag.clone())]));
        groups.retain(|group| !group.is_empty());
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

/// Whether an event may match one of these items, given as [`Query::lists`] returns them.
pub(crate) fn may_match(items: &[Vec<Vec<ListName>>], has_events: impl Fn(&ListName) -> bool) -> bool {
    let has_any = |lists: &Vec<ListName>| lists.iter().any(&has_events);
    items.iter().any(|groups| groups.iter().all(has_any))
}

fn group(names: &[String], list: fn(String) -> ListName) -> Vec<ListName> {
    let mut lists: Vec<ListName> = names.iter().cloned().map(list).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

fn one_of(name: &str, names: &[String], prefixes: &[String]) -> bool {
    (names.is_empty() && prefixes.is_empty())
        || names.iter().any(|is| is == name)
        || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}
