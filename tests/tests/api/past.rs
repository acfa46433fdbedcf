//! The log and its streams as of a time or up to a place, compared with the current log.

use std::time::Duration;

use annals_client::{
    Client, Direction, Error, ExpectedRevision as Expected, Position, Query, QueryItem, RecordedEvent,
    Revision, Timestamp,
};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Cli, Options, Refusal, Server, sample, seed},
    on_every_engine, on_every_engine_that_persists,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tonic::Code;

on_every_engine!(
    the_past_is_the_beginning_of_what_there_is,
    a_past_that_can_not_have_been_is_refused,
    people_read_the_past_on_the_command_line,
);
on_every_engine_that_persists!(a_day_is_read_as_of_any_second_also_after_a_restart);

/// Three streams, of which one begins late; each event has a different time.
async fn fill(client: &Client) -> Vec<RecordedEvent> {
    for n in 0..45 {
        let stream = ["order-1", "order-2", "late"][if n < 20 { n % 2 } else { n % 3 }];
        let kind = if n % 4 == 0 { "Paid" } else { "Placed" };
        client
            .append(stream, Expected::Any, [sample::event(kind)])
            .await
            .unwrap();
        // Times have microsecond resolution.
        tokio::time::sleep(Duration::from_micros(10)).await;
    }
    client.read_all().await.unwrap().collect().await.unwrap()
}

fn beside(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond() + micros).unwrap()
}

async fn the_past_is_the_beginning_of_what_there_is(server: Server) {
    let client = server.client();
    let none = client.position_at_time(Timestamp::now()).await.unwrap();
    assert_eq!(none, 0, "the log is empty");
    let log = fill(&client).await;
    let paid = Query::from(QueryItem::new().of_type("Paid"));
    for event in &log {
        for time in [-1, 0, 1].map(|micros| beside(event.recorded_at, micros)) {
            let past: Vec<_> = log.iter().filter(|event| event.recorded_at <= time).collect();
            let reached = past.len() as u64;
            assert_eq!(client.position_at_time(time).await.unwrap(), reached, "at {time}");

            let reads = [
                client.read_all().until_time(time),
                client.read_all().until_position(reached),
            ];
            for (n, read) in reads.into_iter().enumerate() {
                let events = read.clone().await.unwrap();
                assert_eq!(events.head(), 45, "the head is the current one");
                let events = events.collect().await.unwrap();
                assert!(events.iter().eq(past.iter().copied()), "{n} at {time}");
                let read = read.direction(Direction::Backwards).query(paid.clone()).limit(2);
                let events = read.await.unwrap().collect().await.unwrap();
                let wanted = past
                    .iter()
                    .copied()
                    .rev()
                    .filter(|event| event.event_type == "Paid");
                assert!(events.iter().eq(wanted.take(2)), "{n} backwards at {time}");
            }
        }
    }
    for stream in ["order-1", "late"] {
        for event in &log {
            let time = event.recorded_at;
            let past = log
                .iter()
                .filter(|event| event.stream == stream && event.recorded_at <= time);
            let past: Vec<_> = past.collect();
            let read = client.read_stream(stream).until_time(time).await;
            let Some(last) = past.last() else {
                assert!(matches!(read, Err(Error::StreamNotFound { .. })), "{read:?}");
                continue;
            };
            let read = read.unwrap();
            assert_eq!(read.last_revision(), Some(last.revision));
            assert!(read.collect().await.unwrap().iter().eq(past.iter().copied()));
            let read = client
                .read_stream(stream)
                .until_revision(last.revision)
                .backwards();
            let events = read.await.unwrap().collect().await.unwrap();
            assert!(events.iter().eq(past.iter().copied().rev()));
        }
    }
    let later = beside(Timestamp::now(), 3_600_000_000);
    assert_eq!(client.position_at_time(later).await.unwrap(), 45);
    let before = Timestamp::from_second(-1).unwrap();
    assert_eq!(client.position_at_time(before).await.unwrap(), 0);
    assert_eq!(
        client
            .read_all()
            .until_time(before)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap(),
        []
    );
}

