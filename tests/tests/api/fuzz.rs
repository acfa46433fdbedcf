//! Random and mutated messages for every method, as bytes: each gets a response or an error that follows the
//! protocol, the server survives, and the log stays consistent. A bounded number, from a seed; `ANNALS_LONG=1` sends
//! many more.
//!
//! (Decoders of data on disk are fuzzed beside their code.)

use std::collections::HashMap;

use annals_client::{ExpectedRevision as Expected, Position, RecordedEvent, Revision};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{
        Refusal, Server, is_long,
        raw::{self, METHODS},
        sample::event,
        seed, within_patience,
    },
    on_every_engine,
};
use bytes::Bytes;
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tonic::{Code, Status};

on_every_engine!(whatever_is_sent_is_answered_in_the_terms_of_the_protocol);

/// Methods after which the log has gaps.
const LOSSY: [&str; 5] = [
    "SetRetention",
    "SetPrefixRetention",
    "DeleteStream",
    "TombstoneStream",
    "StartScavenge",
];
const STREAMS: [&str; 3] = ["order-1", "order-2", "none"];

async fn whatever_is_sent_is_answered_in_the_terms_of_the_protocol(server: Server) {
    let messages = if is_long() { 20_000 } else { 400 };
    let mut random = StdRng::seed_from_u64(seed());
    let client = server.client();
    client
        .append("order-1", Expected::Any, [event("A"), event("B")])
        .await
        .unwrap();
    client
        .append("order-2", Expected::Any, [event("A")])
        .await
        .unwrap();
    let channel = server.channel();
    let (lossy, others): (Vec<&str>, Vec<&str>) = METHODS.iter().partition(|method| LOSSY.contains(method));
    send(&channel, &others, messages, &mut random).await;
    // Events that were appended by chance are stored correctly.
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_dense(&log);
    send(&channel, &lossy, messages, &mut random).await;
    let left = client.read_all().await.unwrap().collect().await.unwrap();
    assert!(left.is_sorted_by(|a, b| a.position < b.position));
    // The server is alive, and has not panicked anywhere.
    let said = server.logs().since(0).join("\n");
    assert!(!said.contains("panicked"), "{said}");
    let head = client.server_info().await.unwrap().head;
    let appended = client
        .append("last", Expected::NoStream, [event("Z")])
        .await
        .unwrap();
    assert_eq!(appended.first_position, head.next());
}

/// Sends random messages to each method.
async fn send(channel: &tonic::transport::Channel, methods: &[&str], messages: u32, random: &mut StdRng) {
    for method in methods {
        let mut told: HashMap<String, u32> = HashMap::new();
        for _ in 0..messages {
            let message = message(method, random);
            let answer = within_patience(method, first_answer(channel, method, message.clone())).await;
            let ended = match answer {
                Ok(()) => "OK".to_owned(),
                Err(status) => {
                    judged(&status).unwrap_or_else(|why| panic!("{method} {message:?}: {why}: {status:?}"))
                }
            };
            *told.entry(ended).or_default() += 1;
        }
        println!("{method}: {told:?}");
        assert!(
            told.len() > 1 || *method == "GetServerInfo",
            "{method}: only {told:?}, which tests too little"
        );
    }
}

async fn first_answer(
    channel: &tonic::transport::Channel,
    method: &str,
    message: Bytes,
) -> Result<(), Status> {
    // Dropped after its first response, which cancels a subscription.
    raw::call(channel, method, message)
        .await?
        .message()
        .await
        .map(drop)
}

