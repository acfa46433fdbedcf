//! Checkpoints on a store in memory.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_engine::memory::MemoryEngine;
use annals_store::{
    Append, Clock, ContentType, Environment, EventType, Expected, Limits, NewEvent, Settings, StreamName,
};

use super::*;

#[derive(Debug)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

struct Fixture {
    engine: Arc<MemoryEngine>,
    clock: Arc<TestClock>,
    store: Store,
    checkpoints: Checkpoints,
}

impl Fixture {
    async fn new() -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let clock = Arc::new(TestClock(AtomicU64::new(1_000_000)));
        let store = open(&engine, &clock, 1).await;
        let checkpoints = Checkpoints::new(store.clone());
        Self {
            engine,
            clock,
            store,
            checkpoints,
        }
    }

    /// Appends events, one second after the previous ones.
    async fn append(&self, count: usize) {
        self.pass(1_000_000);
        let event = || NewEvent {
            id: Uuid::now_v7(),
            kind: EventType::new("Placed").unwrap(),
            data: Bytes::new(),
            metadata: Bytes::new(),
            tags: Vec::new(),
            content_type: ContentType::default(),
            unknown: Bytes::new(),
        };
        let events = (0..count).map(|_| event()).collect();
        let stream = StreamName::new("order-1").unwrap();
        let append = Append::new(stream, Expected::Any, events, &Limits::default()).unwrap();
        self.store.append(append).await.unwrap();
    }

    fn pass(&self, micros: u64) {
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    async fn listed(&self, prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
        let list = ListCheckpoints {
            prefix: prefix.to_owned(),
            after: (!after.is_empty()).then(|| name(after)),
            limit,
        };
        let page = self.checkpoints.list(list).await.unwrap();
        let names = page.statuses.iter();
        (
            names.map(|status| status.checkpoint.name.to_string()).collect(),
            page.has_more,
        )
    }
}

async fn open(engine: &Arc<MemoryEngine>, clock: &Arc<TestClock>, seed: u64) -> Store {
    let mut environment = Environment::system(format!("test-{seed}"));
    environment.clock = clock.clone();
    environment.seed = seed;
    let settings = Settings {
        shared_engine: true,
        ..Settings::default()
    };
    Store::open(engine.clone(), settings, environment).await.unwrap()
}

fn name(name: &str) -> CheckpointName {
    CheckpointName::new(name).unwrap()
}

fn set(of: &str, position: u64, expected: ExpectedCheckpoint) -> SetCheckpoint {
    SetCheckpoint {
        name: name(of),
        position: Position(position),
        consumer: Label::new("shop".to_owned()).unwrap(),
        instance: Label::new("host:1".to_owned()).unwrap(),
        expected,
    }
}

#[tokio::test]
async fn a_checkpoint_is_what_was_set_last_with_its_lag() {
    let fixture = Fixture::new().await;
    fixture.append(3).await;
    fixture.append(2).await;
    fixture.pass(250_000);
    let checkpoint = fixture
        .checkpoints
        .set(set("a", 1, ExpectedCheckpoint::Any))
        .await
        .unwrap();
    assert_eq!(
        (checkpoint.position, checkpoint.updated_at.micros),
        (Position(1), 3_250_000)
    );
    // The first event after it, at position 2, was recorded at 2 seconds.
    let wanted = |position, lag_events, lag| CheckpointStatus {
        checkpoint: Checkpoint {
            position: Position(position),
            ..checkpoint.clone()
        },
        lag_events,
        lag: Duration::from_millis(lag),
    };
    assert_eq!(
        fixture.checkpoints.get(&name("a")).await.unwrap(),
        wanted(1, 4, 1_250)
    );
    for (position, lag_events, lag) in [(0, 5, 1_250), (3, 2, 250), (4, 1, 250), (5, 0, 0)] {
        fixture
            .checkpoints
            .set(set("a", position, ExpectedCheckpoint::Any))
            .await
            .unwrap();
        let status = fixture.checkpoints.get(&name("a")).await.unwrap();
        assert_eq!(status, wanted(position, lag_events, lag));
    }
    let missing = fixture.checkpoints.get(&name("b")).await;
    assert_eq!(missing, Err(CheckpointError::NotFound(name("b"))));
}