async fn a_past_that_can_not_have_been_is_refused(server: Server) {
    let client = server.client();
    let _ = fill(&client).await;
    let beyond = client.read_all().until_position(46).await.unwrap_err();
    assert!(
        matches!(
            beyond,
            Error::PositionBeyondHead {
                position: Position(46),
                head: Position(45)
            }
        ),
        "{beyond}"
    );
    let beyond = client
        .read_all()
        .until_position(10)
        .from_position(12)
        .await
        .unwrap_err();
    assert!(
        matches!(
            beyond,
            Error::PositionBeyondHead {
                position: Position(12),
                head: Position(10)
            }
        ),
        "{beyond}"
    );
    let beyond = client
        .read_stream("order-1")
        .until_revision(99)
        .await
        .unwrap_err();
    assert!(
        matches!(
            beyond,
            Error::RevisionBeyondEnd {
                revision: Revision(99),
                ..
            }
        ),
        "{beyond}"
    );
    let beyond = client
        .read_stream("order-1")
        .until_revision(3)
        .from_revision(5)
        .await
        .unwrap_err();
    let end = Some(Revision(3));
    assert!(
        matches!(
            beyond,
            Error::RevisionBeyondEnd {
                revision: Revision(5),
                last_revision,
                ..
            } if last_revision == end
        ),
        "{beyond}"
    );
    let missing = client.read_stream("missing").until_revision(0).await.unwrap_err();
    assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");

    let mut stub = server.stub();
    let missing = stub
        .get_position_at_time(pb::GetPositionAtTimeRequest { time: None })
        .await;
    let refusal = Refusal::of(missing).expect(Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(refusal.field(), "time");
    let time = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
    for time in [
        time(0, -1),
        time(0, 1_000_000_000),
        time(i64::MAX, 0),
        time(i64::MIN, 0),
    ] {
        let at = stub.get_position_at_time(pb::GetPositionAtTimeRequest { time: Some(time) });
        let refusal = Refusal::of(at.await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), "time");
        let all = stub.read_all(pb::ReadAllRequest {
            until: Some(pb::read_all_request::Until::UntilTime(time)),
            ..Default::default()
        });
        let refusal = Refusal::of(all.await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), "until_time");
        let one = stub.read_stream(pb::ReadStreamRequest {
            stream: "order-1".to_owned(),
            until: Some(pb::read_stream_request::Until::UntilTime(time)),
            ..Default::default()
        });
        let refusal = Refusal::of(one.await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), "until_time");
    }
}

async fn people_read_the_past_on_the_command_line(server: Server) {
    let log = fill(&server.client()).await;
    let cli = Cli::of(&server);
    let as_of = log[29].recorded_at.to_string();
    let positions = |arguments: &[&str]| -> Vec<u64> {
        let lines = cli.run(arguments).expect_code(0).json_lines();
        lines
            .iter()
            .map(|line| line["position"].as_u64().unwrap())
            .collect()
    };
    let of = |stream: &str| -> Vec<u64> {
        let past = log[..30].iter().filter(|event| event.stream == stream);
        past.map(|event| event.position.0).collect()
    };
    assert_eq!(
        positions(&["read", "--all", "--as-of", &as_of]),
        (1..=30).collect::<Vec<_>>()
    );
    assert_eq!(positions(&["read", "order-1", "--as-of", &as_of]), of("order-1"));
    assert_eq!(
        positions(&["read", "order-1", "--until-revision", "2"]),
        of("order-1")[..3]
    );
    assert_eq!(
        positions(&[
            "read",
            "--all",
            "--until-position",
            "30",
            "--backwards",
            "--limit",
            "2"
        ]),
        [30, 29]
    );
    assert_eq!(positions(&["position-at", &as_of]), [30]);
    let shown = cli
        .run(["position-at", &as_of, "--format", "table"])
        .expect_code(0);
    assert_eq!(shown.stdout, "30\n");

    let early = log[0].recorded_at.to_string();
    let missing = cli.run(["read", "late", "--as-of", &early]).expect_code(3);
    assert!(missing.stderr.contains("does not exist"), "{}", missing.stderr);
    let _ = cli
        .run(["read", "order-1", "--until-revision", "99"])
        .expect_code(3);
    let nonsense = cli
        .run(["read", "order-1", "--as-of", "yesterday"])
        .expect_code(2);
    assert!(
        nonsense.stderr.contains("2026-01-02T03:04:05Z"),
        "{}",
        nonsense.stderr
    );
}

/// A log of twenty hours, one event per second, most of which is indexed on disk.
async fn a_day_is_read_as_of_any_second_also_after_a_restart(server: Server) {
    let mut server = Options::new(server.engine())
        .set("--accept-recorded-times", "true")
        .start();
    let seed = seed();
    let lines = sample::cases(72_000, seed);
    let file = server.folder().join("day.ndjson");
    sample::write_lines(&file, &lines);
    let cli = Cli::of(&server);
    let _ = cli
        .run([
            "import",
            file.to_str().unwrap(),
            "--keep-recorded-times",
            "--renumber",
            "--timeout",
            "60",
        ])
        .expect_code(0);
    let start: Timestamp = lines[0]["time"].as_str().unwrap().parse().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..2 {
        let client = server.client();
        assert_eq!(client.server_info().await.unwrap().head, 72_000);
        for n in 0..200_u64 {
            let second = match n {
                0 => 0,
                1 => 71_999,
                n if n % 3 == 0 => random.random_range(0..1_200) * 60,
                _ => random.random_range(0..72_000),
            };
            let exact = beside(start, second as i64 * 1_000_000);
            assert_eq!(
                client.position_at_time(exact).await.unwrap(),
                second + 1,
                "at {exact}"
            );
            let just_before = beside(exact, -1);
            assert_eq!(
                client.position_at_time(just_before).await.unwrap(),
                second,
                "at {just_before}"
            );
            if n % 20 == 0 {
                let stream = lines[second as usize]["stream"].as_str().unwrap();
                let events = client.read_stream(stream).until_time(exact).await.unwrap();
                let events = events.collect().await.unwrap();
                assert_eq!(events.last().unwrap().position, second + 1);
                let wanted = lines[..=second as usize]
                    .iter()
                    .filter(|line| line["stream"] == stream);
                assert_eq!(events.len(), wanted.count(), "{stream} at {exact}");
            }
        }
        server.restart();
    }
}
