use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Prefixes, Rule};
use crate::{
    Retention, Revision, Timestamp,
    lifecycle::{Lifecycle, Marked},
    values::position::Position,
};

fn keeping(max_count: Option<u64>, max_age_seconds: Option<u64>) -> Retention {
    Retention {
        max_count,
        max_age_seconds,
        truncate_before: Revision::FIRST,
    }
}

fn marked(version: u64, retention: Retention, removed_before: u64) -> Marked {
    Marked {
        lifecycle: Lifecycle {
            retention,
            removed_before: Timestamp::from_micros(removed_before),
            ..Lifecycle::default()
        },
        version,
        position: Position(version),
        last: None,
    }
}

fn table(entries: &[(&str, Option<u64>, u64)]) -> Prefixes {
    let mut prefixes = Prefixes::default();
    for (prefix, count, removed_before) in entries {
        prefixes.set(prefix, marked(1, keeping(*count, None), *removed_before));
    }
    prefixes
}

#[test]
fn the_longest_prefix_that_sets_something_holds() {
    let prefixes = table(&[
        ("session-", Some(1), 10),
        ("session-eu-", None, 30),
        ("session-eu-1", Some(2), 20),
        ("sess", Some(3), 40),
        ("sessions", None, 50),
    ]);
    // For each name: the count that applies, and the time before which events are removed.
    let cases = [
        ("session-us-1", Some((Some(1), 10))),
        ("session-", Some((Some(1), 10))),
        ("session-eu-2", Some((Some(1), 30))),
        ("session-eu-12", Some((Some(2), 20))),
        ("session", Some((Some(3), 40))),
        ("sessions", Some((Some(3), 50))),
        ("ses", None),
        ("order-1", None),
        ("", None),
        ("zzz", None),
        ("$$session-1", None),
        ("$session-", None),
    ];
    for (stream, expected) in cases {
        let rule = prefixes.rule(stream);
        let found = rule.map(|rule| (rule.retention.max_count, rule.removed_before.micros));
        assert_eq!(found, expected, "{stream:?}");
    }
    let governing = |stream| prefixes.governing(stream).map(|(prefix, _)| prefix);
    assert_eq!(governing("session-eu-2"), Some("session-"));
    assert_eq!(governing("sessions"), Some("sess"));
    assert_eq!(governing("order-1"), None);
    assert_eq!(prefixes.roots().collect::<Vec<_>>(), ["sess"]);
    assert_eq!((prefixes.len(), prefixes.count_set()), (5, 3));
}

#[test]
fn a_stream_with_a_retention_of_its_own_has_nothing_of_its_prefix() {
    let rule = Rule {
        retention: keeping(Some(5), Some(60)),
        removed_before: Timestamp::from_micros(7),
    };
    let own = |retention| Lifecycle {
        retention,
        ..Lifecycle::default()
    };
    for limited in [keeping(Some(9), None), keeping(None, Some(9))] {
        assert_eq!(Rule::holds_for(Some(&rule), &own(limited)), own(limited));
    }
    let truncated = own(Retention {
        truncate_before: Revision(3),
        ..Retention::default()
    });
    let holds = Rule::holds_for(Some(&rule), &truncated);
    assert_eq!(holds.retention.truncate_before, Revision(3), "it stays truncated");
    assert_eq!(holds.retention.max_count, Some(5));
    assert_eq!(holds.removed_before, Timestamp::from_micros(7));
    assert_eq!(Rule::holds_for(None, &truncated), truncated);
}

#[test]
fn an_earlier_version_does_not_come_back() {
    let mut prefixes = Prefixes::default();
    prefixes.set("a", marked(2, keeping(Some(2), None), 0));
    prefixes.set("a", marked(1, keeping(Some(1), None), 0));
    assert_eq!(prefixes.get("a"), Some(marked(2, keeping(Some(2), None), 0)));
}

/// The definition: all prefixes of a name, the longest first, up to the one that sets a count.
fn expected(set: &BTreeMap<String, (Option<u64>, u64)>, stream: &str) -> Option<(Option<u64>, u64)> {
    let mut matching: Vec<_> = set
        .iter()
        .filter(|(prefix, _)| stream.starts_with(*prefix))
        .collect();
    matching.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    let mut removed_before = 0;
    for (_, (count, removed)) in &matching {
        removed_before = removed_before.max(*removed);
        if count.is_some() {
            return Some((*count, removed_before));
        }
    }
    (!matching.is_empty()).then_some((None, removed_before))
}

proptest! {
    #[test]
    fn every_name_finds_what_holds_for_it(
        entries in proptest::collection::btree_map("[ab~é]{1,5}", (proptest::option::of(1..9_u64), 0..9_u64), 0..12),
        names in proptest::collection::vec("[ab~é]{0,7}", 1..40),
    ) {
        let mut prefixes = Prefixes::default();
        for (prefix, (count, removed_before)) in &entries {
            prefixes.set(prefix, marked(1, keeping(*count, None), *removed_before));
        }
        for name in names.iter().chain(entries.keys()) {
            let rule = prefixes.rule(name);
            let found = rule.map(|rule| (rule.retention.max_count, rule.removed_before.micros));
            prop_assert_eq!(found, expected(&entries, name), "{}", name);
            let mut others = entries.clone();
            others.remove(name);
            let without = prefixes.without(name);
            let without = without.map(|rule| (rule.retention.max_count, rule.removed_before.micros));
            prop_assert_eq!(without, expected(&others, name), "without {}", name);
        }
        let roots: Vec<&str> = prefixes.roots().collect();
        prop_assert!(roots.is_sorted());
        for prefix in entries.keys() {
            prop_assert_eq!(roots.iter().filter(|root| prefix.starts_with(**root)).count(), 1);
        }
    }
}
