//! Lists of streams.

use annals_proto::v1 as pb;

use super::assert_refused;
use crate::grpc::{request::list_streams, status::Fault};

#[test]
fn pages_of_streams_have_a_size_and_a_token_of_their_own_listing() {
    let fault = Fault::Invalid;
    let request = |prefix: &str, page_size, token: &str| pb::ListStreamsRequest {
        prefix: prefix.into(),
        page_size,
        page_token: token.into(),
    };
    assert_eq!(list_streams(request("", None, "")).unwrap().limit, 100);
    assert_eq!(
        list_streams(request("order-", Some(1_000), "")).unwrap().limit,
        1_000
    );
    let page = list_streams(request("order-", Some(1), "order-1")).unwrap();
    assert_eq!(page.after.unwrap().as_str(), "order-1");
    assert_refused(list_streams(request("", Some(1_001), "")), "page_size", fault);
    assert_refused(list_streams(request("", Some(u32::MAX), "")), "page_size", fault);
    assert_refused(list_streams(request("a\nb", Some(1), "")), "prefix", fault);
    for prefix in ["$", "$$", "$$order-"] {
        // System streams.
        let page = list_streams(request(prefix, Some(1), "$$order-1")).unwrap();
        assert_eq!(
            (page.prefix.as_str(), page.after.unwrap().as_str()),
            (prefix, "$$order-1")
        );
    }
    assert_refused(
        list_streams(request(&"p".repeat(513), Some(1), "")),
        "prefix",
        fault,
    );
    assert_refused(
        list_streams(request("order-", Some(1), "cart-1")),
        "page_token",
        fault,
    );
    assert_refused(list_streams(request("", Some(1), "\n")), "page_token", fault);
}
