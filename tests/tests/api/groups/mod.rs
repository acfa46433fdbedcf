//! Consumer groups over gRPC, with the Rust client.

mod bad_input;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::{sync::Arc, time::Duration};

use annals_client::{
    Client, Consume, Delivery, Error, Event, ExpectedRevision, GroupMode, GroupSettings, GroupStart,
    ParkedEvent, ParkedSelection, QueryItem, RecordedEvent, Settlement,
};
use annals_tests::{
    harness::{Server, within_patience},
    on_every_engine, on_every_engine_that_persists,
};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

on_every_engine!(
    streams_are_processed_in_order_although_handlers_fail,
    what_a_handler_returns_decides_what_becomes_of_the_event,
    parked_events_are_listed_replayed_and_discarded,
    a_consumer_that_stops_settles_what_runs_and_returns_the_rest,
    a_handler_that_hangs_loses_its_event,
    waiting_events_are_extended,
    one_consumer_of_an_exclusive_group_works_and_another_takes_its_place,
    consumers_end_with_the_error_that_a_retry_would_not_change,
);
on_every_engine_that_persists!(consumers_continue_although_the_server_is_killed);

type Handler = Box<dyn Fn(Delivery) -> BoxFuture<'static, Result<Settlement, String>> + Send + Sync>;

