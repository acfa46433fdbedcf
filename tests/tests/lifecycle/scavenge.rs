//! Scavenging, seen from outside: all reads return the same as before, and removed events no longer take space.
//!
//! Some of these cases have more events than others, so that several windows of the index are on disk.

use std::time::Duration;

use annals_client::{
    Client, Error, Event, ExpectedRevision as Expected, QueryItem, Read, RecordedEvent, Retention, Revision,
    Scavenge, ScavengeState, Subscription, SubscriptionItem,
};
use annals_tests::{
    harness::{Cli, Metrics, Server, sample::event, within_patience},
    on_every_engine, on_every_engine_that_persists,
};
use futures::StreamExt;

on_every_engine!(
    everything_reads_as_before_and_appends_go_on,
    a_scavenge_is_asked_for_stopped_and_told_of,
    a_small_store_of_which_everything_is_deleted_keeps_no_event,
);
on_every_engine_that_persists!(what_was_scavenged_is_so_after_a_restart);

/// Streams of the log that the cases begin with, and events in each: slightly more than a window.
const STREAMS: u64 = 140;
const EVENTS: u64 = 500;

fn name(number: u64) -> String {
    format!("s-{number}")
}

/// Fills a log: streams one after the other, and a stream with an event between each two of them.
async fn fill(client: &Client) {
    for number in 0..STREAMS {
        let events = (0..EVENTS).map(|n| {
            let kind = if n % 2 == 0 { "Even" } else { "Odd" };
            Event::new(kind, format!(r#"{{"n":{n}}}"#))
                .with_tag(format!("stream:{number}"))
                .with_tag(format!("tenth:{}", n % 10))
        });
        client
            .append(name(number), Expected::NoStream, events)
            .await
            .unwrap();
        client
            .append("between", Expected::Any, [event("Between")])
            .await
            .unwrap();
    }
}

/// Removes most of it in every possible way; returns the number of removed events.
async fn end(client: &Client) -> u64 {
    let mut gone = 0;
    for number in 0..STREAMS {
        let stream = name(number);
        gone += match number % 7 {
            0 => {
                client.delete_stream(stream, Expected::Any).await.unwrap();
                EVENTS
            }
            1 => {
                client.tombstone_stream(stream, Expected::Any).await.unwrap();
                EVENTS
            }
            2 => {
                client
                    .set_retention(stream, Retention::new().max_count(3))
                    .await
                    .unwrap();
                EVENTS - 3
            }
            3 => {
                client
                    .set_retention(stream, Retention::new().truncate_before(490))
                    .await
                    .unwrap();
                490
            }
            4 => {
                client
                    .set_retention(&stream, Retention::new().truncate_before(EVENTS))
                    .await
                    .unwrap();
                client
                    .append(stream, Expected::Exactly(Revision(EVENTS - 1)), [event("After")])
                    .await
                    .unwrap();
                EVENTS
            }
            _ => 0,
        };
    }
    gone
}

async fn finished(client: &Client) -> Scavenge {
    within_patience("the scavenge to end", async {
        loop {
            let scavenge = client.scavenge_status().await.unwrap().expect("one was started");
            assert_eq!(scavenge.problem, "");
            if scavenge.state == ScavengeState::Finished {
                return scavenge;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

async fn indexed(client: &Client) {
    within_patience("the first window to be on disk", async {
        while client.server_info().await.unwrap().indexed < 65_536 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Everything that can be read, in many ways.
async fn seen(client: &Client) -> Vec<Vec<RecordedEvent>> {
    let queries = [
        QueryItem::new().of_type("Odd"),
        QueryItem::new().tagged("tenth:9"),
        QueryItem::new().tagged("stream:0"),
        QueryItem::new().tagged("stream:3").of_type("Even"),
        QueryItem::new().in_stream_prefix("s-1"),
    ];
    let mut seen = vec![
        collected(client.read_all()).await,
        collected(client.read_all().backwards()).await,
        collected(client.read_all().from_position(40_000).limit(700)).await,
        collected(client.read_all().from_position(40_000).backwards().limit(700)).await,
    ];
    for query in &queries {
        let read = || client.read_all().query(query.clone());
        seen.push(collected(read()).await);
        seen.push(collected(read().backwards().limit(40)).await);
    }
    for after in [0, 700, 35_000, 60_000] {
        let mut subscription = client.subscribe_all().after(after).await.unwrap();
        seen.push(caught_up(&mut subscription).await);
        let mut subscription = client
            .subscribe_all()
            .after(after)
            .query(queries[0].clone())
            .await
            .unwrap();
        seen.push(caught_up(&mut subscription).await);
    }
    for number in 0..14 {
        for read in [
            client.read_stream(name(number)),
            client.read_stream(name(number)).backwards(),
        ] {
            match read.await {
                Ok(events) => seen.push(events.collect().await.unwrap()),
                Err(Error::StreamNotFound { .. } | Error::StreamTombstoned { .. }) => seen.push(Vec::new()),
                Err(error) => panic!("{error}"),
            }
        }
    }
    seen
}

async fn collected<Of>(read: Read<Of>) -> Vec<RecordedEvent> {
    read.await.unwrap().collect().await.unwrap()
}

async fn caught_up(subscription: &mut Subscription) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    loop {
        match within_patience("being caught up", subscription.next())
            .await
            .unwrap()
            .unwrap()
        {
            SubscriptionItem::Event(event) => events.push(event),
            SubscriptionItem::CaughtUp { .. } => return events,
            _ => {}
        }
    }
}

fn assert_same(before: &[Vec<RecordedEvent>], after: &[Vec<RecordedEvent>]) {
    assert_eq!(before.len(), after.len());
    for (n, (before, after)) in before.iter().zip(after).enumerate() {
        let places = |events: &[RecordedEvent]| -> Vec<u64> { events.iter().map(|e| e.position.0).collect() };
        assert_eq!(places(before), places(after), "read {n}");
        assert!(
            before == after,
            "read {n} has the same positions but other contents"
        );
    }
}

async fn everything_reads_as_before_and_appends_go_on(server: Server) {
    let client = server.client();
    fill(&client).await;
    let gone = end(&client).await;
    indexed(&client).await;
    let before = seen(&client).await;
    client.start_scavenge().await.unwrap();
    let scavenge = finished(&client).await;
    assert_eq!(scavenge.events_removed, gone, "recent ones as well");
    assert_eq!(scavenge.streams_done, STREAMS / 7 * 5);
    assert_same(&before, &seen(&client).await);
    let metrics = Metrics::of(&server);
    assert!(
        metrics.text().contains("scavenged_events_total"),
        "{}",
        metrics.text()
    );

    // Deleted, truncated to nothing and written again, limited by count.
    let revision = |appended: annals_client::Appended| appended.first_revision;
    let again = client
        .append(name(0), Expected::NoStream, [event("T")])
        .await
        .unwrap();
    assert_eq!(revision(again), EVENTS);
    let gone = client.append(name(1), Expected::Any, [event("T")]).await;
    assert!(matches!(gone, Err(Error::StreamTombstoned { .. })), "{gone:?}");
    let counted = client
        .append(name(2), Expected::Exactly(Revision(EVENTS - 1)), [event("T")])
        .await
        .unwrap();
    assert_eq!(revision(counted), EVENTS);
    let refused = client
        .append(name(2), Expected::Exactly(Revision(7)), [event("T")])
        .await;
    assert!(
        matches!(refused, Err(Error::RevisionConflict { .. })),
        "{refused:?}"
    );
    let truncated = client
        .append(name(4), Expected::Exactly(Revision(EVENTS)), [event("T")])
        .await
        .unwrap();
    assert_eq!(revision(truncated), EVENTS + 1);
    let info = client.stream_info(name(2)).await.unwrap();
    assert_eq!(
        (info.first_revision, info.last_revision),
        (Revision(EVENTS - 2), Revision(EVENTS))
    );
    let left = collected(client.read_stream(name(2))).await;
    let left: Vec<u64> = left.iter().map(|event| event.revision.0).collect();
    assert_eq!(left, [EVENTS - 2, EVENTS - 1, EVENTS]);
    let listed: Vec<_> = client.list_streams("s-").map(Result::unwrap).collect().await;
    assert_eq!(listed.len() as u64, STREAMS / 7 * 5 + 1);
}

async fn what_was_scavenged_is_so_after_a_restart(mut server: Server) {
    let client = server.client();
    fill(&client).await;
    end(&client).await;
    indexed(&client).await;
    client.start_scavenge().await.unwrap();
    let scavenge = finished(&client).await;
    let before = seen(&client).await;
    server.restart();
    let client = server.client();
    assert_eq!(client.scavenge_status().await.unwrap(), Some(scavenge));
    assert_same(&before, &seen(&client).await);
    client.start_scavenge().await.unwrap();
    assert_eq!(
        finished(&client).await.events_removed,
        0,
        "nothing was left to do"
    );
    assert_same(&before, &seen(&client).await);
}

async fn a_scavenge_is_asked_for_stopped_and_told_of(server: Server) {
    let client = server.client();
    let cli = Cli::of(&server);
    let json = |arguments: &[&str]| {
        let finished = cli.run(["--format", "ndjson", "scavenge"].iter().chain(arguments));
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        serde_json::from_str::<serde_json::Value>(finished.stdout.trim()).unwrap()
    };
    assert_eq!(client.scavenge_status().await.unwrap(), None);
    assert_eq!(json(&["status"])["state"], "none");
    assert_eq!(json(&["stop"])["state"], "none");
    client
        .append("s", Expected::Any, [event("T"), event("T")])
        .await
        .unwrap();
    client
        .set_retention("s", Retention::new().max_count(1))
        .await
        .unwrap();
    let done = json(&[]);
    assert_eq!(
        (&done["state"], &done["streams_done"]),
        (&"finished".into(), &1.into())
    );
    assert_eq!(
        (&done["events_removed"], &done["through_position"]),
        (&1.into(), &3.into())
    );
    assert_eq!(json(&["stop"]), done, "none runs");
    assert_eq!(json(&["status"]), done);
    let started = json(&["--no-wait"]);
    assert_eq!(started["state"], "running");
    finished(&client).await;
    let table = cli.run(["--format", "table", "scavenge", "status"]).stdout;
    assert!(table.contains("finished") && table.contains("1 of 1"), "{table}");
    assert!(
        table.contains("kept") && table.contains("events after position 3"),
        "{table}"
    );
    let both = cli.run(["scavenge", "--no-wait", "status"]);
    assert_eq!(both.code, 2, "{}", both.stdout);
}

async fn a_small_store_of_which_everything_is_deleted_keeps_no_event(server: Server) {
    let client = server.client();
    let cli = Cli::of(&server);
    let nothing = cli.run(["--format", "table", "scavenge"]);
    assert!(
        nothing.stdout.contains("no stream has a retention"),
        "{}",
        nothing.stdout
    );
    for number in 0..4 {
        let events = (0..50).map(|_| event("T"));
        client
            .append(name(number), Expected::NoStream, events)
            .await
            .unwrap();
    }
    for number in 0..4 {
        client.delete_stream(name(number), Expected::Any).await.unwrap();
    }
    let told = cli.run(["--format", "table", "scavenge"]).stdout;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&told).contains("events removed 200"), "{told}");
    assert!(told.contains("ids of 4 appends"), "{told}");
    let scavenge = client.scavenge_status().await.unwrap().unwrap();
    assert_eq!(
        scavenge.through_position,
        client.server_info().await.unwrap().head
    );
    let left = client.read_all().await.unwrap().collect().await.unwrap();
    assert!(
        left.iter().all(|event| event.stream.starts_with("$$")),
        "{left:?}"
    );
    let again = client
        .append(name(0), Expected::NoStream, [event("T")])
        .await
        .unwrap();
    assert_eq!(again.first_revision, 50);
}
