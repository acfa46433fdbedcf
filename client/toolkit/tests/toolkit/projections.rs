//! Projections: every event takes effect once, in every kind of store, in spite of failures.

use std::sync::atomic::Ordering;
use std::time::Duration;

use annals_client::{Client, Event, ExpectedRevision, Position, Revision, Uuid};
use annals_toolkit::projection::{ProjectionError, ProjectionPolicy, State, WaitError, wait_for};
use annals_toolkit::store::{Move, ReadModelStore, StoreError};
use annals_toolkit::testing::Server;
use annals_toolkit::{Projections, RunningProjections, sqlx};

use crate::places::{Counted, Counts, NAME, Place, Postgres, Sqlite, on_every_store};
use crate::postgres::break_connections;

annals_installed::tests_that_need!(postgresql:
    one_that_fails_does_not_stop_the_others_in_postgres,
    a_database_connection_that_breaks_is_made_again,
    an_error_of_the_database_that_a_handler_passes_over_undoes_its_event_alone,
);

const FAST: ProjectionPolicy = ProjectionPolicy {
    batch_max: 100,
    attempts_max: 3,
    pause_first: Duration::from_millis(10),
    pause_max: Duration::from_millis(200),
};

const FAR: Position = Position(1_000_000_000);

on_every_store! {
    a_command_reads_its_own_write
    an_empty_read_model_is_there_when_it_was_waited_for
    it_goes_on_from_its_checkpoint
    one_that_is_stopped_or_dropped_leaves_no_subscription
    an_event_that_always_fails_becomes_a_dead_letter
    a_handler_that_fails_for_a_while_is_tried_again
    a_rebuild_is_made_beside_the_live_one
    a_switch_takes_nothing_back_that_was_seen
    a_new_version_is_rebuilt_and_an_old_one_refuses
    two_processes_apply_nothing_twice
    a_process_that_stands_by_tells_of_what_the_other_has_done
    another_process_goes_on_with_what_was_rebuilt
    a_checkpoint_moves_only_from_where_it_is
    a_read_model_of_another_store_is_not_touched
}

fn start<P: Place>(client: &Client, place: &P, counts: Counts) -> RunningProjections {
    let projections = Projections::new(client.clone()).policy(FAST);
    place.add(projections, counts).start()
}

async fn fill(client: &Client, stream: &str, count: usize) -> Position {
    fill_with(client, stream, count, "A").await
}

async fn fill_with(client: &Client, stream: &str, count: usize, kind: &str) -> Position {
    let events = (0..count).map(|_| Event::new(kind, "{}"));
    let appended = client.append(format!("count-{stream}"), ExpectedRevision::Any, events);
    appended.await.unwrap().last_position
}

fn counts<const N: usize>(expected: [(&str, i64); N]) -> Counted {
    expected
        .map(|(stream, count)| (format!("count-{stream}"), count))
        .into()
}

async fn a_command_reads_its_own_write<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    fill(&client, "a", 1_200).await;
    let projections = start(&client, &place, Counts::new());
    let running = projections.get(NAME).unwrap();
    running.wait_for(fill(&client, "b", 3).await).await.unwrap();
    assert_eq!(place.counted().await, counts([("a", 1_200), ("b", 3)]));
    let position = fill(&client, "b", 1).await;
    wait_for(place.store(), NAME, position, Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(place.counted().await["count-b"], 4);
    // The wait also covers events that its query does not match.
    let other = client
        .append("other", ExpectedRevision::Any, [Event::new("A", "")])
        .await
        .unwrap();
    running.wait_for(other.last_position).await.unwrap();
    assert_eq!(running.lag().await.unwrap().seconds, 0.0);
    running.wait_for(None).await.unwrap();
    let never = running
        .wait_for_within(FAR, Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(
        matches!(never, WaitError::TimedOut { position: FAR, .. }),
        "{never}"
    );
}

async fn an_empty_read_model_is_there_when_it_was_waited_for<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(Position::START).await.unwrap();
    assert_eq!(place.counted().await, counts([]));
}

async fn it_goes_on_from_its_checkpoint<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    for expected in [5, 10, 15] {
        let position = fill(&client, "a", 5).await;
        let projections = start(&client, &place, Counts::new());
        projections.wait_for(position).await.unwrap();
        assert_eq!(place.counted().await, counts([("a", expected)]));
        projections.stop().await;
    }
}