/// The reason of an error, if a bad request may cause it.
fn judged(status: &Status) -> Result<String, &'static str> {
    if status.details().is_empty() {
        return Err("an error without details");
    }
    let refusal = Refusal::of_status(status);
    let allowed = [
        (Code::InvalidArgument, "INVALID_FIELD"),
        (Code::InvalidArgument, "TOO_LARGE"),
        (Code::Aborted, "REVISION_CONFLICT"),
        (Code::Aborted, "EVENT_ID_CONFLICT"),
        (Code::Aborted, "CHECKS_FAILED"),
        (Code::NotFound, "STREAM_NOT_FOUND"),
        (Code::NotFound, "SNAPSHOT_NOT_FOUND"),
        (Code::OutOfRange, "POSITION_BEYOND_HEAD"),
        (Code::OutOfRange, "REVISION_BEYOND_END"),
        (Code::Aborted, "VERSION_CONFLICT"),
        (Code::FailedPrecondition, "STREAM_TOMBSTONED"),
    ];
    if allowed.contains(&(refusal.code, refusal.reason.as_str())) {
        Ok(refusal.reason)
    } else {
        Err("an error that no request should cause")
    }
}

fn message(method: &str, random: &mut StdRng) -> Bytes {
    let mut bytes = match random.random_range(0..20) {
        0 => (0..random.random_range(0..200))
            .map(|_| random.random())
            .collect(),
        // A request of another method, with the same field numbers.
        1 => some_request(METHODS.choose(random).expect("there are methods"), random),
        _ => some_request(method, random),
    };
    let mutations = *[0, 0, 0, 0, 1, 1, 2, 8]
        .choose(random)
        .expect("there are choices");
    for _ in 0..mutations {
        mutate(&mut bytes, random);
    }
    bytes.into()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut StdRng) {
    let at = random.random_range(0..=bytes.len());
    match random.random_range(0..6) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.random()),
        2 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        3 if at < bytes.len() => {
            bytes[at] = *[0, 0x7f, 0x80, 0xff].choose(random).expect("there are choices")
        }
        4 => {
            // Repeats a part somewhere else.
            let end = random.random_range(at..=bytes.len());
            let part = bytes[at..end].to_vec();
            let to = random.random_range(0..=bytes.len());
            bytes.splice(to..to, part);
        }
        // Numbers, and groups nested as deep as possible.
        _ => bytes.extend([0x0b].repeat(random.random_range(0..150))),
    }
}

