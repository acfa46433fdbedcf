//! Appends to many streams, and the checks that decide whether they are written.

use annals_client::{
    Append, Error, ExpectedRevision as Expected, FailedCheck, Found, Position, QueryItem, Revision,
};
use annals_tests::{
    harness::{Server, next_event, sample::event},
    on_every_engine,
};

use super::{failed, places, read_all, revisions};

on_every_engine!(
    events_of_many_streams_stand_in_their_order_and_are_told_where,
    nothing_is_written_unless_every_check_holds,
    a_query_and_the_head_of_its_read_guard_a_decision,
    one_pipeline_takes_appends_to_one_and_to_many_streams,
);

async fn events_of_many_streams_stand_in_their_order_and_are_told_where(server: Server) {
    let client = server.client();
    let mut subscription = client.subscribe_all().await.unwrap();
    client.append("b", Expected::Any, [event("First")]).await.unwrap();
    let append = Append::new()
        .write("a", [event("A"), event("B")])
        .write("b", [event("C")])
        .write("a", [event("D")])
        .write("c", [event("E").with_tag("x")]);
    let appended = client.append_to_many(append).await.unwrap();
    assert_eq!(
        (appended.first_position, appended.last_position),
        (Position(2), Position(6))
    );
    assert_eq!(revisions(&appended), [("a", 0, 2), ("b", 1, 1), ("c", 0, 0)]);
    assert!(!appended.already_appended);
    let log = read_all(&client).await;
    let wanted = [
        ("b", 0, 1),
        ("a", 0, 2),
        ("a", 1, 3),
        ("b", 1, 4),
        ("a", 2, 5),
        ("c", 0, 6),
    ];
    assert_eq!(places(&log), wanted);
    assert!(
        log[1..]
            .iter()
            .all(|event| event.recorded_at == appended.recorded_at)
    );
    for event in &log {
        assert_eq!(next_event(&mut subscription).await, *event);
    }
    let of_a = client.read_stream("a").await.unwrap().collect().await.unwrap();
    assert_eq!(places(&of_a), [("a", 0, 2), ("a", 1, 3), ("a", 2, 5)]);
    let tagged = client
        .read_all()
        .query(QueryItem::new().tagged("x"))
        .await
        .unwrap();
    assert_eq!(places(&tagged.collect().await.unwrap()), [("c", 0, 6)]);
}

async fn nothing_is_written_unless_every_check_holds(server: Server) {
    let client = server.client();
    for kind in ["A", "B", "C"] {
        client
            .append("s", Expected::Any, [event(kind).with_tag("x")])
            .await
            .unwrap();
    }
    let append = || Append::new().write("a", [event("T")]).write("b", [event("T")]);
    let refused = [
        (append().expect_stream("a", Expected::StreamExists), 1),
        (append().expect_stream("b", Expected::Exactly(Revision(0))), 1),
        (append().expect_stream("s", Expected::NoStream), 1),
        (append().expect_stream("s", Expected::Exactly(Revision(1))), 1),
        (append().expect_stream("other", Expected::StreamExists), 1),
        (append().expect_no_match(QueryItem::new().tagged("x"), 2), 1),
        (append().expect_no_match(QueryItem::new().of_type("A"), 0), 1),
        (append().expect_no_match(annals_client::Query::all(), 2), 1),
        (
            append()
                .expect_stream("a", Expected::NoStream)
                .expect_stream("s", Expected::Exactly(Revision(2)))
                .expect_no_match(QueryItem::new().tagged("x").of_type("B"), 1)
                .expect_no_match(QueryItem::new().tagged("x").of_type("B"), 2)
                .expect_stream("b", Expected::StreamExists),
            2,
        ),
    ];
    for (append, count) in refused {
        assert_eq!(failed(client.append_to_many(append).await).len(), count);
    }
    assert_eq!(client.server_info().await.unwrap().head, 3, "nothing was written");
    for stream in ["a", "b"] {
        let read = client.stream_info(stream).await;
        assert!(matches!(read, Err(Error::StreamNotFound { .. })), "{read:?}");
    }
    let taken = append()
        .expect_stream("a", Expected::NoStream)
        .expect_stream("b", Expected::Any)
        .expect_stream("s", Expected::Exactly(Revision(2)))
        .expect_no_match(QueryItem::new().tagged("x").of_type("A"), 1)
        .expect_no_match(QueryItem::new().tagged("y"), 0)
        .expect_no_match(annals_client::Query::all(), 3);
    client.append_to_many(taken).await.unwrap();
}

