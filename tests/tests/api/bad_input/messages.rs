//! Bytes that are not messages, and frames that are not frames.

use annals_tests::{
    harness::{
        Refusal, Server,
        raw::{self, METHODS, SERVICE},
    },
    on_every_engine,
};
use bytes::Bytes;
use prost::Message;
use tonic::{Code, Status};

use super::standing::{Standing, append};

on_every_engine!(
    text_that_is_not_utf8_is_told_by_field,
    frames_that_are_no_frames_are_refused
);

/// Methods for which an empty message is valid, or whose request has no fields.
const EMPTY: [&str; 7] = [
    "GetServerInfo",
    "ReadAll",
    "ListStreams",
    "AppendPipeline",
    "StartScavenge",
    "StopScavenge",
    "GetScavenge",
];

/// The first response to a message of bytes.
async fn first_answer(
    channel: &tonic::transport::Channel,
    method: &str,
    message: Vec<u8>,
) -> Result<(), Status> {
    let mut answers = raw::call(channel, method, Bytes::from(message)).await?;
    answers.message().await.map(drop)
}

async fn text_that_is_not_utf8_is_told_by_field(server: Server) {
    let standing = Standing::new(server).await;
    let channel = standing.server.channel();
    // An encoded bytes field with its number and its length.
    let field =
        |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let bad = b"\xff\xfe";
    let event = |inner: Vec<u8>| [field(1, b"order-1"), field(3, &inner)].concat();
    let to_stream = |append: Vec<u8>| field(1, &field(1, &append));
    let cases = [
        ("AppendToStream", field(1, bad), "stream"),
        ("AppendToStream", event(field(2, bad)), "events[0].type"),
        ("AppendToStream", event(field(1, bad)), "events[0].id"),
        (
            "AppendToStream",
            event([field(2, b"T"), field(5, bad)].concat()),
            "events[0].tags",
        ),
        (
            "AppendPipeline",
            to_stream(field(1, bad)),
            "appends.append.append_to_stream.stream",
        ),
        ("ReadStream", field(1, bad), "stream"),
        (
            "ReadAll",
            field(4, &field(1, &field(2, bad))),
            "query.items.type_prefixes",
        ),
        (
            "SubscribeAll",
            field(3, &field(1, &field(5, bad))),
            "query.items.tags",
        ),
        ("SubscribeStream", field(1, bad), "stream"),
        ("GetStream", field(1, bad), "stream"),
        ("ListStreams", field(1, bad), "prefix"),
        ("SaveSnapshot", field(1, bad), "stream"),
        ("LoadSnapshot", field(1, bad), "stream"),
    ];
    for (method, message, path) in cases {
        let refusal = Refusal::of(first_answer(&channel, method, message).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        // Where prost names the oneof as well as its field, either path is accepted.
        let told = refusal.field();
        let same = told == path || told == path.replace("append.append_to_stream", "append");
        assert!(
            same || path.ends_with(&told) && !told.is_empty(),
            "{method}: {told:?} instead of {path:?}"
        );
    }
    standing.assert_unchanged().await;
}

async fn frames_that_are_no_frames_are_refused(server: Server) {
    let standing = Standing::new(server).await;
    let channel = standing.server.channel();
    let grpc = "application/grpc";
    let whole = raw::framed(&append("order-1", vec![]).encode_to_vec());
    let mut compressed = whole.clone();
    compressed[0] = 1;
    let mut flags = whole.clone();
    flags[0] = 0xff;
    let longer_than_it_is = vec![0, 0, 0, 1, 0, 1, 2, 3];
    let four_gigabytes = vec![0, 0xff, 0xff, 0xff, 0xff, 1];
    let twice = [&whole[..], &whole].concat();
    let bodies = [
        Vec::new(),
        vec![0],
        vec![0, 0, 0],
        compressed,
        flags,
        longer_than_it_is,
        four_gigabytes,
        twice,
    ];
    for method in METHODS {
        for body in &bodies {
            if method.starts_with("Subscribe") && body.len() > 20 {
                // An accepted subscription has no end to wait for.
                continue;
            }
            if ["DeleteStream", "TombstoneStream"].contains(&method) && body.len() == 2 * whole.len() {
                // They would succeed, since the second message is not read.
                continue;
            }
            let path = format!("/{SERVICE}/{method}");
            let answer = raw::post(&channel, &path, grpc, Bytes::from(body.clone()))
                .await
                .unwrap();
            let code = answer
                .grpc_code()
                .unwrap_or_else(|| panic!("{method} {body:?}: no status: {answer:?}"));
            assert_ne!(code, Code::Unknown, "{method} {body:?}: {answer:?}");
            // These have no field that could be wrong in this message; and of two messages, the second is not read.
            let may_succeed = EMPTY.contains(&method)
                || (body.len() == 2 * whole.len()
                    && [
                        "ReadStream",
                        "GetStream",
                        "SaveSnapshot",
                        "LoadSnapshot",
                        "GetRetention",
                        "GetPrefixRetention",
                    ]
                    .contains(&method));
            assert!(code != Code::Ok || may_succeed, "{method} {body:?}: {answer:?}");
        }
    }
    for path in [
        "/",
        "/annals.v1.EventStoreService/Sing",
        "/annals.v2.EventStoreService/ReadAll",
        "/x/y/z",
    ] {
        let answer = raw::post(&channel, path, grpc, Bytes::from(whole.clone()))
            .await
            .unwrap();
        assert_eq!(
            answer.grpc_code(),
            Some(Code::Unimplemented),
            "{path}: {answer:?}"
        );
    }
    for content_type in ["text/plain", "application/json", ""] {
        let path = format!("/{SERVICE}/GetServerInfo");
        // Not gRPC: any response is acceptable that the connection survives.
        let _ = raw::post(&channel, &path, content_type, Bytes::from(whole.clone())).await;
    }
    standing.assert_unchanged().await;
}
