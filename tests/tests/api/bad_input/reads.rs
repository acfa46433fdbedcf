//! Invalid reads, subscriptions and listings, and those of missing streams.

use annals_proto::v1::{self as pb, subscribe_all_request, subscribe_stream_request};
use annals_tests::{
    harness::{Refusal, Server, Stub},
    on_every_engine,
};
use futures::future::BoxFuture;
use tonic::{Code, Status};

use super::standing::Standing;

on_every_engine!(
    what_does_not_exist_is_said_not_to,
    reads_that_are_wrong_are_told_by_field,
    listings_that_are_wrong_are_told_by_field,
    an_absurd_limit_returns_what_is_there,
    places_beyond_the_end_are_told_with_the_end,
);

async fn what_does_not_exist_is_said_not_to(server: Server) {
    let mut standing = Standing::new(server).await;
    let stub = &mut standing.stub;
    let read = stub
        .read_stream(pb::ReadStreamRequest {
            stream: "order-2".to_owned(),
            ..Default::default()
        })
        .await;
    let get = stub
        .get_stream(pb::GetStreamRequest {
            stream: "order-2".to_owned(),
        })
        .await;
    for refusal in [Refusal::of(read), Refusal::of(get)] {
        let refusal = refusal.expect(Code::NotFound, "STREAM_NOT_FOUND");
        let detail: pb::StreamNotFound = refusal.detail("annals.v1.StreamNotFound");
        assert_eq!(detail.stream, "order-2");
        assert!(refusal.message.contains("order-2"), "{}", refusal.message);
    }
    standing.assert_unchanged().await;
}

type Asked = BoxFuture<'static, Result<(), Status>>;

/// A call whose response does not matter.
fn ask<T: 'static>(call: impl Future<Output = Result<tonic::Response<T>, Status>> + Send + 'static) -> Asked {
    Box::pin(async move { call.await.map(drop) })
}

/// Calls with a changed request.
struct Calls<'a>(&'a Stub);

impl Calls<'_> {
    fn read_all(&self, change: impl FnOnce(&mut pb::ReadAllRequest)) -> Asked {
        let (mut stub, mut request) = (self.0.clone(), pb::ReadAllRequest::default());
        change(&mut request);
        ask(async move { stub.read_all(request).await })
    }

    fn read_stream(&self, change: impl FnOnce(&mut pb::ReadStreamRequest)) -> Asked {
        let mut request = pb::ReadStreamRequest {
            stream: "order-1".to_owned(),
            ..Default::default()
        };
        change(&mut request);
        let mut stub = self.0.clone();
        ask(async move { stub.read_stream(request).await })
    }

    fn subscribe_all(&self, change: impl FnOnce(&mut pb::SubscribeAllRequest)) -> Asked {
        let (mut stub, mut request) = (self.0.clone(), pb::SubscribeAllRequest::default());
        change(&mut request);
        ask(async move { stub.subscribe_all(request).await })
    }

    fn subscribe_stream(&self, change: impl FnOnce(&mut pb::SubscribeStreamRequest)) -> Asked {
        let (mut stub, mut request) = (self.0.clone(), pb::SubscribeStreamRequest::default());
        change(&mut request);
        ask(async move { stub.subscribe_stream(request).await })
    }

    fn list(&self, change: impl FnOnce(&mut pb::ListStreamsRequest)) -> Asked {
        let (mut stub, mut request) = (self.0.clone(), pb::ListStreamsRequest::default());
        change(&mut request);
        ask(async move { stub.list_streams(request).await })
    }
}

fn query(change: impl FnOnce(&mut pb::QueryItem)) -> Option<pb::Query> {
    let mut item = pb::QueryItem::default();
    change(&mut item);
    Some(pb::Query { items: vec![item] })
}

async fn assert_told_by_field<const N: usize>(cases: [(Asked, &str); N]) {
    for (number, (asked, field)) in cases.into_iter().enumerate() {
        let refusal = Refusal::of(asked.await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field, "case {number}: {}", refusal.message);
    }
}

