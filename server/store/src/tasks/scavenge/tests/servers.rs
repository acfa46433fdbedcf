//! Tests with several servers on one engine: which one works, takeover, late writes, and reads of frames that are
//! being scavenged.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use annals_engine::{BoxFuture, Commit, Engine, Result, Snapshot, memory::MemoryEngine};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{ended, index_all, scavenge, set, settings};
use crate::{
    Direction, Expected, Query, ScavengeState, Settings, Store,
    format::keys,
    lifecycle::Lifecycle,
    testing::{Fixture, append, ids, open_on, read_log},
};

fn shared() -> Settings {
    Settings {
        shared_engine: true,
        ..settings()
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_servers_one_works_and_another_takes_over_when_it_is_gone() {
    let fixture = Fixture::new(shared()).await;
    for n in 0..3_000 {
        let name = format!("s{n}");
        fixture.fill(&name, n..n + 1).await;
        set(&fixture.store, &name, Lifecycle::default().after_tombstone()).await;
    }
    index_all(&fixture.store).await;
    let other = fixture.another().await;
    fixture.store.start_scavenge().await.unwrap();
    while fixture.store.scavenge().await.unwrap().unwrap().streams_done == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(other.metrics().scavenged_events.get(), 0, "it is not its turn");
    fixture.store.close().await;
    let finished = ended(&other).await;
    assert_eq!((finished.streams_done, finished.events_removed), (3_000, 3_000));
    let by_other = other.metrics().scavenged_events.get();
    assert!(by_other > 0 && by_other < 3_000, "{by_other}");
}

/// Two servers fill windows with the same events. One of them starts a scavenge in the middle of a window, and
/// then closes.
#[tokio::test(start_paused = true)]
async fn a_window_that_another_server_indexed_in_part_is_completed() {
    let fixture = Fixture::new(shared()).await;
    fixture.fill("s", 0..11).await;
    let other = fixture.another().await;
    set(&fixture.store, "s", super::keeping(None, 9)).await;
    assert_eq!(scavenge(&fixture.store).await.events_removed, 9);
    let indexed = fixture.store.info().indexed;
    assert!(!indexed.0.is_multiple_of(8));
    fixture.store.close().await;
    index_all(&other).await;
    assert!(other.info().indexed > indexed);
    let left = super::read_stream(&other, "s", Direction::Forwards, Some(9), None).await;
    assert_eq!(left.len(), 2);
    let again = scavenge(&other).await;
    assert_eq!(again.events_removed, 0, "scavenged events do not come back");
}

/// An action before the second of the engine's next snapshots.
type Before = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// An engine on which others do something at a bad moment.
#[derive(Default)]
struct Way {
    engine: Arc<MemoryEngine>,
    /// Done before the second snapshot from now is opened.
    before_second: Mutex<Option<(bool, Before)>>,
    /// The first commit of a scavenge waits for this.
    hold: Mutex<Option<Arc<Notify>>>,
}

impl Engine for Way {
    fn name(&self) -> &'static str {
        "way"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let before = {
                let mut armed = self.before_second.lock();
                match armed.take() {
                    Some((false, before)) => {
                        *armed = Some((true, before));
                        None
                    }
                    other => other,
                }
            };
            if let Some((_, before)) = before {
                before().await;
            }
            self.engine.snapshot().await
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let is_step = !commit.durable && commit.checks.iter().any(|check| check.key == keys::scavenge());
            let held = if is_step { self.hold.lock().take() } else { None };
            if let Some(held) = held {
                held.notified().await;
            }
            self.engine.commit(commit).await
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

async fn behind(fixture: &Fixture) -> (Arc<Way>, Store) {
    let way = Arc::new(Way {
        engine: Arc::clone(&fixture.engine),
        ..Way::default()
    });
    let store = open_on(way.clone(), &fixture.clock, shared(), 9).await;
    (way, store)
}

#[tokio::test(start_paused = true)]
async fn a_step_that_comes_late_is_not_taken() {
    let fixture = Fixture::new(shared()).await;
    for n in 0..40 {
        fixture
            .fill(if n % 2 == 0 { "dead" } else { "live" }, n..n + 1)
            .await;
    }
    set(&fixture.store, "dead", Lifecycle::default().after_tombstone()).await;
    index_all(&fixture.store).await;
    let (way, paused) = behind(&fixture).await;
    let held = Arc::new(Notify::new());
    *way.hold.lock() = Some(Arc::clone(&held));
    paused.start_scavenge().await.unwrap();
    // The other server takes over and finishes it. The first server's next write is outdated by then.
    let finished = ended(&fixture.store).await;
    assert_eq!(finished.state, ScavengeState::Finished);
    assert!(finished.events_removed >= 20, "{finished:?}");
    let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    held.notify_one();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(fixture.store.scavenge().await.unwrap(), Some(finished));
    assert_eq!(paused.metrics().scavenged_events.get(), 0);
    assert_eq!(
        read_log(&fixture.store, Direction::Forwards, None, Query::default()).await,
        log
    );
}

#[tokio::test(start_paused = true)]
async fn who_meets_scavenged_frames_while_it_follows_begins_anew_behind_what_is_indexed() {
    let fixture = Fixture::new(shared()).await;
    fixture.fill("dead", 0..11).await;
    let (way, follower) = behind(&fixture).await;
    let store = fixture.store.clone();
    let before: Before = Box::new(move || {
        Box::pin(async move {
            set(&store, "dead", Lifecycle::default().after_tombstone()).await;
            index_all(&store).await;
            assert!(scavenge(&store).await.events_removed > 11);
        })
    });
    // The follower reads the head at these events, and then their frames.
    fixture.fill("dead", 11..14).await;
    *way.before_second.lock() = Some((false, before));
    let seen = read_log(&follower, Direction::Forwards, None, Query::default()).await;
    assert!(way.before_second.lock().is_none(), "it was scavenged in between");
    assert!(
        seen.iter().all(|record| record.stream != "dead"),
        "{:?}",
        ids(&seen)
    );
    let left = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    assert_eq!(
        read_log(&follower, Direction::Forwards, None, Query::default()).await,
        left
    );
    follower
        .append(append("next", Expected::NoStream, &[99]))
        .await
        .unwrap();
    assert_eq!(follower.info().head.0, left.last().unwrap().position.0 + 1);
    fixture.clock.0.fetch_add(1, Ordering::Relaxed);
}