/// An encoded request that is nearly valid.
fn some_request(method: &str, random: &mut StdRng) -> Vec<u8> {
    let stream = (*STREAMS.choose(random).expect("there are streams")).to_owned();
    let place = |random: &mut StdRng| {
        *[0, 1, 2, 3, 1 << 40, u64::MAX]
            .choose(random)
            .expect("there are places")
    };
    match method {
        "AppendToStream" => some_append(random).encode_to_vec(),
        "AppendToMany" => some_append_to_many(random).encode_to_vec(),
        "AppendPipeline" => {
            use pb::pipelined_append::Append;
            let append = |random: &mut StdRng| pb::PipelinedAppend {
                append: match random.random_range(0..10) {
                    0 => None,
                    1..4 => Some(Append::AppendToMany(some_append_to_many(random))),
                    _ => Some(Append::AppendToStream(some_append(random))),
                },
            };
            let appends = (0..random.random_range(0..4)).map(|_| append(random)).collect();
            pb::AppendPipelineRequest { appends }.encode_to_vec()
        }
        "ReadStream" => pb::ReadStreamRequest {
            stream,
            direction: random.random_range(-1..4),
            from_revision: random.random_bool(0.5).then(|| place(random)),
            limit: random.random_bool(0.5).then(|| place(random)),
            query: some_query(random),
            until: match random.random_range(0..4) {
                0 => Some(pb::read_stream_request::Until::UntilRevision(place(random))),
                1 => Some(pb::read_stream_request::Until::UntilTime(some_time(random))),
                _ => None,
            },
        }
        .encode_to_vec(),
        "ReadAll" => pb::ReadAllRequest {
            direction: random.random_range(-1..4),
            from_position: random.random_bool(0.5).then(|| place(random)),
            limit: random.random_bool(0.5).then(|| place(random)),
            query: some_query(random),
            until: match random.random_range(0..4) {
                0 => Some(pb::read_all_request::Until::UntilPosition(place(random))),
                1 => Some(pb::read_all_request::Until::UntilTime(some_time(random))),
                _ => None,
            },
        }
        .encode_to_vec(),
        "GetPositionAtTime" => pb::GetPositionAtTimeRequest {
            time: random.random_bool(0.9).then(|| some_time(random)),
        }
        .encode_to_vec(),
        "SaveSnapshot" => pb::SaveSnapshotRequest {
            stream,
            revision: place(random),
            schema_version: random.random_range(0..3),
            data: some_text(random).into(),
            keep: *[None, Some(0), Some(1), Some(100), Some(101)]
                .choose(random)
                .expect("there are choices"),
        }
        .encode_to_vec(),
        "LoadSnapshot" => pb::LoadSnapshotRequest {
            stream,
            at_or_before: random.random_bool(0.5).then(|| place(random)),
            schema_version: random.random_bool(0.5).then(|| random.random_range(0..3)),
        }
        .encode_to_vec(),
        "SubscribeAll" => pb::SubscribeAllRequest {
            start: random
                .random_bool(0.6)
                .then(|| pb::subscribe_all_request::Start::After(place(random))),
            query: some_query(random),
        }
        .encode_to_vec(),
        "SubscribeStream" => pb::SubscribeStreamRequest {
            stream,
            start: random
                .random_bool(0.6)
                .then(|| pb::subscribe_stream_request::Start::AfterRevision(place(random))),
            query: some_query(random),
        }
        .encode_to_vec(),
        "GetStream" => pb::GetStreamRequest { stream }.encode_to_vec(),
        "ListStreams" => pb::ListStreamsRequest {
            prefix: some_text(random),
            page_size: random.random_bool(0.9).then(|| random.random_range(0..2_000)),
            page_token: if random.random_bool(0.5) {
                String::new()
            } else {
                stream
            },
        }
        .encode_to_vec(),
        "SetRetention" => pb::SetRetentionRequest {
            stream,
            retention: random.random_bool(0.9).then(|| some_retention(random)),
            expected_version: random.random_bool(0.5).then(|| place(random)),
        }
        .encode_to_vec(),
        "GetRetention" => pb::GetRetentionRequest { stream }.encode_to_vec(),
        "SetPrefixRetention" => pb::SetPrefixRetentionRequest {
            prefix: if random.random_bool(0.5) {
                "order-".into()
            } else {
                some_text(random)
            },
            retention: random.random_bool(0.9).then(|| some_retention(random)),
            expected_version: random.random_bool(0.5).then(|| place(random)),
        }
        .encode_to_vec(),
        "GetPrefixRetention" => pb::GetPrefixRetentionRequest {
            prefix: some_text(random),
        }
        .encode_to_vec(),
        "ListPrefixRetentions" => pb::ListPrefixRetentionsRequest {
            page_size: random.random_bool(0.9).then(|| random.random_range(0..2_000)),
            page_token: if random.random_bool(0.5) {
                String::new()
            } else {
                stream
            },
        }
        .encode_to_vec(),
        "DeleteStream" => pb::DeleteStreamRequest {
            stream,
            expected: some_expected(random),
        }
        .encode_to_vec(),
        "TombstoneStream" => pb::TombstoneStreamRequest {
            stream,
            expected: some_expected(random),
        }
        .encode_to_vec(),
        _ => pb::GetServerInfoRequest {}.encode_to_vec(),
    }
}

fn some_time(random: &mut StdRng) -> prost_types::Timestamp {
    let seconds = [i64::MIN, -1, 0, 1_700_000_000, 4_000_000_000, i64::MAX];
    let nanos = [-1, 0, 1, 999_999_999, 1_000_000_000];
    prost_types::Timestamp {
        seconds: *seconds.choose(random).expect("there are seconds"),
        nanos: *nanos.choose(random).expect("there are nanoseconds"),
    }
}

