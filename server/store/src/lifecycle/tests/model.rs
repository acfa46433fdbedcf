//! Random histories against a model: after any appends, settings, deletions and restarts, every way to read returns
//! the kept events and nothing else.

mod compare;

use std::{collections::BTreeMap, sync::atomic::Ordering};

use proptest::prelude::*;

use self::compare::compare;
use crate::{
    Error, Expected, Rejection, Retention, Revision, StreamPrefix,
    testing::{Fixture, append, small, stream},
};

const STREAMS: [&str; 3] = ["a", "ab", "c"];
/// The second prefix matches a stream that the first one matches, too.
const PREFIXES: [&str; 3] = ["a", "ab", "c"];

#[derive(Clone, Debug)]
enum Step {
    Append(usize, u8),
    Delete(usize),
    Tombstone(usize),
    Keep(usize, Option<u64>, Option<u64>, u64),
    KeepPrefix(usize, Option<u64>, Option<u64>),
    /// Advances the clock by a number of seconds.
    Pass(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let some_stream = 0..STREAMS.len();
    let few = proptest::option::of(1..6_u64);
    let age = proptest::option::of(1..30_u64);
    prop_oneof![
        12 => (some_stream.clone(), 1..4_u8).prop_map(|(stream, events)| Step::Append(stream, events)),
        2 => some_stream.clone().prop_map(Step::Delete),
        1 => Just(Step::Tombstone(2)),
        4 => (some_stream, few.clone(), age.clone(), 0..12_u64)
            .prop_map(|(stream, count, age, before)| Step::Keep(stream, count, age, before)),
        4 => (0..PREFIXES.len(), few, age).prop_map(|(prefix, count, age)| Step::KeepPrefix(prefix, count, age)),
        4 => (1..20_u64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone, Debug)]
struct Event {
    id: u128,
    stream: String,
    revision: u64,
    position: u64,
    second: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Set {
    count: Option<u64>,
    age: Option<u64>,
    before: u64,
    deleted_before: u64,
    tombstoned: bool,
}

/// Settings of a prefix.
#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    count: Option<u64>,
    age: Option<u64>,
    /// Events recorded before this second are removed.
    since: u64,
}

fn more(new: Option<u64>, old: Option<u64>) -> bool {
    old.is_some_and(|old| new.is_none_or(|new| new > old))
}

/// The definition, event by event.
#[derive(Default)]
struct Model {
    events: Vec<Event>,
    set: BTreeMap<String, Set>,
    prefixes: BTreeMap<String, Rule>,
    second: u64,
    head: u64,
    next_id: u128,
}

impl Model {
    fn of(&self, stream: &str) -> Set {
        self.set.get(stream).copied().unwrap_or_default()
    }

    fn next_revision(&self, stream: &str) -> u64 {
        self.events.iter().filter(|event| event.stream == stream).count() as u64
    }

    fn keeps(&self, event: &Event) -> bool {
        let set = self.of(&event.stream);
        let holds = self.holds(&event.stream, set);
        let behind = self.next_revision(&event.stream) - event.revision;
        !set.tombstoned
            && event.revision >= set.before
            && event.second >= holds.since
            && holds.count.is_none_or(|count| behind <= count)
            && holds.age.is_none_or(|age| event.second + age >= self.second)
    }

    /// Returns the rule for a stream with these settings.
    fn holds(&self, stream: &str, set: Set) -> Rule {
        if set.count.is_some() || set.age.is_some() {
            return Rule {
                count: set.count,
                age: set.age,
                since: 0,
            };
        }
        self.rule(stream, None)
    }

    /// Returns the rule for streams whose names begin with `name`, ignoring the settings of the prefix `without`.
    fn rule(&self, name: &str, without: Option<&str>) -> Rule {
        let mut since = 0;
        // Longer prefixes sort after shorter ones that they begin with, so they come first here.
        for (prefix, rule) in self.prefixes.iter().rev() {
            if name.starts_with(prefix.as_str()) && without != Some(prefix.as_str()) {
                since = rule.since.max(since);
                if rule.count.is_some() || rule.age.is_some() {
                    return Rule { since, ..*rule };
                }
            }
        }
        Rule {
            since,
            ..Rule::default()
        }
    }

    fn kept(&self, select: impl Fn(&Event) -> bool) -> Vec<u128> {
        let kept = self
            .events
            .iter()
            .filter(|event| self.keeps(event) && select(event));
        kept.map(|event| event.id).collect()
    }

    fn present(&self, stream: &str) -> bool {
        let set = self.of(stream);
        !set.tombstoned && self.next_revision(stream) > set.deleted_before
    }
}

async fn apply(test: &mut Fixture, model: &mut Model, step: &Step) {
    match *step {
        Step::Append(stream, events) => {
            let name = STREAMS[stream];
            let ids: Vec<u128> = (0..u128::from(events)).map(|n| model.next_id + n).collect();
            model.next_id += u128::from(events);
            let result = test.store.append(append(name, Expected::Any, &ids)).await;
            if model.of(name).tombstoned {
                let tombstoned =
                    |error: &Error| matches!(error, Error::Rejected(Rejection::Tombstoned { .. }));
                assert!(result.as_ref().is_err_and(tombstoned), "{result:?}");
                return;
            }
            assert_eq!(result.unwrap().first_revision.0, model.next_revision(name));
            for id in ids {
                model.head += 1;
                model.events.push(Event {
                    id,
                    stream: name.to_owned(),
                    revision: model.next_revision(name),
                    position: model.head,
                    second: model.second,
                });
            }
        }
        Step::Delete(index) => {
            let name = STREAMS[index];
            let result = test.store.delete_stream(&stream(name), Expected::Any).await;
            if !model.present(name) {
                assert!(result.is_err() || result.unwrap().already_deleted);
                return;
            }
            assert!(!result.unwrap().already_deleted);
            let next = model.next_revision(name);
            let set = model.set.entry(name.to_owned()).or_default();
            (set.before, set.deleted_before) = (next, next);
            model.head += 1;
        }
        Step::Tombstone(index) => {
            let name = STREAMS[index];
            let result = test
                .store
                .tombstone_stream(&stream(name), Expected::Any)
                .await
                .unwrap();
            let set = model.set.entry(name.to_owned()).or_default();
            assert_eq!(result.already_tombstoned, set.tombstoned);
            model.head += u64::from(!set.tombstoned);
            set.tombstoned = true;
        }
        Step::Keep(index, count, age, before) => keep(test, model, STREAMS[index], count, age, before).await,
        Step::KeepPrefix(index, count, age) => keep_prefix(test, model, PREFIXES[index], count, age).await,
        Step::Pass(seconds) => {
            model.second += seconds;
            test.clock.0.store(model.second * 1_000_000, Ordering::Relaxed);
        }
        Step::Reopen => test.reopen().await,
    }
}

async fn keep(
    test: &Fixture,
    model: &mut Model,
    name: &str,
    count: Option<u64>,
    age: Option<u64>,
    before: u64,
) {
    let before = before.min(model.next_revision(name));
    let wanted = Retention {
        max_count: count,
        max_age_seconds: age,
        truncate_before: Revision(before),
    };
    let result = test.store.set_retention(&stream(name), wanted, None).await;
    if model.of(name).tombstoned {
        assert_eq!(result, Err(Error::StreamTombstoned(stream(name))));
        return;
    }
    result.unwrap();
    // Removed events stay removed.
    let gone = |event: &&Event| event.stream == name && !model.keeps(event);
    let floor = model
        .events
        .iter()
        .filter(gone)
        .map(|event| event.revision + 1)
        .max();
    let old = model.of(name);
    let (then, now) = (
        model.holds(name, old),
        model.holds(name, Set { count, age, ..old }),
    );
    let folded = if more(now.count, then.count) || more(now.age, then.age) || now.since < then.since {
        floor.unwrap_or(0)
    } else {
        0
    };
    let set = Set {
        count,
        age,
        before: before.max(old.before).max(folded),
        ..old
    };
    let same = (set.count, set.age, set.before) == (old.count, old.age, old.before);
    if !same {
        model.head += 1;
        model.set.insert(name.to_owned(), set);
    }
}

async fn keep_prefix(test: &Fixture, model: &mut Model, name: &str, count: Option<u64>, age: Option<u64>) {
    let prefix = StreamPrefix::new(name).unwrap();
    let wanted = Retention {
        max_count: count,
        max_age_seconds: age,
        ..Retention::default()
    };
    let set = test
        .store
        .set_prefix_retention(&prefix, wanted, None)
        .await
        .unwrap();
    assert_eq!(set.retention, wanted);
    let old = model.prefixes.get(name).copied().unwrap_or_default();
    if (old.count, old.age) == (count, age) {
        return;
    }
    let then = model.rule(name, None);
    let now_age = if count.is_some() || age.is_some() {
        age
    } else {
        model.rule(name, Some(name)).age
    };
    let since = match then.age {
        // Events removed by age stay removed.
        Some(old) if more(now_age, then.age) => then.since.max(model.second - old),
        _ => then.since,
    };
    model.head += 1;
    model.prefixes.insert(name.to_owned(), Rule { count, age, since });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_way_to_read_shows_what_is_kept_and_nothing_else(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut test = Fixture::new(small()).await;
            let mut model = Model { second: 60, next_id: 1, ..Model::default() };
            for step in &steps {
                apply(&mut test, &mut model, step).await;
            }
            compare(&test.store, &model).await;
            let other = test.another().await;
            compare(&other, &model).await;
            other.close().await;
            test.store.close().await;
        });
    }
}