async fn reads_that_are_wrong_are_told_by_field(server: Server) {
    let standing = Standing::new(server).await;
    let calls = Calls(&standing.stub);
    let names = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let many_items = Some(pb::Query {
        items: vec![pb::QueryItem::default(); 65],
    });
    let many_names = query(|item| item.types = names(1_001));
    let no_tag = query(|item| item.tags = vec![String::new()]);
    let long_prefix = query(|item| item.stream_prefixes = vec!["x".repeat(513)]);
    assert_told_by_field([
        (calls.read_all(|read| read.limit = Some(0)), "limit"),
        (
            calls.read_all(|read| read.from_position = Some(0)),
            "from_position",
        ),
        (calls.read_all(|read| read.direction = 3), "direction"),
        (calls.read_all(|read| read.direction = -1), "direction"),
        (calls.read_all(|read| read.query = many_items), "query.items"),
        (calls.read_all(|read| read.query = many_names), "query.items[0]"),
        (
            calls.read_all(|read| read.query = no_tag),
            "query.items[0].tags[0]",
        ),
        (calls.read_stream(|read| read.limit = Some(0)), "limit"),
        (calls.read_stream(|read| read.stream = String::new()), "stream"),
        (calls.read_stream(|read| read.direction = 77), "direction"),
        (
            calls.subscribe_all(|to| to.query = long_prefix),
            "query.items[0].stream_prefixes[0]",
        ),
        (calls.subscribe_stream(|_| {}), "stream"),
    ])
    .await;
    standing.assert_unchanged().await;
}

async fn listings_that_are_wrong_are_told_by_field(server: Server) {
    let standing = Standing::new(server).await;
    let calls = Calls(&standing.stub);
    let of_another_prefix = |list: &mut pb::ListStreamsRequest| {
        (list.prefix, list.page_token) = ("a".to_owned(), "b".to_owned());
    };
    assert_told_by_field([
        (calls.list(|list| list.page_size = Some(0)), "page_size"),
        (calls.list(|list| list.page_size = Some(1_001)), "page_size"),
        (calls.list(|list| list.page_size = Some(u32::MAX)), "page_size"),
        (calls.list(|list| list.prefix = "x".repeat(513)), "prefix"),
        (
            calls.list(|list| list.page_token = "\u{1}".to_owned()),
            "page_token",
        ),
        (calls.list(of_another_prefix), "page_token"),
    ])
    .await;
    standing.assert_unchanged().await;
}

async fn an_absurd_limit_returns_what_is_there(server: Server) {
    let mut standing = Standing::new(server).await;
    let absurd = pb::ReadAllRequest {
        limit: Some(u64::MAX),
        ..Default::default()
    };
    let mut parts = standing.stub.read_all(absurd).await.unwrap().into_inner();
    assert_eq!(parts.message().await.unwrap().unwrap().events.len(), 3);
    standing.assert_unchanged().await;
}

async fn places_beyond_the_end_are_told_with_the_end(server: Server) {
    let standing = Standing::new(server).await;
    let calls = Calls(&standing.stub);
    for position in [5, u64::MAX] {
        let after = subscribe_all_request::Start::After(position);
        let read = calls.read_all(|read| read.from_position = Some(position));
        for asked in [read, calls.subscribe_all(|to| to.start = Some(after))] {
            let refusal = Refusal::of(asked.await).expect(Code::OutOfRange, "POSITION_BEYOND_HEAD");
            let detail: pb::PositionBeyondHead = refusal.detail("annals.v1.PositionBeyondHead");
            assert_eq!(detail, pb::PositionBeyondHead { position, head: 3 });
        }
    }
    let cases = [
        ("order-1", 4, Some(2)),
        ("order-1", u64::MAX, Some(2)),
        ("none", 0, None),
    ];
    for (stream, revision, last_revision) in cases {
        let mut asked = vec![calls.subscribe_stream(|to| {
            to.stream = stream.to_owned();
            to.start = Some(subscribe_stream_request::Start::AfterRevision(revision));
        })];
        if last_revision.is_some() {
            asked.push(calls.read_stream(|read| read.from_revision = Some(revision)));
        }
        for asked in asked {
            let refusal = Refusal::of(asked.await).expect(Code::OutOfRange, "REVISION_BEYOND_END");
            let detail: pb::RevisionBeyondEnd = refusal.detail("annals.v1.RevisionBeyondEnd");
            let (told, last_told) = (detail.revision, detail.last_revision);
            assert_eq!(
                (detail.stream.as_str(), told, last_told),
                (stream, revision, last_revision)
            );
        }
    }
    standing.assert_unchanged().await;
}
