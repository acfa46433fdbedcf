//! Descriptions of streams and of the server.

use annals_client::{Error, ExpectedRevision as Expected, Position, Revision};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Options, Server, sample::event},
    on_every_engine, on_every_engine_that_persists,
};

on_every_engine!(
    a_stream_is_described_as_it_is,
    streams_are_listed_in_the_order_of_their_names_bytes,
    pages_are_complete_and_do_not_overlap,
    a_server_tells_what_it_is,
    limits_that_were_set_are_told_and_in_force,
);
on_every_engine_that_persists!(a_store_keeps_its_identity_and_its_streams);

async fn a_stream_is_described_as_it_is(server: Server) {
    let client = server.client();
    assert!(
        matches!(client.stream_info("order-1").await, Err(Error::StreamNotFound { stream }) if stream == "order-1")
    );
    client.append("other", Expected::Any, [event("T")]).await.unwrap();
    let first = client
        .append("order-1", Expected::Any, [event("T"), event("T")])
        .await
        .unwrap();
    client.append("other", Expected::Any, [event("T")]).await.unwrap();
    client
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    let info = client.stream_info("order-1").await.unwrap();
    assert_eq!((info.name.as_str(), info.last_revision), ("order-1", Revision(2)));
    assert_eq!(
        (info.first_position, info.last_position),
        (Position(2), Position(5))
    );
    assert_eq!(info.created_at, first.recorded_at);
}

/// Names that sort in unexpected ways.
fn names() -> Vec<String> {
    let mut names: Vec<String> = (0..130).map(|n| format!("order-{n}")).collect();
    names.extend(
        [
            "Order",
            "a",
            "a-",
            "a b",
            "a/b",
            "a.b",
            "\u{e9}",
            "z\u{1f4e6}",
            "~",
            "a\u{ffff}",
            "a\u{10ffff}",
        ]
        .map(str::to_owned),
    );
    names.push("a".repeat(512));
    names
}

async fn listed(server: &Server, prefix: &str) -> Vec<String> {
    let mut streams = server.client().list_streams(prefix);
    let mut listed = Vec::new();
    while let Some(stream) = streams.next().await {
        listed.push(stream.unwrap().name);
    }
    listed
}

async fn fill(server: &Server) -> Vec<String> {
    let client = server.client();
    let mut names = names();
    for name in &names {
        client
            .append(name, Expected::NoStream, [event("T")])
            .await
            .unwrap();
    }
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    names
}

async fn streams_are_listed_in_the_order_of_their_names_bytes(server: Server) {
    let names = fill(&server).await;
    assert_eq!(listed(&server, "").await, names);
    for prefix in [
        "order-",
        "order-1",
        "a",
        "a-",
        "\u{e9}",
        "missing",
        &"a".repeat(512),
    ] {
        let expected: Vec<_> = names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .cloned()
            .collect();
        assert_eq!(listed(&server, prefix).await, expected, "{prefix:?}");
    }
}

async fn pages_are_complete_and_do_not_overlap(server: Server) {
    let names = fill(&server).await;
    let mut stub = server.stub();
    for (page_size, prefix) in [
        (Some(1), "a"),
        (Some(7), ""),
        (Some(130), "order-"),
        (Some(1_000), ""),
        (None, ""),
    ] {
        let (mut listed, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListStreamsRequest {
                prefix: prefix.to_owned(),
                page_size,
                page_token,
            };
            let page = stub.list_streams(request).await.unwrap().into_inner();
            let most = page_size.map_or(100, |size| size as usize);
            assert!(page.streams.len() <= most);
            listed.extend(page.streams.into_iter().map(|stream| stream.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let expected: Vec<_> = names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .cloned()
            .collect();
        assert_eq!(listed, expected, "{page_size:?} {prefix:?}");
    }
}

async fn a_server_tells_what_it_is(server: Server) {
    let client = server.client();
    let info = client.server_info().await.unwrap();
    assert_eq!(
        (info.engine.as_str(), info.version.as_str()),
        (server.engine().name(), env!("CARGO_PKG_VERSION"))
    );
    assert_eq!((info.head, info.indexed), (Position(0), Position(0)));
    assert_eq!(
        (info.limits.max_event_bytes, info.limits.max_append_bytes),
        (1 << 20, 4 << 20)
    );
    assert_eq!(
        (info.limits.max_append_events, info.limits.max_stream_name_bytes),
        (10_000, 512)
    );
    client
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    let later = client.server_info().await.unwrap();
    assert_eq!(
        (later.head, later.store_id, later.started_at),
        (Position(1), info.store_id, info.started_at)
    );
    assert!(later.started_at <= client.stream_info("order-1").await.unwrap().created_at);
    let another = Server::start(server.engine());
    assert_ne!(
        another.client().server_info().await.unwrap().store_id,
        info.store_id
    );
}

async fn limits_that_were_set_are_told_and_in_force(server: Server) {
    let options = Options::new(server.engine())
        .set("--max-event-bytes", "1KiB")
        .set("--max-append-bytes", "4KiB");
    let server = options.start();
    let client = server.client();
    let limits = client.server_info().await.unwrap().limits;
    assert_eq!((limits.max_event_bytes, limits.max_append_bytes), (1_024, 4_096));
    let sized = |bytes: usize| annals_client::Event::new("T", vec![0; bytes]);
    client
        .append("order-1", Expected::Any, [sized(1_024)])
        .await
        .unwrap();
    for events in [vec![sized(1_025)], (0..5).map(|_| sized(1_000)).collect()] {
        let refused = client.append("order-1", Expected::Any, events).await.unwrap_err();
        assert!(matches!(refused, Error::TooLarge(_)), "{refused}");
    }
}

async fn a_store_keeps_its_identity_and_its_streams(mut server: Server) {
    let names = fill(&server).await;
    let client = server.client();
    let (id, info) = (
        client.server_info().await.unwrap().store_id,
        client.stream_info("order-7").await.unwrap(),
    );
    for end in [Server::restart as fn(&mut Server), |server: &mut Server| {
        server.kill();
        server.start_again();
    }] {
        end(&mut server);
        let now = client.server_info().await.unwrap();
        assert_eq!((now.store_id, now.head), (id, Position(names.len() as u64)));
        assert_eq!(client.stream_info("order-7").await.unwrap(), info);
        assert_eq!(listed(&server, "").await, names);
    }
}
