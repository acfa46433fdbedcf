//! Random histories against a model: after any appends, settings, deletions and restarts, every way to read returns
//! the kept events and nothing else.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use proptest::prelude::*;

use crate::{
    Check, Direction, Error, Expected, Notice, Position, Query, QueryItem, Record, Rejection, Retention,
    Revision, Start, Store, StreamName, StreamPrefix, SubscribeAll, SubscribeStream,
    testing::{Fixture, append, ids, read_log, read_stream, small, stream},
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
        4 => (some_stream, few.clone(), age.clone(), 0..12_u64).prop_map(|(stream, count, age, before)| Step::Keep(stream, count, age, before)),
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

fn theirs(records: &[Record]) -> Vec<u128> {
    let records: Vec<Record> = records
        .iter()
        .filter(|record| !record.stream.starts_with('$'))
        .cloned()
        .collect();
    ids(&records)
}

fn query(item: QueryItem) -> Query {
    Query { items: vec![item] }
}

fn queries() -> Vec<Query> {
    let streams = |names: &[&str]| QueryItem {
        streams: names.iter().map(|name| (*name).to_owned()).collect(),
        ..QueryItem::default()
    };
    let tagged = QueryItem {
        tags: vec!["mod3:1".to_owned()],
        ..QueryItem::default()
    };
    let typed = QueryItem {
        types: vec!["Odd".to_owned()],
        ..streams(&["a", "c"])
    };
    vec![
        Query::default(),
        query(streams(&["a"])),
        query(tagged),
        query(typed),
    ]
}

fn matches(query: &Query, event: &Event) -> bool {
    query.items.is_empty()
        || query.items.iter().any(|item| {
            let kind = if event.id.is_multiple_of(2) { "Even" } else { "Odd" };
            (item.streams.is_empty() || item.streams.contains(&event.stream))
                && (item.types.is_empty() || item.types.iter().any(|wanted| wanted == kind))
                && item
                    .tags
                    .iter()
                    .all(|tag| *tag == format!("mod3:{}", event.id % 3))
        })
}

/// Compares every way to read events with the model.
async fn compare(store: &Store, model: &Model) {
    assert_eq!(store.info().head.0, model.head);
    for query in queries() {
        let mut kept = model.kept(|event| matches(&query, event));
        let log = read_log(store, Direction::Forwards, None, query.clone()).await;
        assert_eq!(theirs(&log), kept, "{query:?}");
        assert_eq!(
            theirs(&subscribed(store, &query).await),
            kept,
            "subscription, {query:?}"
        );
        check(store, model, &query).await;
        kept.reverse();
        let log = read_log(store, Direction::Backwards, None, query.clone()).await;
        assert_eq!(theirs(&log), kept, "backwards, {query:?}");
    }
    compare_prefixes(store, model).await;
    let mut listed = Vec::new();
    for name in STREAMS {
        compare_stream(store, model, name).await;
        listed.extend(model.present(name).then(|| name.to_owned()));
    }
    for page in 1..4 {
        assert_eq!(names(store, page).await, listed, "in pages of {page}");
    }
}

/// Compares the listed retentions of prefixes with the model.
async fn compare_prefixes(store: &Store, model: &Model) {
    let told = store.prefix_retentions(None, 100).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|told| {
            (
                told.prefix.to_string(),
                told.retention.max_count,
                told.retention.max_age_seconds,
            )
        })
        .collect();
    let set = model
        .prefixes
        .iter()
        .map(|(prefix, rule)| (prefix.clone(), rule.count, rule.age));
    let set: Vec<_> = set
        .filter(|(_, count, age)| count.is_some() || age.is_some())
        .collect();
    assert_eq!(told, set);
}

async fn compare_stream(store: &Store, model: &Model, name: &str) {
    let info = store.stream(&stream(name)).await;
    if !model.present(name) {
        let error = info.unwrap_err();
        assert_eq!(
            matches!(error, Error::StreamTombstoned(_)),
            model.of(name).tombstoned
        );
        return;
    }
    let info = info.unwrap();
    let next = model.next_revision(name);
    let mut kept = model.kept(|event| event.stream == name);
    assert_eq!(
        (info.last_revision.0, info.first_revision.0),
        (next - 1, next - kept.len() as u64)
    );
    let began = model.of(name).deleted_before;
    let began = model
        .events
        .iter()
        .find(|event| event.stream == name && event.revision == began);
    assert_eq!(Some(info.first_position.0), began.map(|event| event.position));
    assert_eq!(
        ids(&read_stream(store, name, Direction::Forwards, None, None).await),
        kept
    );
    assert_eq!(
        ids(&read_stream(store, name, Direction::Forwards, Some(0), None).await),
        kept
    );
    assert_eq!(ids(&stream_subscribed(store, name).await), kept);
    kept.reverse();
    assert_eq!(
        ids(&read_stream(store, name, Direction::Backwards, None, None).await),
        kept
    );
    kept.truncate(2);
    assert_eq!(
        ids(&read_stream(store, name, Direction::Backwards, None, Some(2)).await),
        kept
    );
}

/// A check reports the first match that is kept. Its append is rejected for another reason too, so that nothing is
/// written.
async fn check(store: &Store, model: &Model, query: &Query) {
    if query.matches_all() {
        return;
    }
    let never = Check::Stream {
        stream: stream("neither"),
        expected: Expected::StreamExists,
    };
    let no_match = Check::NoMatch {
        query: query.clone(),
        after: Position::START,
    };
    let judged = append("never", Expected::NoStream, &[u128::MAX]).with_checks(vec![no_match, never]);
    let rejection = store.append(judged.unwrap()).await.unwrap_err();
    let Error::Rejected(Rejection::ChecksFailed { failed, .. }) = rejection else {
        panic!("{rejection}");
    };
    let found = failed.iter().find_map(|failed| match failed {
        crate::FailedCheck::Match { position, .. } => Some(position.0),
        crate::FailedCheck::Stream { .. } => None,
    });
    let first = model
        .events
        .iter()
        .find(|event| model.keeps(event) && matches(query, event));
    assert_eq!(found, first.map(|event| event.position), "{query:?}");
}

async fn names(store: &Store, page: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut after: Option<StreamName> = None;
    loop {
        let infos = store.streams("", after.as_ref(), page).await.unwrap();
        let last = infos.last().map(|info| info.name.clone());
        names.extend(infos.iter().map(|info| info.name.to_string()));
        if infos.len() < page {
            return names;
        }
        after = last;
    }
}

async fn subscribed(store: &Store, query: &Query) -> Vec<Record> {
    let subscribe = SubscribeAll {
        start: Start::Beginning,
        query: query.clone(),
    };
    until_caught_up(store.subscribe_all(subscribe).await.unwrap()).await
}

async fn stream_subscribed(store: &Store, name: &str) -> Vec<Record> {
    let subscribe = SubscribeStream {
        stream: stream(name),
        start: Start::Beginning,
        query: Query::default(),
    };
    until_caught_up(store.subscribe_stream(subscribe).await.unwrap()).await
}

async fn until_caught_up(mut subscription: crate::Subscription) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let notice = tokio::time::timeout(Duration::from_secs(60), subscription.next()).await;
        match notice.unwrap().unwrap() {
            Notice::Events(batch) => records.extend(batch.records().unwrap()),
            Notice::CaughtUp { .. } => return records,
            Notice::FellBehind { .. } | Notice::Checkpoint { .. } => {}
        }
    }
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
