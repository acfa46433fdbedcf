//! Queries, in every call that has one.

use annals_proto::v1 as pb;

use super::{assert_refused, queried};
use crate::grpc::{
    request::{read_all, read_stream, subscribe_all, subscribe_stream},
    status::Fault,
};

#[test]
fn each_bad_field_of_a_query_is_named_by_its_path_in_every_call_that_has_one() {
    for (query, field) in [
        (
            Some(pb::Query {
                items: vec![pb::QueryItem::default(); 65],
            }),
            "query.items",
        ),
        (
            queried(|item| item.types = vec!["T".into(); 1_001]),
            "query.items[1]",
        ),
        (
            queried(|item| item.types.push(String::new())),
            "query.items[1].types[1]",
        ),
        (
            queried(|item| item.types.push("t".repeat(257))),
            "query.items[1].types[1]",
        ),
        (
            queried(|item| item.type_prefixes.push(String::new())),
            "query.items[1].type_prefixes[0]",
        ),
        (
            queried(|item| item.streams.push("$".into())),
            "query.items[1].streams[0]",
        ),
        (
            queried(|item| item.stream_prefixes.push("\t".into())),
            "query.items[1].stream_prefixes[0]",
        ),
        (
            queried(|item| item.tags = vec!["a".into(), "t".repeat(257)]),
            "query.items[1].tags[1]",
        ),
    ] {
        let fault = Fault::Invalid;
        let stream = || "order-1".to_owned();
        let all = pb::ReadAllRequest {
            query: query.clone(),
            ..pb::ReadAllRequest::default()
        };
        assert_refused(read_all(all), field, fault);
        let one = pb::ReadStreamRequest {
            stream: stream(),
            query: query.clone(),
            ..Default::default()
        };
        assert_refused(read_stream(one), field, fault);
        assert_refused(
            subscribe_all(pb::SubscribeAllRequest {
                start: None,
                query: query.clone(),
            }),
            field,
            fault,
        );
        let one = pb::SubscribeStreamRequest {
            stream: stream(),
            start: None,
            query,
        };
        assert_refused(subscribe_stream(one), field, fault);
    }
}