#[tokio::test]
async fn a_checkpoint_is_set_only_as_expected() {
    use ExpectedCheckpoint::{Absent, Any, At};

    let fixture = Fixture::new().await;
    fixture.append(10).await;
    let at = |position| At(Position(position));
    // (expected, new position, position found instead)
    let table = [
        (at(3), 4, Some(None)),
        (Absent, 3, None),
        (Absent, 3, None),
        (Absent, 4, Some(Some(3))),
        (at(2), 4, Some(Some(3))),
        (at(3), 4, None),
        // A retry of the one before.
        (at(3), 4, None),
        (Any, 2, None),
        (at(2), 0, None),
        (at(0), 10, None),
    ];
    for (expected, position, found) in table {
        let result = fixture.checkpoints.set(set("a", position, expected)).await;
        match (result, found) {
            (Ok(checkpoint), None) => assert_eq!(checkpoint.position, Position(position)),
            (Err(CheckpointError::Conflict { actual, .. }), Some(found)) => {
                assert_eq!(actual, found.map(Position), "{expected:?} to {position}");
            }
            (result, _) => panic!("{result:?} for {expected:?} to {position}"),
        }
    }
    let beyond = fixture.checkpoints.set(set("a", 11, Any)).await;
    let (position, head) = (Position(11), Position(10));
    assert_eq!(beyond, Err(Error::PositionBeyondHead { position, head }.into()));
}

#[tokio::test]
async fn a_position_that_another_server_wrote_can_be_set() {
    let fixture = Fixture::new().await;
    let another = Checkpoints::new(open(&fixture.engine, &fixture.clock, 2).await);
    fixture.append(5).await;
    another
        .set(set("a", 5, ExpectedCheckpoint::Absent))
        .await
        .unwrap();
    assert_eq!(fixture.checkpoints.get(&name("a")).await.unwrap().lag_events, 0);
}

#[tokio::test]
async fn of_instances_that_expect_the_same_position_one_succeeds() {
    let fixture = Fixture::new().await;
    fixture.append(100).await;
    let another = Checkpoints::new(open(&fixture.engine, &fixture.clock, 2).await);
    let at = |position| ExpectedCheckpoint::At(Position(position));
    fixture
        .checkpoints
        .set(set("a", 0, ExpectedCheckpoint::Absent))
        .await
        .unwrap();
    let mut last = 0;
    for round in 1..=20 {
        let (one, two) = (round * 2, round * 2 + 1);
        let (first, second) = tokio::join!(
            fixture.checkpoints.set(set("a", one, at(last))),
            another.set(set("a", two, at(last))),
        );
        last = match (first, second) {
            (Ok(_), Err(CheckpointError::Conflict { actual, .. })) => {
                assert_eq!(actual, Some(Position(one)));
                one
            }
            (Err(CheckpointError::Conflict { actual, .. }), Ok(_)) => {
                assert_eq!(actual, Some(Position(two)));
                two
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(another.get(&name("a")).await.unwrap().checkpoint.position.0, last);
    }
}

#[tokio::test]
async fn checkpoints_are_listed_in_order_by_page_and_deleted() {
    let fixture = Fixture::new().await;
    for of in ["b", "a/2", "a/10", "ä", "a"] {
        fixture
            .checkpoints
            .set(set(of, 0, ExpectedCheckpoint::Any))
            .await
            .unwrap();
    }
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        fixture.listed("", "", 1_000).await,
        (names(&["a", "a/10", "a/2", "b", "ä"]), false)
    );
    assert_eq!(fixture.listed("", "", 2).await, (names(&["a", "a/10"]), true));
    assert_eq!(fixture.listed("", "a/10", 2).await, (names(&["a/2", "b"]), true));
    assert_eq!(
        fixture.listed("a/", "a/", 5).await,
        (names(&["a/10", "a/2"]), false)
    );
    assert!(fixture.checkpoints.delete(&name("a/2")).await.unwrap());
    assert!(!fixture.checkpoints.delete(&name("a/2")).await.unwrap());
    assert_eq!(fixture.listed("a/", "", 5).await, (names(&["a/10"]), false));
}

#[test]
fn names_and_labels_that_are_not_valid_are_refused() {
    use annals_store::NameError;

    let of = |text: &str| CheckpointName::new(text).map(|name| name.to_string());
    assert_eq!(of(""), Err(NameError::Empty));
    assert_eq!(of("$a"), Err(NameError::Reserved));
    assert_eq!(of("a\n"), Err(NameError::ControlCharacter('\n')));
    assert_eq!(of(&"a".repeat(256)).unwrap().len(), 256);
    let too_long = NameError::TooLong {
        bytes: 257,
        bytes_max: 256,
    };
    assert_eq!(of(&"a".repeat(257)), Err(too_long.clone()));
    assert_eq!(CheckpointName::check_prefix(""), Ok(()));
    assert_eq!(CheckpointName::check_prefix("$"), Err(NameError::Reserved));
    let label = |text: &str| Label::new(text.to_owned()).map(Label::into_string);
    assert_eq!(label("").unwrap(), "");
    assert_eq!(label("$a").unwrap(), "$a");
    assert_eq!(label(&"a".repeat(257)), Err(too_long));
    assert_eq!(label("a\u{7f}"), Err(NameError::ControlCharacter('\u{7f}')));
}
