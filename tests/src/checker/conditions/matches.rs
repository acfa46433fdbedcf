//! Finds the first event after a position that matches a query, using the names in the query.

use std::collections::HashMap;

use crate::checker::{Filter, FilterItem, Observed};

/// Positions by every name that an event has.
pub(super) struct Matches<'a> {
    log: &'a [Observed],
    tags: HashMap<&'a str, Vec<u64>>,
    types: HashMap<&'a str, Vec<u64>>,
    streams: HashMap<&'a str, Vec<u64>>,
}

impl<'a> Matches<'a> {
    pub(super) fn new(log: &'a [Observed]) -> Self {
        let mut matches = Self {
            log,
            tags: HashMap::new(),
            types: HashMap::new(),
            streams: HashMap::new(),
        };
        for event in log {
            let position = event.position;
            for tag in &event.tags {
                matches.tags.entry(tag).or_default().push(position);
            }
            matches.types.entry(&event.kind).or_default().push(position);
            matches.streams.entry(&event.stream).or_default().push(position);
        }
        matches
    }

    /// The position of the first event after a position that matches.
    pub(super) fn first(&self, query: &Filter, after: u64) -> Option<u64> {
        if query.items.is_empty() {
            return (after < self.log.len() as u64).then_some(after + 1);
        }
        let firsts = query.items.iter().filter_map(|item| self.first_of(item, after));
        firsts.min()
    }

    fn first_of(&self, item: &FilterItem, after: u64) -> Option<u64> {
        let wanted = Filter {
            items: vec![item.clone()],
        };
        let is_wanted = |position: &u64| {
            let index = usize::try_from(position - 1).ok();
            index
                .and_then(|index| self.log.get(index))
                .is_some_and(|event| wanted.matches(event))
        };
        let in_list = |list: Option<&Vec<u64>>| {
            let list = list?;
            let behind = &list[list.partition_point(|position| *position <= after)..];
            behind.iter().copied().find(is_wanted)
        };
        let of_any = |index: &HashMap<&str, Vec<u64>>, names: &[String]| {
            let firsts = names.iter().filter_map(|name| in_list(index.get(name.as_str())));
            firsts.min()
        };
        // Any of the groups of names would do; the first that can be looked up is used.
        if let Some(tag) = item.tags.first() {
            in_list(self.tags.get(tag.as_str()))
        } else if !item.types.is_empty() && item.type_prefixes.is_empty() {
            of_any(&self.types, &item.types)
        } else if !item.streams.is_empty() && item.stream_prefixes.is_empty() {
            of_any(&self.streams, &item.streams)
        } else {
            (after + 1..=self.log.len() as u64).find(is_wanted)
        }
    }
}
