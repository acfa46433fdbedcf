//! A retry of an acknowledged append gets its first result, whatever happened to its events.

use annals_client::{
    Append, Appended, AppendedToMany, Client, Error, Event, ExpectedRevision as Expected, Position, Revision,
};
use annals_tests::{
    harness::{Server, sample::event},
    on_every_engine, on_every_engine_that_persists,
};

use super::log;

on_every_engine!(
    a_retry_is_recognised_after_a_deletion,
    a_retry_is_recognised_after_several_deletions,
    a_retry_is_recognised_after_a_tombstone,
    an_append_to_many_streams_is_recognised_after_a_deletion,
    an_id_is_used_by_one_append_unless_revisions_tell_them_apart,
);
on_every_engine_that_persists!(retries_are_recognised_when_the_server_was_killed);

/// An append and its first result.
struct Done {
    stream: &'static str,
    expected: Expected,
    events: Vec<Event>,
    result: Appended,
}

async fn append(client: &Client, stream: &'static str, expected: Expected, count: usize) -> Done {
    let events: Vec<Event> = (0..count).map(|_| event("T")).collect();
    let result = client.append(stream, expected, events.clone()).await.unwrap();
    assert!(!result.already_appended);
    Done {
        stream,
        expected,
        events,
        result,
    }
}

async fn are_recognised(client: &Client, done: &[Done]) {
    let head = client.server_info().await.unwrap().head;
    for done in done {
        let again = client
            .append(done.stream, done.expected, done.events.clone())
            .await
            .unwrap();
        let wanted = Appended {
            already_appended: true,
            ..done.result
        };
        assert_eq!(again, wanted, "{:?}", done.expected);
    }
    assert_eq!(
        client.server_info().await.unwrap().head,
        head,
        "nothing is written"
    );
}

/// One append of each kind to a stream without events; `next` is its next revision.
async fn each_kind(client: &Client, stream: &'static str, next: u64) -> Vec<Done> {
    vec![
        append(client, stream, Expected::NoStream, 2).await,
        append(client, stream, Expected::Exactly(Revision(next + 1)), 1).await,
        append(client, stream, Expected::Any, 2).await,
        append(client, stream, Expected::StreamExists, 1).await,
    ]
}

async fn a_retry_is_recognised_after_a_deletion(server: Server) {
    let client = server.client();
    let done = each_kind(&client, "order-1", 0).await;
    client.delete_stream("order-1", Expected::Any).await.unwrap();
    are_recognised(&client, &done).await;
    assert_eq!(log(&client).await, ["$stream-deleted"], "no event comes back");
    let missing = client.read_stream("order-1").await.unwrap_err();
    assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
}

async fn a_retry_is_recognised_after_several_deletions(server: Server) {
    let client = server.client();
    let mut done = Vec::new();
    for life in 0..4 {
        done.extend(each_kind(&client, "order-1", 6 * life).await);
        client.delete_stream("order-1", Expected::Any).await.unwrap();
    }
    are_recognised(&client, &done).await;
    append(&client, "order-1", Expected::NoStream, 1).await;
    are_recognised(&client, &done).await;
}

async fn a_retry_is_recognised_after_a_tombstone(server: Server) {
    let client = server.client();
    let done = each_kind(&client, "order-1", 0).await;
    client.tombstone_stream("order-1", Expected::Any).await.unwrap();
    are_recognised(&client, &done).await;
    for expected in [Expected::Any, Expected::NoStream, Expected::Exactly(Revision(5))] {
        let refused = client
            .append("order-1", expected, [event("T")])
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Error::StreamTombstoned { .. }),
            "{expected:?}: {refused}"
        );
    }
}

async fn an_append_to_many_streams_is_recognised_after_a_deletion(server: Server) {
    let client = server.client();
    let many = Append::new()
        .write("order-1", [event("A"), event("B")])
        .write("order-2", [event("C")])
        .expect_stream("order-1", Expected::NoStream);
    let first = client.append_to_many(many.clone()).await.unwrap();
    for stream in ["order-2", "order-1"] {
        client.delete_stream(stream, Expected::Any).await.unwrap();
        let again = client.append_to_many(many.clone()).await.unwrap();
        let wanted = AppendedToMany {
            already_appended: true,
            ..first.clone()
        };
        assert_eq!(again, wanted, "{stream} is deleted");
    }
}

async fn an_id_is_used_by_one_append_unless_revisions_tell_them_apart(server: Server) {
    let client = server.client();
    let [first, second] = [event("A"), event("B")];
    let append = |expected, events: Vec<Event>| client.append("order-1", expected, events);
    let begun = append(Expected::NoStream, vec![first.clone(), second.clone()])
        .await
        .unwrap();
    client.delete_stream("order-1", Expected::Any).await.unwrap();
    let other = append(Expected::NoStream, vec![first.clone(), event("C")])
        .await
        .unwrap_err();
    assert!(
        matches!(other, Error::EventIdConflict { id, position: Position(1), .. } if id == first.id),
        "{other}"
    );
    let new = append(Expected::NoStream, vec![second.clone()]).await.unwrap();
    assert_eq!(new.first_revision, begun.last_revision.next());
    // Retries of an append that expects a revision are detected by its place.
    let again = append(Expected::Exactly(Revision(2)), vec![second.clone()])
        .await
        .unwrap();
    assert_eq!(
        (again.first_revision, again.already_appended),
        (Revision(3), false)
    );
    let retried = append(Expected::Exactly(Revision(2)), vec![second])
        .await
        .unwrap();
    assert_eq!(
        (retried.first_revision, retried.already_appended),
        (Revision(3), true)
    );
}

async fn retries_are_recognised_when_the_server_was_killed(mut server: Server) {
    let client = server.client();
    let mut done = each_kind(&client, "order-1", 0).await;
    client.delete_stream("order-1", Expected::Any).await.unwrap();
    done.extend(each_kind(&client, "order-1", 6).await);
    client.delete_stream("order-1", Expected::Any).await.unwrap();
    for kills in [true, false] {
        if kills {
            server.kill();
            server.start_again();
        } else {
            server.restart();
        }
        are_recognised(&client, &done).await;
    }
}
