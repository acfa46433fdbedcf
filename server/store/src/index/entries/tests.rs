use proptest::prelude::*;

use super::*;
use crate::{
    format::keys::ListName,
    lifecycle::Lifecycle,
    values::{maps::HashMap, name::StreamName, position::Timestamp},
};

/// Names that begin with each other, with characters that sort just above the zero byte after a name.
const NAME: &str = "[ !ab\u{e9}\u{10FFFF}]{1,3}";

fn positions() -> impl Strategy<Value = Vec<Position>> {
    let few = proptest::collection::btree_set(1..u64::MAX, 1..5);
    prop_oneof![
        9 => few.prop_map(|set| set.into_iter().map(Position).collect()),
        1 => Just((7..8 + 2 * POSITIONS_MAX as u64).map(Position).collect()),
    ]
}

fn run() -> impl Strategy<Value = StreamRun> {
    let began = proptest::option::of(any::<(u64, u64)>());
    (0..u64::MAX / 2, positions(), began).prop_map(|(first, positions, began)| StreamRun {
        first: Revision(first),
        positions,
        began: began.map(|(first, micros)| NewStream {
            first_position: Position(first),
            created_at: Timestamp::from_micros(micros),
        }),
    })
}

fn marked() -> impl Strategy<Value = lifecycle::Marked> {
    any::<(u64, u64)>().prop_map(|(version, position)| lifecycle::Marked {
        lifecycle: Lifecycle::default(),
        version,
        position: Position(position),
        last: None,
    })
}

fn window() -> impl Strategy<Value = Window> {
    use proptest::collection::{btree_map, vec};
    (
        btree_map(NAME, run(), 0..8),
        btree_map(NAME, marked(), 0..4),
        btree_map(NAME, positions(), 0..8),
        btree_map(NAME, positions(), 0..8),
        vec(any::<(u128, u64, u32)>(), 0..20),
        btree_map(any::<u64>(), any::<u64>(), 0..4),
    )
        .prop_map(|(streams, marked, types, tags, requests, minutes)| Window {
            streams: named(streams, StreamName::trusted),
            marked: named(marked, StreamName::trusted),
            types: named(types, |name| name.into()),
            tags: named(tags, |name| name.into()),
            requests: requests
                .into_iter()
                .map(|(id, first, events)| {
                    let first = Position(first);
                    (Uuid::from_u128(id), Request { first, events })
                })
                .collect(),
            minutes: minutes
                .into_iter()
                .map(|(minute, first)| (minute, Position(first)))
                .collect(),
            ..Window::default()
        })
}

fn named<K: Eq + std::hash::Hash, T>(
    of: std::collections::BTreeMap<String, T>,
    name: impl Fn(&str) -> K,
) -> HashMap<K, T> {
    of.into_iter().map(|(key, value)| (name(&key), value)).collect()
}

/// Encodes every entry of a window, one by one.
fn expected(window: &Window) -> Vec<(Bytes, Bytes)> {
    let value = |put: &dyn Fn(&mut Vec<u8>)| {
        let mut value = Vec::new();
        put(&mut value);
        Bytes::from(value)
    };
    let mut all = Vec::new();
    let mut lists = Vec::new();
    for (name, run) in &window.streams {
        let list = ListName::Stream(name.as_str().to_owned());
        for (chunk, positions) in run.positions.chunks(POSITIONS_MAX).enumerate() {
            let first = run.first.0 + (chunk * POSITIONS_MAX) as u64;
            all.push((keys::list_entry(&list, first), postings::encode(positions)));
        }
        if let Some(began) = &run.began {
            all.push((
                keys::name(name.as_str()),
                value(&|out| entry::put_name(out, began)),
            ));
        }
    }
    lists.extend(
        window
            .types
            .iter()
            .map(|(name, list)| (ListName::Type(name.to_string()), list)),
    );
    lists.extend(
        window
            .tags
            .iter()
            .map(|(name, list)| (ListName::Tag(name.to_string()), list)),
    );
    for (name, positions) in lists {
        for chunk in positions.chunks(POSITIONS_MAX) {
            all.push((keys::list_entry(&name, chunk[0].0), postings::encode(chunk)));
        }
    }
    for (name, marked) in &window.marked {
        let mut key = keys::lifecycles().start.to_vec();
        key.extend_from_slice(name.as_str().as_bytes());
        all.push((key.into(), lifecycle::value(marked)));
    }
    for (id, request) in &window.requests {
        all.push((
            keys::request(*id),
            value(&|out| entry::put_request(out, *request)),
        ));
    }
    for (minute, first) in &window.minutes {
        all.push((keys::minute(*minute), entry::position(*first)));
    }
    all.sort();
    all
}

fn sets(mutations: Vec<Mutation>) -> Vec<(Bytes, Bytes)> {
    let set = |mutation| match mutation {
        Mutation::Set(key, value) => (key, value),
        other => panic!("{other:?}"),
    };
    mutations.into_iter().map(set).collect()
}

proptest! {
    #[test]
    fn all_entries_come_in_the_order_of_their_keys(window in window(), bytes_max in 1..2_000_usize) {
        let expected = expected(&window);
        let mut entries = Entries::of(&window);
        let mut found = Vec::new();
        while !entries.is_empty() {
            let taken = sets(entries.take(bytes_max));
            prop_assert!(!taken.is_empty());
            found.extend(taken);
        }
        prop_assert_eq!(&found, &expected);
        prop_assert!(found.is_sorted_by(|a, b| a.0 < b.0));
        prop_assert_eq!(sets(Entries::of(&window).take(usize::MAX)), expected);
        prop_assert!(entries.take(bytes_max).is_empty());
    }
}

#[test]
fn a_commit_takes_about_so_many_bytes_and_never_none() {
    let request = Request {
        first: Position(1),
        events: 1,
    };
    let window = Window {
        requests: (0..1_000).map(|id| (Uuid::from_u128(id), request)).collect(),
        ..Window::default()
    };
    let entry_bytes = 1 + 16 + 8 + 4;
    let mut entries = Entries::of(&window);
    assert_eq!(entries.take(10 * entry_bytes).len(), 10);
    assert_eq!(entries.take(10 * entry_bytes - 1).len(), 10);
    assert_eq!(entries.take(10 * entry_bytes + 1).len(), 11);
    // Never none, or taking entries would not end.
    assert_eq!(entries.take(0).len(), 1);
    assert!(!entries.is_empty());
    assert_eq!(entries.take(usize::MAX).len(), 1_000 - 10 - 10 - 11 - 1);
    assert!(entries.is_empty());
}

#[test]
fn entries_of_a_commit_share_one_buffer_of_their_size() {
    let request = Request {
        first: Position(1),
        events: 1,
    };
    let window = Window {
        requests: (0..10).map(|id| (Uuid::from_u128(id), request)).collect(),
        ..Window::default()
    };
    let sets = sets(Entries::of(&window).take(usize::MAX));
    let mut at = sets[0].0.as_ptr();
    for part in sets.iter().flat_map(|(key, value)| [key, value]) {
        assert_eq!(part.as_ptr(), at);
        at = part.as_ptr_range().end;
    }
}