async fn one_that_is_stopped_or_dropped_leaves_no_subscription<P: Place>(place: P) {
    // Only two subscriptions are allowed, so if one were left open, a later start would fail.
    let server = Server::builder()
        .options(["--max-subscriptions", "2"])
        .start()
        .unwrap();
    let client = server.client().unwrap();
    for nth in 1..=6 {
        let position = fill(&client, "a", 5).await;
        let projections = start(&client, &place, Counts::new());
        projections.wait_for(position).await.unwrap();
        match nth % 2 {
            0 => projections.stop().await,
            _ => drop(projections),
        }
    }
}

async fn an_event_that_always_fails_becomes_a_dead_letter<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    fill(&client, "a", 3).await;
    let poison = fill_with(&client, "p", 1, "Poison").await;
    let venom = fill_with(&client, "v", 1, "Venom").await;
    let position = fill(&client, "b", 3).await;
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(position).await.unwrap();
    assert_eq!(place.counted().await, counts([("a", 3), ("b", 3)]));
    let letters = projections.get(NAME).unwrap().dead_letters().await.unwrap();
    let told: Vec<_> = letters
        .iter()
        .map(|one| {
            (
                one.position,
                one.event_type.as_str(),
                one.reason.as_str(),
                one.attempts,
            )
        })
        .collect();
    assert_eq!(told[0], (poison, "Poison", "poisoned", 3));
    assert_eq!((told[1].0, told[1].1, told[1].3), (venom, "Venom", 3));
    assert!(
        told[1].2.starts_with("panicked: ") && told[1].2.contains("deadly"),
        "{}",
        told[1].2
    );
    assert_eq!(
        (letters[0].stream.as_str(), letters[0].revision),
        ("count-p", Revision(0))
    );
    let age = annals_client::Timestamp::now().duration_since(letters[0].buried_at);
    assert!(age.as_secs() < 3_600, "{}", letters[0].buried_at);
}

async fn a_handler_that_fails_for_a_while_is_tried_again<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let position = fill(&client, "a", 5).await;
    let sometimes = Counts::new();
    sometimes.failures.store(2, Ordering::Relaxed);
    let projections = start(&client, &place, sometimes);
    projections.wait_for(position).await.unwrap();
    let running = projections.get(NAME).unwrap();
    assert_eq!(running.dead_letters().await.unwrap(), []);
    assert_eq!(running.progress().last_error.as_deref(), Some("not yet"));
    assert_eq!(place.counted().await, counts([("a", 5)]));
}

async fn a_rebuild_is_made_beside_the_live_one<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let position = fill(&client, "a", 700).await;
    let projections = start(&client, &place, Counts::new());
    let running = projections.get(NAME).unwrap().clone();
    running.wait_for(position).await.unwrap();
    let rebuilding = {
        let running = running.clone();
        tokio::spawn(async move { running.rebuild().await })
    };
    let mut written = 0;
    while !rebuilding.is_finished() {
        written += 1;
        running.wait_for(fill(&client, "b", 1).await).await.unwrap();
        assert_eq!(place.counted().await, counts([("a", 700), ("b", written)]));
    }
    rebuilding.await.unwrap().unwrap();
    let [generation] = &place.store().generations(NAME).await.unwrap()[..] else {
        panic!("the old generation still exists");
    };
    assert_eq!((generation.number, generation.live), (2, true));
    running.wait_for(fill(&client, "b", 1).await).await.unwrap();
    assert_eq!(place.counted().await["count-b"], written + 1);
    assert_eq!(running.state(), State::Live);
}

/// Moves only the checkpoint.
async fn advance<P: Place>(place: &P, number: u32, from: u64, to: u64) -> Result<(), StoreError> {
    let (from, to) = (Position(from), Position(to));
    let generations = place.store().generations(NAME).await.unwrap();
    let generation = generations.iter().find(|one| one.number == number).unwrap();
    let counts = Counts::new();
    let projection = (&counts.definition, &Unused as _);
    let checkpoint = Move { from, to };
    place.store().apply(generation, checkpoint, &[], projection).await
}

struct Unused;

impl<M: Send> annals_toolkit::projection::Handler<M> for Unused {
    fn handle<'a>(
        &'a self,
        _: &'a annals_client::RecordedEvent,
        _: &'a mut M,
    ) -> futures::future::BoxFuture<'a, Result<(), annals_toolkit::store::BoxError>> {
        unreachable!("there are no events")
    }
}

