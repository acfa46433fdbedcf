//! Retries of appends.

use annals_client::{
    Append, AppendedToMany, Client, Error, ExpectedRevision as Expected, QueryItem, Revision,
};
use annals_tests::{
    harness::{Server, sample::event},
    on_every_engine, on_every_engine_that_persists,
};

on_every_engine!(an_append_that_is_sent_again_gets_its_first_result,);
on_every_engine_that_persists!(
    what_was_sent_again_is_recognised_after_a_restart,
    what_was_sent_again_is_recognised_after_being_killed,
);

/// Appends whose own events violate their expectations, one for each way in which a retry is detected.
fn repeatable() -> Vec<Append> {
    let tagged = |tag: &str| event("T").with_tag(tag);
    vec![
        // Without an expectation for the first stream.
        Append::new()
            .write("any", [event("T")])
            .write("s", [event("T")])
            .expect_stream("s", Expected::Exactly(Revision(0))),
        Append::new()
            .write("s", [event("T")])
            .write("exists", [event("T")])
            .expect_stream("s", Expected::StreamExists)
            .expect_stream("exists", Expected::NoStream),
        Append::new()
            .write("none", [event("T"), event("T")])
            .write("s", [event("T")])
            .write("none", [event("T")])
            .expect_stream("none", Expected::NoStream)
            .expect_stream("s", Expected::Exactly(Revision(2))),
        Append::new()
            .write("s", [event("T")])
            .write("exactly", [event("T")])
            .expect_stream("s", Expected::Exactly(Revision(3))),
        Append::new()
            .write("query", [tagged("x"), tagged("y")])
            .expect_no_match(QueryItem::new().tagged("x"), 1),
        Append::new()
            .write("query-none", [tagged("z")])
            .expect_stream("query-none", Expected::NoStream)
            .expect_no_match(QueryItem::new().tagged("z"), 0),
    ]
}

async fn written(client: &Client, appends: &[Append]) -> Vec<AppendedToMany> {
    client.append("s", Expected::Any, [event("T")]).await.unwrap();
    let mut first = Vec::new();
    for append in appends {
        let appended = client.append_to_many(append.clone()).await.unwrap();
        assert!(!appended.already_appended);
        first.push(AppendedToMany {
            already_appended: true,
            ..appended
        });
    }
    first
}

async fn an_append_that_is_sent_again_gets_its_first_result(server: Server) {
    let client = server.client();
    let appends = repeatable();
    let first = written(&client, &appends).await;
    let head = client.server_info().await.unwrap().head;
    for _ in 0..2 {
        for (append, first) in appends.iter().zip(&first) {
            assert_eq!(client.append_to_many(append.clone()).await.unwrap(), *first);
        }
        client.append("s", Expected::Any, [event("Later")]).await.unwrap();
    }
    assert_eq!(client.server_info().await.unwrap().head, head.0 + 2);
    // The first of its ids, but without the events that were sent with it.
    let one = event("T");
    let append = Append::new().write("u", [one.clone()]).write("v", [event("T")]);
    client.append_to_many(append).await.unwrap();
    for differs in [
        Append::new().write("u", [one.clone()]),
        Append::new().write("u", [one.clone()]).write("v", [event("T")]),
        Append::new().write("w", [one.clone()]),
    ] {
        let refused = client.append_to_many(differs).await;
        assert!(
            matches!(refused, Err(Error::EventIdConflict { .. })),
            "{refused:?}"
        );
    }
}

async fn what_was_sent_again_is_recognised_after_a_restart(server: Server) {
    recognises(server, Server::restart).await;
}

async fn what_was_sent_again_is_recognised_after_being_killed(server: Server) {
    recognises(server, |server| {
        server.kill();
        server.start_again();
    })
    .await;
}

async fn recognises(mut server: Server, end_and_start: fn(&mut Server)) {
    let client = server.client();
    let appends = repeatable();
    let first = written(&client, &appends).await;
    for _ in 0..2 {
        end_and_start(&mut server);
        for (append, first) in appends.iter().zip(&first) {
            assert_eq!(client.append_to_many(append.clone()).await.unwrap(), *first);
        }
    }
}
