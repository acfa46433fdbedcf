//! Logs longer than an index window (65,536 events): events indexed on disk are found like those indexed in memory,
//! before and after a restart, and at the very end of a window too.

use annals_client::{Client, Error, Event, ExpectedRevision as Expected, Position, QueryItem};
use annals_tests::{
    harness::{PATIENCE, Server, is_long, sample::event, until_caught_up},
    on_every_engine, on_every_engine_that_persists,
};

on_every_engine!(a_log_longer_than_a_window_is_found_whole);
on_every_engine_that_persists!(
    a_log_longer_than_a_window_is_found_whole_after_a_restart,
    a_store_opens_at_the_very_end_of_a_window,
);

const WINDOW: u64 = 65_536;
/// The streams take turns of this many events.
const TURN: u64 = 1_024;
const STREAMS: u64 = 8;

/// The number of windows that are filled.
fn windows() -> u64 {
    if is_long() { 8 } else { 1 }
}

/// The first event of every turn has another type than the others.
fn turn(number: u64) -> Vec<Event> {
    let kind = |n: u64| if n == 0 { "First" } else { "Other" };
    (0..TURN)
        .map(|n| Event::new(kind(n), format!("{}", number * TURN + n)))
        .collect()
}

/// Fills the log with this many turns; returns each as it was sent.
async fn fill(client: &Client, turns: u64) -> Vec<Vec<Event>> {
    let mut sent = Vec::new();
    for number in 0..turns {
        let events = turn(number);
        let stream = format!("s-{}", number % STREAMS);
        let appended = client
            .append(stream, Expected::Any, events.clone())
            .await
            .unwrap();
        assert_eq!(appended.first_position, number * TURN + 1);
        sent.push(events);
    }
    sent
}

async fn until_indexed(client: &Client, position: u64) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while client.server_info().await.unwrap().indexed < position {
        assert!(
            std::time::Instant::now() < deadline,
            "position {position} was never indexed"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Looks up events of all ages, through every index.
async fn assert_found_whole(client: &Client, sent: &[Vec<Event>]) {
    let turns = sent.len() as u64;
    let info = client.stream_info("s-3").await.unwrap();
    let of_stream: Vec<u64> = (0..turns).filter(|number| number % STREAMS == 3).collect();
    assert_eq!(info.last_revision, of_stream.len() as u64 * TURN - 1);
    assert_eq!(info.first_position, 3 * TURN + 1);
    // A whole stream, and from its middle backwards.
    let events = client.read_stream("s-3").await.unwrap().collect().await.unwrap();
    let positions = of_stream
        .iter()
        .flat_map(|number| number * TURN + 1..=(number + 1) * TURN);
    assert!(events.iter().map(|event| event.position).eq(positions));
    let backwards = client
        .read_stream("s-3")
        .backwards()
        .from_revision(TURN * 2 + 5)
        .limit(2_000);
    let revisions: Vec<u64> = backwards
        .await
        .unwrap()
        .collect()
        .await
        .unwrap()
        .iter()
        .map(|e| e.revision.0)
        .collect();
    assert!(
        revisions
            .iter()
            .copied()
            .eq((TURN * 2 + 6 - 2_000..TURN * 2 + 6).rev())
    );
    // By type, in the whole log and in a stream.
    let first = client
        .read_all()
        .query(QueryItem::new().of_type("First"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(
        first
            .iter()
            .map(|event| event.position)
            .eq((0..turns).map(|number| number * TURN + 1))
    );
    let query = QueryItem::new().of_type("First").in_stream("s-3");
    let mut subscription = client.subscribe_all().query(query).await.unwrap();
    let (seen, _) = until_caught_up(&mut subscription).await;
    assert!(
        seen.into_iter()
            .eq(of_stream.iter().map(|number| number * TURN + 1))
    );
    // Retries of appends, of the first window as of the last, and ids that are taken.
    for number in [0, 1, turns / 2, turns - 1] {
        let (stream, events) = (
            format!("s-{}", number % STREAMS),
            &sent[usize::try_from(number).unwrap()],
        );
        let again = client
            .append(&stream, Expected::Any, events.clone())
            .await
            .unwrap();
        assert!(
            again.already_appended && again.first_position == number * TURN + 1,
            "{again:?}"
        );
        let refused = client
            .append("elsewhere", Expected::Any, [events[0].clone()])
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::EventIdConflict { .. }), "{refused}");
    }
    assert!(matches!(
        client.read_stream("elsewhere").await,
        Err(Error::StreamNotFound { .. })
    ));
}

async fn a_log_longer_than_a_window_is_found_whole(server: Server) {
    let client = server.client();
    let sent = fill(&client, windows() * WINDOW / TURN + 5).await;
    until_indexed(&client, windows() * WINDOW).await;
    assert_found_whole(&client, &sent).await;
}

async fn a_log_longer_than_a_window_is_found_whole_after_a_restart(mut server: Server) {
    let client = server.client();
    let sent = fill(&client, windows() * WINDOW / TURN + 5).await;
    // Killed, so that the state of the indexes is random; then stopped gracefully.
    server.kill();
    server.start_again();
    assert_found_whole(&client, &sent).await;
    until_indexed(&client, windows() * WINDOW).await;
    server.restart();
    assert_found_whole(&client, &sent).await;
}

async fn a_store_opens_at_the_very_end_of_a_window(mut server: Server) {
    let client = server.client();
    let sent = fill(&client, WINDOW / TURN).await;
    until_indexed(&client, WINDOW).await;
    server.restart();
    let info = client.server_info().await.unwrap();
    assert_eq!((info.head, info.indexed), (Position(WINDOW), Position(WINDOW)));
    assert_found_whole(&client, &sent).await;
    let appended = client
        .append("s-0", Expected::StreamExists, [event("T")])
        .await
        .unwrap();
    assert_eq!(appended.first_position, WINDOW + 1);
}