/// A handler from a function.
fn handler<F>(handle: impl Fn(Delivery) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Result<Settlement, String>> + Send + 'static,
{
    Box::new(move |delivery| Box::pin(handle(delivery)))
}

/// A consumer that runs, and how to stop it.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    fn start<H, F, T, E>(consume: Consume<H>) -> Self
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Settlement> + 'static,
        E: std::fmt::Display + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let consume = consume.stop_when(async { stopped.await.unwrap_or_default() });
        Self {
            stop,
            task: tokio::spawn(consume.into_future()),
        }
    }

    /// Waits for its end without stopping it.
    async fn ended(mut self) -> Result<(), Error> {
        within_patience("the consumer to end", &mut self.task)
            .await
            .unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        within_patience("the consumer to stop", self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

/// A handler that acks everything, and what it got.
fn recording() -> (Handler, mpsc::UnboundedReceiver<Delivery>) {
    let (got, events) = mpsc::unbounded_channel();
    let record = handler(move |delivery| {
        let _ = got.send(delivery);
        async { Ok(Settlement::Ack) }
    });
    (record, events)
}

async fn next<T>(received: &mut mpsc::UnboundedReceiver<T>) -> T {
    within_patience("a delivery", received.recv()).await.unwrap()
}

async fn append(client: &Client, stream: &str, count: usize) {
    let events = (0..count).map(|_| Event::new("Placed", "{}"));
    client
        .append(stream, ExpectedRevision::Any, events)
        .await
        .unwrap();
}

async fn create(client: &Client, name: &str, settings: GroupSettings) {
    // The whole log has the events of the groups themselves as well.
    let settings = settings
        .query(QueryItem::new().of_type("Placed"))
        .retry_delay(Duration::from_millis(20));
    client
        .create_group(name, settings, GroupStart::Beginning)
        .await
        .unwrap();
}

/// Waits until nothing of a group is left to do.
async fn until_done(client: &Client, name: &str) {
    let done = async {
        loop {
            let status = client.describe_group(name).await.unwrap();
            if status.done_position == status.head && status.in_flight + status.retrying == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_patience("the group to be done", done).await;
}

async fn parked(client: &Client, name: &str) -> Vec<ParkedEvent> {
    let mut list = client.list_parked(name).page_size(2).include_events();
    let mut all = Vec::new();
    while let Some(event) = list.next().await {
        all.push(event.unwrap());
    }
    all
}

/// Notes the order in which events were processed, and fails a test in which it is wrong.
#[derive(Default)]
struct Log {
    done: BTreeMap<String, Vec<u64>>,
    running: BTreeSet<String>,
}

impl Log {
    fn begin(&mut self, event: &RecordedEvent) {
        assert!(
            self.running.insert(event.stream.clone()),
            "two of {}",
            event.stream
        );
        let next = self.done.get(&event.stream).map_or(0, Vec::len) as u64;
        // It may be one that was processed before, but whose ack was lost.
        assert!(event.revision <= next, "{event:?} before {next}");
    }

    fn end(&mut self, event: &RecordedEvent, is_done: bool) {
        self.running.remove(&event.stream);
        let done = self.done.entry(event.stream.clone()).or_default();
        if is_done && event.revision == done.len() as u64 {
            done.push(event.revision.into());
        }
    }
}

async fn streams_are_processed_in_order_although_handlers_fail(server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new()).await;
    for _ in 0..3 {
        for stream in 0..10 {
            append(&client, &format!("s-{stream}"), 6).await;
        }
    }
    let log = Arc::new(Mutex::new(Log::default()));
    let noted = Arc::clone(&log);
    let work = handler(move |delivery| {
        let log = Arc::clone(&noted);
        async move {
            log.lock().begin(&delivery.event);
            tokio::time::sleep(Duration::from_millis(delivery.event.position.0 % 3)).await;
            let fails = delivery.event.position.0.is_multiple_of(5) && delivery.attempt == 1;
            log.lock().end(&delivery.event, !fails);
            if fails {
                return Err("not yet".to_owned());
            }
            Ok(Settlement::Ack)
        }
    });
    let running = Running::start(client.consume("g", work).concurrency(8).permits(64));
    until_done(&client, "g").await;
    running.stop().await;
    let log = log.lock();
    assert_eq!(log.done.len(), 10);
    assert!(log.done.values().all(|done| done.len() == 18), "{:?}", log.done);
}

async fn what_a_handler_returns_decides_what_becomes_of_the_event(server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new().max_attempts(3)).await;
    for stream in ["ack", "skip", "park", "retry", "error", "panic"] {
        append(&client, stream, 1).await;
    }
    let (got, mut events) = mpsc::unbounded_channel();
    let work = handler(move |delivery| {
        let _ = got.send((delivery.event.stream.clone(), delivery.attempt));
        async move {
            match (delivery.event.stream.as_str(), delivery.attempt) {
                ("skip", _) => Ok(Settlement::Skip),
                ("park", _) => Ok(Settlement::Park("é".repeat(700))),
                ("retry", 1) => Ok(Settlement::Retry(Duration::from_millis(1))),
                ("error", _) => Err("no such customer".to_owned()),
                ("panic", _) => panic!("a bug"),
                _ => Ok(Settlement::Ack),
            }
        }
    });
    let running = Running::start(client.consume("g", work).consumer("worker"));
    until_done(&client, "g").await;
    running.stop().await;
    let mut attempts = BTreeMap::new();
    while let Some((stream, attempt)) = events.recv().await {
        attempts.insert(stream, attempt);
    }
    let expected = [
        ("ack", 1),
        ("error", 3),
        ("panic", 3),
        ("park", 1),
        ("retry", 2),
        ("skip", 1),
    ];
    assert_eq!(
        attempts,
        expected.map(|(stream, n)| (stream.to_owned(), n)).into()
    );
    let parked = parked(&client, "g").await;
    let seen: Vec<_> = parked
        .iter()
        .map(|event| (event.stream.as_str(), event.reason.as_str(), event.attempts))
        .collect();
    assert_eq!(
        seen,
        [
            ("park", "é".repeat(512).as_str(), 1),
            ("error", "no such customer", 3),
            ("panic", "the handler panicked: a bug", 3),
        ]
    );
    assert!(parked.iter().all(|event| event.consumer == "worker"));
    assert!(
        parked
            .iter()
            .all(|parked| parked.event.as_ref().unwrap().stream == parked.stream)
    );
}

async fn parked_events_are_listed_replayed_and_discarded(server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new()).await;
    create(&client, "other", GroupSettings::new()).await;
    client.reset_group("other", GroupStart::End).await.unwrap();
    append(&client, "a", 3).await;
    append(&client, "b", 2).await;
    client.reset_group("other", GroupStart::End).await.unwrap();
    let work = handler(|_| async { Ok(Settlement::Park("broken".to_owned())) });
    let running = Running::start(client.consume("g", work));
    until_done(&client, "g").await;
    running.stop().await;
    let all = parked(&client, "g").await;
    assert_eq!(all.len(), 5, "over several pages");
    let mut of_b = client.list_parked("g").stream("b");
    assert_eq!(of_b.next().await.unwrap().unwrap().position, all[3].position);

    let (record, mut replayed) = recording();
    let running = Running::start(client.consume("g", record));
    let count = client.replay_parked("g", ParkedSelection::Stream("a".to_owned()), None);
    assert_eq!(count.await.unwrap(), 3);
    for expected in &all[..3] {
        assert_eq!(next(&mut replayed).await.event.position, expected.position);
    }
    let (record, mut elsewhere) = recording();
    let other = Running::start(client.consume("other", record));
    let one = ParkedSelection::Positions(vec![all[3].position]);
    assert_eq!(
        client
            .replay_parked("g", one.clone(), Some("other"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(next(&mut elsewhere).await.event.position, all[3].position);
    assert_eq!(
        client.replay_parked("g", one, None).await.unwrap(),
        0,
        "it is not parked"
    );
    assert_eq!(client.discard_parked("g", ParkedSelection::All).await.unwrap(), 1);
    assert_eq!(parked(&client, "g").await, []);
    running.stop().await;
    other.stop().await;
}

async fn a_consumer_that_stops_settles_what_runs_and_returns_the_rest(server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new().mode(GroupMode::Unordered)).await;
    append(&client, "a", 10).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let work = handler(move |delivery| {
        let (began, gate) = (began.clone(), Arc::clone(&closed));
        async move {
            let _ = began.send(delivery);
            gate.acquire().await.unwrap().forget();
            Ok(Settlement::Ack)
        }
    });
    let first = Running::start(client.consume("g", work).concurrency(2));
    let running = [next(&mut begun).await, next(&mut begun).await];
    first.stop.send(()).unwrap();
    gate.add_permits(2);
    within_patience("the consumer to stop", first.task)
        .await
        .unwrap()
        .unwrap();
    assert!(begun.recv().await.is_none(), "no other was started");

    let (record, mut rest) = recording();
    let second = Running::start(client.consume("g", record));
    let mut positions: BTreeSet<_> = running.iter().map(|delivery| delivery.event.position).collect();
    for _ in 0..8 {
        let delivery = next(&mut rest).await;
        assert_eq!(delivery.attempt, 1, "a delivery that was returned does not count");
        assert!(positions.insert(delivery.event.position));
    }
    until_done(&client, "g").await;
    second.stop().await;
    assert!(rest.recv().await.is_none());
}

async fn a_handler_that_hangs_loses_its_event(server: Server) {
    let client = server.client();
    create(
        &client,
        "g",
        GroupSettings::new().ack_timeout(Duration::from_secs(1)),
    )
    .await;
    append(&client, "a", 2).await;
    let (got, mut events) = mpsc::unbounded_channel();
    let work = handler(move |delivery| {
        let _ = got.send((delivery.event.revision.0, delivery.attempt));
        async move {
            if delivery.event.revision == 0 && delivery.attempt == 1 {
                std::future::pending::<()>().await;
            }
            Ok(Settlement::Ack)
        }
    });
    let running = Running::start(client.consume("g", work));
    for expected in [(0, 1), (0, 2), (1, 1)] {
        assert_eq!(next(&mut events).await, expected);
    }
    until_done(&client, "g").await;
    running.stop().await;
}

async fn waiting_events_are_extended(server: Server) {
    let client = server.client();
    create(
        &client,
        "g",
        GroupSettings::new().ack_timeout(Duration::from_secs(1)),
    )
    .await;
    append(&client, "a", 8).await;
    let (got, mut events) = mpsc::unbounded_channel();
    let work = handler(move |delivery| {
        let _ = got.send((delivery.event.revision.0, delivery.attempt));
        async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            Ok(Settlement::Ack)
        }
    });
    // The last one waits for almost three times the ack timeout.
    let running = Running::start(client.consume("g", work));
    for revision in 0..8 {
        assert_eq!(next(&mut events).await, (revision, 1));
    }
    running.stop().await;
}

async fn one_consumer_of_an_exclusive_group_works_and_another_takes_its_place(server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new().mode(GroupMode::Exclusive)).await;
    append(&client, "a", 1).await;
    let (record, mut of_first) = recording();
    let first = Running::start(client.consume("g", record).consumer("first"));
    next(&mut of_first).await;
    let (record, mut of_second) = recording();
    let second = Running::start(client.consume("g", record).consumer("second").concurrency(4));
    let both = async {
        loop {
            let status = client.describe_group("g").await.unwrap();
            let consumers: Vec<_> = status
                .consumers
                .iter()
                .map(|consumer| (consumer.name.as_str(), consumer.active))
                .collect();
            if consumers == [("first", true), ("second", false)] {
                return;
            }
        }
    };
    within_patience("two consumers", both).await;
    append(&client, "b", 1).await;
    assert_eq!(next(&mut of_first).await.event.stream, "b");
    first.stop().await;
    append(&client, "c", 3).await;
    for revision in 0..3 {
        let delivery = next(&mut of_second).await;
        assert_eq!(
            (delivery.event.stream.as_str(), delivery.event.revision.0),
            ("c", revision)
        );
    }
    second.stop().await;
}

async fn consumers_end_with_the_error_that_a_retry_would_not_change(server: Server) {
    let client = server.client();
    let consume = |name: &str| client.consume("g", recording().0).consumer(name);
    let missing = Running::start(consume("a")).ended().await;
    assert!(matches!(missing, Err(Error::GroupNotFound { .. })), "{missing:?}");
    create(&client, "g", GroupSettings::new()).await;
    let invalid = Running::start(consume("a").permits(0)).ended().await;
    assert!(matches!(invalid, Err(Error::InvalidField(_))), "{invalid:?}");

    append(&client, "s", 1).await;
    let (record, mut events) = recording();
    let first = Running::start(client.consume("g", record).consumer("a"));
    next(&mut events).await;
    let second = Running::start(consume("a"));
    let replaced = first.ended().await;
    assert!(
        matches!(&replaced, Err(Error::ConsumerReplaced { consumer }) if consumer == "a"),
        "{replaced:?}"
    );
    assert!(client.delete_group("g").await.unwrap());
    let deleted = second.ended().await;
    assert!(
        matches!(&deleted, Err(Error::GroupNotFound { group }) if group == "g"),
        "{deleted:?}"
    );
}

async fn consumers_continue_although_the_server_is_killed(mut server: Server) {
    let client = server.client();
    create(&client, "g", GroupSettings::new().max_attempts(1_000)).await;
    for stream in 0..10 {
        append(&client, &format!("s-{stream}"), 40).await;
    }
    let log = Arc::new(Mutex::new(Log::default()));
    let consumers: Vec<_> = (0..2)
        .map(|_| {
            let log = Arc::clone(&log);
            let work = handler(move |delivery| {
                let log = Arc::clone(&log);
                async move {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    log.lock().end(&delivery.event, true);
                    Ok(Settlement::Ack)
                }
            });
            Running::start(client.consume("g", work).concurrency(8))
        })
        .collect();
    for round in 1..=2 {
        let progress = async {
            while log.lock().done.values().map(Vec::len).sum::<usize>() < round * 100 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within_patience("progress", progress).await;
        server.kill();
        server.start_again();
    }
    until_done(&client, "g").await;
    for consumer in consumers {
        consumer.stop().await;
    }
    let log = log.lock();
    let complete: Vec<u64> = (0..40).collect();
    assert_eq!(log.done.len(), 10);
    assert!(log.done.values().all(|done| *done == complete), "{:?}", log.done);
}