fn some_retention(random: &mut StdRng) -> pb::Retention {
    pb::Retention {
        max_count: random.random_bool(0.5).then(|| random.random_range(0..5)),
        max_age: random.random_bool(0.3).then(|| prost_types::Duration {
            seconds: random.random_range(-1..1_000),
            nanos: i32::from(random.random_bool(0.1)),
        }),
        truncate_before: random.random_range(0..4),
    }
}

fn some_expected(random: &mut StdRng) -> Option<pb::ExpectedRevision> {
    use pb::expected_revision::Expected as Wire;
    let expected = [
        Some(Wire::Any(())),
        Some(Wire::NoStream(())),
        Some(Wire::StreamExists(())),
        Some(Wire::Revision(random.random_range(0..4))),
        None,
    ];
    random.random_bool(0.8).then(|| pb::ExpectedRevision {
        expected: *expected.choose(random).expect("there are choices"),
    })
}

fn some_append(random: &mut StdRng) -> pb::AppendToStreamRequest {
    let event = |random: &mut StdRng| pb::NewEvent {
        // Few of them, so that some are repeated.
        id: format!(
            "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b{:02x}",
            random.random_range(0..40)
        ),
        r#type: some_text(random),
        data: (0..random.random_range(0..40))
            .map(|_| random.random())
            .collect::<Vec<u8>>()
            .into(),
        metadata: Bytes::new(),
        tags: (0..random.random_range(0..3))
            .map(|_| some_text(random))
            .collect(),
        ..Default::default()
    };
    pb::AppendToStreamRequest {
        stream: (*STREAMS.choose(random).expect("there are streams")).to_owned(),
        expected: some_expected(random),
        events: (0..random.random_range(0..3)).map(|_| event(random)).collect(),
        recorded_at: None,
    }
}

fn some_append_to_many(random: &mut StdRng) -> pb::AppendToManyRequest {
    use pb::check::Check;
    let write = |random: &mut StdRng| {
        let append = some_append(random);
        pb::Write {
            stream: append.stream,
            events: append.events,
            expected: None,
        }
    };
    let check = |random: &mut StdRng| {
        let of = some_append(random);
        let check = match random.random_range(0..10) {
            0 => None,
            1..6 => Some(Check::Stream(pb::StreamCheck {
                stream: of.stream,
                expected: of.expected,
            })),
            _ => Some(Check::NoMatch(pb::NoMatchCheck {
                query: some_query(random),
                after: random.random_range(0..20),
            })),
        };
        pb::Check { check }
    };
    pb::AppendToManyRequest {
        writes: (0..random.random_range(0..4)).map(|_| write(random)).collect(),
        checks: (0..random.random_range(0..3)).map(|_| check(random)).collect(),
        ..pb::AppendToManyRequest::default()
    }
}

fn some_query(random: &mut StdRng) -> Option<pb::Query> {
    let texts = |random: &mut StdRng| {
        (0..random.random_range(0..2))
            .map(|_| some_text(random))
            .collect()
    };
    let item = |random: &mut StdRng| pb::QueryItem {
        types: texts(random),
        type_prefixes: texts(random),
        streams: texts(random),
        stream_prefixes: texts(random),
        tags: texts(random),
    };
    random.random_bool(0.6).then(|| pb::Query {
        items: (0..random.random_range(0..3)).map(|_| item(random)).collect(),
    })
}

fn some_text(random: &mut StdRng) -> String {
    let texts = if random.random_bool(0.9) {
        ["A", "B", "order-", "\u{e9}\u{1f4e6}"]
    } else {
        ["", "$", "a\nb", "\u{feff}"]
    };
    (*texts.choose(random).expect("there are texts")).to_owned()
}

fn assert_dense(log: &[RecordedEvent]) {
    let mut revisions: HashMap<&str, u64> = HashMap::new();
    for (position, event) in (1..).zip(log) {
        let revision = revisions.entry(&event.stream).or_default();
        assert_eq!(
            (event.position, event.revision),
            (Position(position), Revision(*revision)),
            "{event:?}"
        );
        *revision += 1;
    }
}