async fn a_switch_takes_nothing_back_that_was_seen<P: Place>(place: P) {
    let definition = Counts::new().definition;
    let (store, of) = (place.store(), Uuid::new_v4());
    assert_eq!(store.generations(NAME).await.unwrap(), []);
    store.create(&definition, 1, of, true).await.unwrap();
    store.create(&definition, 2, of, false).await.unwrap();
    advance(&place, 1, 0, 10).await.unwrap();
    advance(&place, 2, 0, 9).await.unwrap();
    assert!(matches!(
        store.switch(&definition, 2).await,
        Err(StoreError::Behind)
    ));
    advance(&place, 2, 9, 10).await.unwrap();
    store.switch(&definition, 2).await.unwrap();
    let left = store.generations(NAME).await.unwrap();
    assert_eq!(
        left.iter().map(|one| (one.number, one.live)).collect::<Vec<_>>(),
        [(2, true)]
    );
    assert!(matches!(
        store.switch(&definition, 3).await,
        Err(StoreError::Superseded)
    ));
}

async fn a_checkpoint_moves_only_from_where_it_is<P: Place>(place: P) {
    let definition = Counts::new().definition;
    let (store, of) = (place.store(), Uuid::new_v4());
    assert_eq!(store.generations(NAME).await.unwrap(), []);
    let created = store.create(&definition, 1, of, true).await.unwrap();
    assert_eq!(
        store.create(&definition, 1, Uuid::new_v4(), true).await.unwrap(),
        created
    );
    advance(&place, 1, 0, 10).await.unwrap();
    assert!(matches!(
        advance(&place, 1, 0, 11).await,
        Err(StoreError::Superseded)
    ));
    assert_eq!(store.generations(NAME).await.unwrap()[0].position, 10);
    store.create(&definition, 2, of, false).await.unwrap();
    store.remove(&definition, 2).await.unwrap();
    assert_eq!(store.generations(NAME).await.unwrap().len(), 1);
}

async fn a_new_version_is_rebuilt_and_an_old_one_refuses<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let position = fill(&client, "a", 5).await;
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(position).await.unwrap();
    projections.stop().await;
    let position = fill(&client, "a", 5).await;
    let projections = start(&client, &place, Counts::new().version(2));
    projections.wait_for(position).await.unwrap();
    assert_eq!(place.counted().await, counts([("a", 10)]));
    projections.stop().await;
    let [generation] = &place.store().generations(NAME).await.unwrap()[..] else {
        panic!("the old generation still exists");
    };
    assert_eq!((generation.number, generation.version), (2, 2));
    let projections = start(&client, &place, Counts::new());
    let refused = projections.wait_for(FAR).await.unwrap_err();
    let expected = matches!(
        refused,
        WaitError::Failed(ProjectionError::NewerVersion {
            made_by: 2,
            given: 1,
            ..
        })
    );
    assert!(expected, "{refused}");
    let rebuilt = projections.get(NAME).unwrap().rebuild().await;
    assert!(
        matches!(rebuilt, Err(ProjectionError::NewerVersion { .. })),
        "{rebuilt:?}"
    );
    assert_eq!(projections.get(NAME).unwrap().state(), State::Failed);
}

async fn two_processes_apply_nothing_twice<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let first = start(&client, &place, Counts::new());
    let second = start(&client, &place, Counts::new());
    let mut position = Position::START;
    for _ in 0..30 {
        position = fill(&client, "a", 7).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    first.wait_for(position).await.unwrap();
    second.wait_for(position).await.unwrap();
    assert_eq!(place.counted().await, counts([("a", 210)]));
    assert_eq!(place.store().dead_letters(NAME).await.unwrap(), []);
}

async fn a_process_that_stands_by_tells_of_what_the_other_has_done<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let working = start(&client, &place, Counts::new());
    working.wait_for(fill(&client, "a", 1).await).await.unwrap();
    let slow = ProjectionPolicy {
        pause_first: Duration::from_secs(1_000),
        pause_max: Duration::from_secs(1_000),
        ..FAST
    };
    let standing_by = Projections::new(client.clone()).policy(slow);
    let standing_by = place.add(standing_by, Counts::new()).start();
    for _ in 0..20 {
        standing_by.wait_for(fill(&client, "a", 1).await).await.unwrap();
    }
}

async fn another_process_goes_on_with_what_was_rebuilt<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let first = start(&client, &place, Counts::new());
    let second = start(&client, &place, Counts::new());
    let position = fill(&client, "a", 50).await;
    first.wait_for(position).await.unwrap();
    second.wait_for(position).await.unwrap();
    first.get(NAME).unwrap().rebuild().await.unwrap();
    for _ in 0..5 {
        let position = fill(&client, "a", 2).await;
        second.wait_for(position).await.unwrap();
        first.wait_for(position).await.unwrap();
    }
    assert_eq!(place.counted().await, counts([("a", 60)]));
    let generations = place.store().generations(NAME).await.unwrap();
    assert_eq!(generations.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
}

