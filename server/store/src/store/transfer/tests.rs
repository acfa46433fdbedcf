mod observed;
mod state;

use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::{Gap, MovedEvent, Part};
use crate::{
    Append, ContentType, EntryName, Error, EventType, Expected, Limits, NewEvent, Position, Record, Result,
    Retention, Revision, SaveSnapshot, ScavengeState, ScopeName, Settings, StateChange, StateKey, StateWrite,
    Store, StreamName, Tag, Write,
    testing::{Fixture, append, event, read_log, small, stream},
};
use observed::{SCOPES, STREAMS, observe, state as snapshot_data};

/// A ring of one frame, so that reads use the storage.
fn settings() -> Settings {
    Settings {
        tail_bytes_max: 1,
        accept_recorded_times: true,
        scavenge_step_events: 7,
        scavenge_round_events: 20,
        ..small()
    }
}

/// Identity of the source. Stores of fixtures with the same seed have the same identity, so they can't provide it.
const SOURCE: Uuid = Uuid::from_u128(7);

async fn export(store: &Store) -> Vec<Part> {
    let mut export = store.export(Position::START).await.unwrap();
    let mut parts = Vec::new();
    while let Some(part) = export.next().await.unwrap() {
        parts.push(part);
    }
    parts
}

fn moved(record: Record) -> MovedEvent {
    MovedEvent {
        event: NewEvent {
            id: record.id,
            kind: EventType::to_read(&record.kind).unwrap(),
            data: record.data,
            metadata: record.metadata,
            tags: record.tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
            content_type: ContentType::default(),
            unknown: bytes::Bytes::new(),
        },
        stream: StreamName::to_read(&record.stream).unwrap(),
        revision: record.revision,
        position: record.position,
        recorded_at: record.recorded_at,
    }
}

