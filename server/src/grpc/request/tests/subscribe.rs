//! Subscriptions.

use annals_proto::v1::{self as pb, subscribe_all_request, subscribe_stream_request};
use annals_store::{Position, Revision, Start};

use crate::grpc::request::{subscribe_all, subscribe_stream};

#[test]
fn subscriptions_begin_where_they_are_told() {
    use subscribe_all_request::Start as All;
    use subscribe_stream_request::Start as Stream;

    for (start, meant) in [
        (None, Start::Beginning),
        (Some(All::After(0)), Start::Beginning),
        (Some(All::After(5)), Start::After(Position(5))),
        (Some(All::End(())), Start::End),
    ] {
        assert_eq!(
            subscribe_all(pb::SubscribeAllRequest { start, query: None })
                .unwrap()
                .start,
            meant
        );
    }
    for (start, meant) in [
        (None, Start::Beginning),
        (Some(Stream::AfterRevision(0)), Start::After(Revision(0))),
        (Some(Stream::End(())), Start::End),
    ] {
        let request = pb::SubscribeStreamRequest {
            stream: "order-1".into(),
            start,
            query: None,
        };
        assert_eq!(subscribe_stream(request).unwrap().start, meant);
    }
}