/// A seat is booked only once, because each booking is conditional on all earlier events about the seat.
async fn a_query_and_the_head_of_its_read_guard_a_decision(server: Server) {
    let client = server.client();
    let about = |seat: &str| {
        QueryItem::new()
            .of_type("SeatBooked")
            .tagged(format!("seat:{seat}"))
    };
    let book = |seat: &str, head| {
        let booked = event("SeatBooked").with_tag(format!("seat:{seat}"));
        Append::new()
            .write(format!("booking-{seat}"), [booked])
            .expect_no_match(about(seat), head)
    };
    client
        .append("noise", Expected::Any, [event("Noise")])
        .await
        .unwrap();
    let mut heads = Vec::new();
    for seat in ["12A", "12B"] {
        let read = client.read_all().query(about(seat)).await.unwrap();
        heads.push(read.head());
        assert_eq!(read.collect().await.unwrap(), []);
    }
    // Events about other seats, or of another type, do not interfere.
    client.append_to_many(book("12A", heads[0])).await.unwrap();
    client
        .append("x", Expected::Any, [event("SeatCleaned").with_tag("seat:12B")])
        .await
        .unwrap();
    client.append_to_many(book("12B", heads[1])).await.unwrap();
    let again = failed(client.append_to_many(book("12A", heads[0])).await);
    assert_eq!(
        again,
        [FailedCheck {
            index: 0,
            found: Found::Match {
                after: Position(1),
                position: Position(2)
            }
        }]
    );
    let mut read = client.read_all().query(about("12A")).await.unwrap();
    assert_eq!(read.head(), 4);
    assert_eq!(read.next().await.unwrap().unwrap().position, 2);
    let beyond = client.append_to_many(book("12C", Position(5))).await;
    assert!(
        matches!(
            beyond,
            Err(Error::PositionBeyondHead {
                position: Position(5),
                head: Position(4)
            })
        ),
        "{beyond:?}"
    );
}

async fn one_pipeline_takes_appends_to_one_and_to_many_streams(server: Server) {
    let client = server.client();
    let pipeline = client.append_pipeline();
    let (mut ones, mut alls, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..100_u64 {
        let expected = n
            .checked_sub(1)
            .map_or(Expected::NoStream, |n| Expected::Exactly(Revision(2 * n + 1)));
        ones.push(pipeline.append("a", expected, [event("T")]).await.unwrap());
        // Each expects the results of the previous ones, which are still in flight.
        let all = || {
            Append::new()
                .write("b", [event("T")])
                .write("a", [event("T")])
                .expect_stream("a", Expected::Exactly(Revision(2 * n)))
        };
        alls.push(pipeline.append_to_many(all()).await.unwrap());
        refused.push(pipeline.append_to_many(all()).await.unwrap());
    }
    for (n, one) in (0..).zip(ones) {
        assert_eq!(one.await.unwrap().first_position, 3 * n + 1);
    }
    for (n, all) in (0..).zip(alls) {
        let all = all.await.unwrap();
        assert_eq!(
            (all.first_position, all.last_position),
            (Position(3 * n + 2), Position(3 * n + 3))
        );
        assert_eq!(revisions(&all), [("b", n, n), ("a", 2 * n + 1, 2 * n + 1)]);
    }
    for all in refused {
        assert_eq!(failed(all.await).len(), 1);
    }
}