async fn a_read_model_of_another_store_is_not_touched<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(fill(&client, "a", 3).await).await.unwrap();
    projections.stop().await;
    let other = Server::start().unwrap();
    let projections = start(&other.client().unwrap(), &place, Counts::new());
    let refused = projections.wait_for(FAR).await.unwrap_err();
    let expected = matches!(refused, WaitError::Failed(ProjectionError::WrongStore { .. }));
    assert!(expected, "{refused}");
    assert_eq!(place.counted().await, counts([("a", 3)]));
}

async fn one_that_fails_does_not_stop_the_others<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let mut broken = Counts::new();
    broken.definition = annals_toolkit::projection::Definition::new("broken").statement("CREATE NONSENSE");
    let projections = Projections::new(client.clone()).policy(FAST);
    let projections = place.add(place.add(projections, broken), Counts::new()).start();
    let running = projections.get(NAME).unwrap();
    running.wait_for(fill(&client, "a", 3).await).await.unwrap();
    let failed = projections.get("broken").unwrap();
    let error = failed.wait_for(Position(1)).await.unwrap_err().to_string();
    assert!(error.contains("NONSENSE"), "{error}");
    assert_eq!((failed.state(), running.state()), (State::Failed, State::Live));
}

#[tokio::test]
async fn one_that_fails_does_not_stop_the_others_in_sqlite() {
    one_that_fails_does_not_stop_the_others(Sqlite::open().await).await;
}

async fn one_that_fails_does_not_stop_the_others_in_postgres() {
    one_that_fails_does_not_stop_the_others(Postgres::open().await).await;
}

#[tokio::test]
async fn a_locked_database_is_waited_for() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let place = Sqlite::open().await;
    let impatient = place.store().pool().connect_options().as_ref().clone();
    let impatient = impatient.busy_timeout(Duration::from_millis(50));
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .connect_with(impatient)
        .await
        .unwrap();
    let store = annals_toolkit::store::sqlite::SqliteStore::new(pool);
    let projections = Projections::new(client.clone())
        .policy(FAST)
        .add(&store, Counts::new())
        .start();
    projections.wait_for(fill(&client, "a", 1).await).await.unwrap();
    let blocker = store.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    let position = fill(&client, "a", 2).await;
    let running = projections.get(NAME).unwrap();
    while running.state() != State::Waiting {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    blocker.rollback().await.unwrap();
    running.wait_for(position).await.unwrap();
    assert_eq!(running.dead_letters().await.unwrap(), []);
    assert_eq!(place.counted().await, counts([("a", 3)]));
}

async fn a_database_connection_that_breaks_is_made_again() {
    let place = Postgres::open().await;
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(fill(&client, "a", 1).await).await.unwrap();
    for _ in 0..3 {
        break_connections(place.store().pool()).await;
        projections.wait_for(fill(&client, "a", 2).await).await.unwrap();
    }
    assert_eq!(place.store().dead_letters(NAME).await.unwrap(), []);
    assert_eq!(place.counted().await, counts([("a", 7)]));
}

async fn an_error_of_the_database_that_a_handler_passes_over_undoes_its_event_alone() {
    let place = Postgres::open().await;
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    fill(&client, "a", 3).await;
    let swallowed = fill_with(&client, "s", 1, "Swallow").await;
    let position = fill(&client, "b", 3).await;
    let projections = start(&client, &place, Counts::new());
    projections.wait_for(position).await.unwrap();
    let letters = place.store().dead_letters(NAME).await.unwrap();
    assert_eq!(
        letters.iter().map(|one| one.position).collect::<Vec<_>>(),
        [swallowed]
    );
    assert_eq!(place.counted().await, counts([("a", 3), ("b", 3)]));
}

#[tokio::test]
async fn an_event_store_that_is_away_is_waited_for() {
    let mut server = Server::builder().embedded().start().unwrap();
    let client = server.client().unwrap().with_timeout(Duration::from_secs(60));
    let impatient = client.with_timeout(Duration::from_millis(200));
    let place = Sqlite::open().await;
    server.kill();
    let projections = start(&impatient, &place, Counts::new());
    let running = projections.get(NAME).unwrap();
    while running.progress().last_error.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for expected in [2, 4] {
        server.restart().unwrap();
        running
            .wait_for_within(fill(&client, "a", 2).await, Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(place.counted().await, counts([("a", expected)]));
    }
    drop(place.folder);
}