/// Imports at most `count_max` parts, skipping what the store already has.
async fn import_some(store: &Store, source: Uuid, parts: &[Part], count_max: usize) -> Result<bool> {
    let mut import = store.import(source).await?;
    let from = import.position();
    for part in parts.iter().take(count_max) {
        match part.clone() {
            Part::Events(batch) => {
                let events = batch.records()?.into_iter().map(moved);
                import
                    .events(events.filter(|event| event.position > from).collect())
                    .await?;
            }
            Part::Gap(gap) if gap.last <= from => {}
            Part::Gap(gap) => {
                let first = gap.first.max(from.next());
                import.gap(Gap { first, ..gap }).await?;
            }
            Part::State(changes) => import.state(changes).await?,
            Part::Streams(states) => import.streams(states).await?,
            Part::Appends(appends) => import.appends(appends).await?,
            Part::Snapshot(snapshot) => import.snapshot(snapshot).await?,
            Part::End(head) => {
                import.finish(head).await?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn import(store: &Store, source: Uuid, parts: &[Part]) -> Result<()> {
    assert!(
        import_some(store, source, parts, usize::MAX).await?,
        "an export has an end part"
    );
    Ok(())
}

#[track_caller]
fn assert_same(there: &[(String, String)], here: &[(String, String)]) {
    for (there, here) in there.iter().zip(here) {
        assert_eq!(there.1, here.1, "{}", there.0);
    }
    assert_eq!(there.len(), here.len());
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize, u8, bool),
    AppendToAll,
    /// Appends to the stream of a service.
    AppendToSystem,
    /// Puts (true) or deletes keys of a scope.
    WriteState(usize, Vec<(u8, bool)>),
    Delete(usize),
    Tombstone(usize),
    Keep(usize, Option<u64>, Option<u64>, u64),
    Snapshot(usize, u64, u32),
    /// Seconds.
    Pass(u64),
    Scavenge,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let some = 0..STREAMS.len();
    let few = proptest::option::of(1..6_u64);
    let age = proptest::option::of(1..30_u64);
    prop_oneof![
        12 => (some.clone(), 1..4_u8, any::<bool>())
            .prop_map(|(stream, events, exact)| Step::Append(stream, events, exact)),
        3 => Just(Step::AppendToAll),
        2 => Just(Step::AppendToSystem),
        5 => (0..SCOPES.len(), proptest::collection::btree_map(0..5_u8, any::<bool>(), 1..4))
            .prop_map(|(scope, keys)| Step::WriteState(scope, keys.into_iter().collect())),
        2 => some.clone().prop_map(Step::Delete),
        1 => Just(Step::Tombstone(3)),
        4 => (some.clone(), few, age, 0..12_u64)
            .prop_map(|(stream, count, age, before)| Step::Keep(stream, count, age, before)),
        3 => (some, 0..9_u64, 0..2_u32).prop_map(|(stream, revision, form)| Step::Snapshot(stream, revision, form)),
        3 => (1..20_u64).prop_map(Step::Pass),
        2 => Just(Step::Scavenge),
        1 => Just(Step::Reopen),
    ]
}

/// A store with a history, and the appends that were made to it.
struct Source {
    test: Fixture,
    second: u64,
    next_id: u128,
    appends: Vec<Append>,
}

impl Source {
    async fn new() -> Self {
        Self {
            test: Fixture::new(settings()).await,
            second: 60,
            next_id: 1,
            appends: Vec::new(),
        }
    }

    fn ids(&mut self, count: u8) -> Vec<u128> {
        let first = self.next_id;
        self.next_id += u128::from(count);
        (first..self.next_id).collect()
    }

    /// A write of state with values that no other write has.
    fn state_write(&mut self, scope: &str, keys: &[(u8, bool)]) -> StateWrite {
        let id = self.ids(1)[0];
        let change = |(key, is_put): &(u8, bool)| StateChange {
            entry: EntryName {
                scope: ScopeName::to_move(scope).unwrap(),
                key: StateKey::new(&format!("k{key}")).unwrap(),
            },
            value: is_put.then(|| snapshot_data(id)),
        };
        let changes = keys.iter().map(change).collect();
        StateWrite::new(Uuid::from_u128(id), changes, Vec::new(), &Limits::default()).unwrap()
    }

    /// Performs a step, if it is possible now.
    async fn apply(&mut self, step: &Step) {
        let store = self.test.store.clone();
        match *step {
            Step::Append(index, events, exact) => {
                let name = STREAMS[index];
                let last = store.stream(&stream(name)).await.map(|info| info.last_revision);
                let expected = match last {
                    Ok(last) if exact => Expected::Exactly(last),
                    Err(Error::StreamNotFound(_)) if exact => Expected::NoStream,
                    _ => Expected::Any,
                };
                let append = append(name, expected, &self.ids(events));
                if store.append(append.clone()).await.is_ok() {
                    self.appends.push(append);
                }
            }
            Step::AppendToAll => {
                let ids = self.ids(3);
                let writes = ids.iter().zip(STREAMS).map(|(id, name)| Write {
                    stream: stream(name),
                    events: vec![event(*id)],
                });
                let append = Append::to_many(writes.collect(), Vec::new(), &Limits::default()).unwrap();
                if store.append(append.clone()).await.is_ok() {
                    self.appends.push(append);
                }
            }
            Step::AppendToSystem => {
                let mut new = event(self.ids(1)[0]);
                new.kind = EventType::system("group-created").unwrap();
                let groups = StreamName::system("groups").unwrap();
                let append = Append::new(groups, Expected::Any, vec![new], &Limits::default()).unwrap();
                store.append(append.clone()).await.unwrap();
                self.appends.push(append);
            }
            Step::WriteState(scope, ref keys) => {
                let write = self.state_write(SCOPES[scope], keys);
                store.write_state(write).await.unwrap();
            }
            Step::Delete(index) => {
                let _ = store.delete_stream(&stream(STREAMS[index]), Expected::Any).await;
            }
            Step::Tombstone(index) => {
                let name = stream(STREAMS[index]);
                store.tombstone_stream(&name, Expected::Any).await.unwrap();
            }
            Step::Keep(index, max_count, max_age_seconds, before) => {
                let name = stream(STREAMS[index]);
                let next = store
                    .stream(&name)
                    .await
                    .map_or(0, |info| info.last_revision.0 + 1);
                let wanted = Retention {
                    max_count,
                    max_age_seconds,
                    truncate_before: Revision(before.min(next)),
                };
                let _ = store.set_retention(&name, wanted, None).await;
            }
            Step::Snapshot(index, revision, schema_version) => {
                let save = SaveSnapshot {
                    stream: stream(STREAMS[index]),
                    revision: Revision(revision),
                    schema_version,
                    data: snapshot_data(self.next_id),
                    keep: 3,
                };
                let _ = store.save_snapshot(save).await;
            }
            Step::Pass(seconds) => {
                self.second += seconds;
                self.test
                    .clock
                    .0
                    .store(self.second * 1_000_000, Ordering::Relaxed);
            }
            Step::Scavenge => {
                store.start_scavenge().await.unwrap();
                while store.scavenge().await.unwrap().unwrap().state == ScavengeState::Running {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            Step::Reopen => self.test.reopen().await,
        }
    }

    /// Creates an empty store whose clock shows the same time.
    async fn target(&self) -> Fixture {
        let target = Fixture::new(settings()).await;
        target.clock.0.store(self.second * 1_000_000, Ordering::Relaxed);
        target
    }

    /// Compares all responses of both stores: reads, retried appends, and the next appends.
    async fn compare(&self, target: &Fixture) {
        target.clock.0.store(self.second * 1_000_000, Ordering::Relaxed);
        let (here, there) = (&self.test.store, &target.store);
        assert_same(
            &observe(here, self.second).await,
            &observe(there, self.second).await,
        );
        let log = read_log(here, crate::Direction::Forwards, None, crate::Query::default()).await;
        let is_kept = |append: &&Append| append.ids().all(|id| log.iter().any(|record| record.id == id));
        for append in self.appends.iter().filter(is_kept) {
            let again = there.append(append.clone()).await;
            assert!(
                again.as_ref().is_ok_and(|appended| appended.already_appended),
                "{append:?}: {again:?}"
            );
            assert_eq!(here.append(append.clone()).await, again, "{append:?}");
        }
    }

    async fn append_to_both(&mut self, target: &Fixture) {
        for name in STREAMS {
            let append = append(name, Expected::Any, &self.ids(1));
            let here = self.test.store.append(append.clone()).await;
            assert_eq!(
                target.store.append(append).await,
                here,
                "the next append to {name}"
            );
        }
        for name in SCOPES {
            let write = self.state_write(name, &[(0, false), (1, true)]);
            let here = self.test.store.write_state(write.clone()).await.unwrap();
            let there = target.store.write_state(write).await.unwrap();
            assert_eq!(there.versions, here.versions, "the next write to {name}");
        }
        self.compare(target).await;
    }
}

/// A moved store gives the same responses as its source. So does one that is opened again, and one that was moved in
/// two parts, of which the first was taken while the source was in use, and that was interrupted at any point.
async fn a_history_is_moved(before: &[Step], after: &[Step], cut: usize) {
    let mut source = Source::new().await;
    for step in before {
        source.apply(step).await;
    }
    let first = export(&source.test.store).await;
    let mut target = source.target().await;
    import(&target.store, SOURCE, &first).await.unwrap();
    source.compare(&target).await;
    target.reopen().await;
    source.compare(&target).await;

    let mut second = source.target().await;
    import_some(&second.store, SOURCE, &first, cut).await.unwrap();
    for step in after {
        source.apply(step).await;
    }
    let rest = export(&source.test.store).await;
    for target in [&mut target, &mut second] {
        target.clock.0.store(source.second * 1_000_000, Ordering::Relaxed);
        import_some(&target.store, SOURCE, &rest, cut / 2).await.unwrap();
        target.reopen().await;
        import(&target.store, SOURCE, &rest).await.unwrap();
        source.compare(target).await;
    }
    source.apply(&Step::Scavenge).await;
    source.append_to_both(&second).await;
    second.store.start_scavenge().await.unwrap();
    while second.store.scavenge().await.unwrap().unwrap().state == ScavengeState::Running {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    second.reopen().await;
    source.compare(&second).await;
    for fixture in [target, second, source.test] {
        fixture.store.close().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_moved_store_answers_everything_as_its_source(
        before in proptest::collection::vec(step(), 1..40),
        after in proptest::collection::vec(step(), 0..15),
        cut in 0..12_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(a_history_is_moved(&before, &after, cut));
    }
}
