use annals_proto::v1::{self as pb, subscribe_all_response, subscribe_stream_response};
use annals_services::groups::ConsumerDelivery;
use annals_store::{Appended, Batch, EncodedEvent, Notice, Position, Revision, Timestamp};
use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{
    ConsumeResponse, Encode, PipelineResponse, ReadAllResponse, ReadStreamResponse, SubscriptionResponse,
};

fn events(count: u64, data_len: usize) -> Vec<pb::RecordedEvent> {
    (0..count)
        .map(|n| pb::RecordedEvent {
            id: format!("00000000-0000-0000-0000-{n:012}"),
            r#type: "Placed".to_owned(),
            data: vec![7; data_len].into(),
            stream: "order-1".to_owned(),
            revision: n,
            position: n + 1,
            ..pb::RecordedEvent::default()
        })
        .collect()
}

/// The events in the chunks that the store returns: one event in the first chunk, the others in the second.
fn chunks(events: &[pb::RecordedEvent]) -> Vec<Bytes> {
    let entries = |events: &[pb::RecordedEvent]| {
        Bytes::from(
            pb::EventBatch {
                events: events.to_vec(),
            }
            .encode_to_vec(),
        )
    };
    let first = events.len().min(1);
    vec![entries(&events[..first]), entries(&events[first..])]
}

fn encoded(answer: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    answer.encode(&mut out);
    assert_eq!(
        out.len(),
        answer.encoded_len(),
        "encoded_len is the number of bytes written"
    );
    out.freeze()
}

#[test]
fn a_read_of_the_log_decodes_as_the_protocol_says() {
    for (count, data_len, head) in [
        (0, 0, 0),
        (0, 0, 9),
        (1, 0, 1),
        (3, 5, 300),
        (100, 3_000, u64::MAX),
    ] {
        let events = events(count, data_len);
        let answer = ReadAllResponse {
            chunks: chunks(&events),
            head,
        };
        let decoded = pb::ReadAllResponse::decode(encoded(&answer)).unwrap();
        assert_eq!(decoded, pb::ReadAllResponse { events, head });
    }
}

#[test]
fn a_read_of_a_stream_decodes_as_the_protocol_says() {
    for (count, head, last_revision) in [(0, 0, 0), (1, 1, 0), (3, 300, 2), (2, u64::MAX, u64::MAX)] {
        let events = events(count, 10);
        let answer = ReadStreamResponse {
            chunks: chunks(&events),
            head,
            last_revision,
        };
        let decoded = pb::ReadStreamResponse::decode(encoded(&answer)).unwrap();
        assert_eq!(
            decoded,
            pb::ReadStreamResponse {
                events,
                head,
                last_revision
            }
        );
    }
}

#[test]
fn events_of_a_subscription_decode_as_the_protocol_says() {
    // Lengths on both sides of the point where their varint gets longer.
    for (count, data_len) in [(1, 0), (1, 60), (2, 100), (200, 500)] {
        let events = events(count, data_len);
        let chunks = chunks(&events);
        let bytes = chunks.iter().map(Bytes::len).sum();
        let notice = Notice::Events(Batch {
            chunks,
            events: events.len(),
            bytes,
        });
        let bytes = encoded(&SubscriptionResponse::from(notice));
        let batch = pb::EventBatch { events };
        let all = pb::SubscribeAllResponse::decode(bytes.clone()).unwrap();
        assert_eq!(
            all.content,
            Some(subscribe_all_response::Content::Events(batch.clone()))
        );
        let stream = pb::SubscribeStreamResponse::decode(bytes).unwrap();
        assert_eq!(
            stream.content,
            Some(subscribe_stream_response::Content::Events(batch))
        );
    }
}

#[test]
fn news_of_a_subscription_decode_as_the_protocol_says() {
    use subscribe_all_response::Content as All;
    use subscribe_stream_response::Content as Stream;

    for position in [0, 1, 300, u64::MAX] {
        let at = Position(position);
        let (caught_up, checkpoint) = (
            pb::CaughtUp {
                position,
                revision: Some(3),
            },
            pb::Checkpoint {
                position,
                revision: None,
            },
        );
        let fell_behind = pb::FellBehind {
            position,
            head: 77,
            revision: None,
        };
        for (notice, all, stream) in [
            (
                Notice::CaughtUp {
                    position: at,
                    revision: Some(Revision(3)),
                },
                All::CaughtUp(caught_up),
                Stream::CaughtUp(caught_up),
            ),
            (
                Notice::FellBehind {
                    position: at,
                    head: Position(77),
                    revision: None,
                },
                All::FellBehind(fell_behind),
                Stream::FellBehind(fell_behind),
            ),
            (
                Notice::Checkpoint {
                    position: at,
                    revision: None,
                },
                All::Checkpoint(checkpoint),
                Stream::Checkpoint(checkpoint),
            ),
        ] {
            let bytes = encoded(&SubscriptionResponse::from(notice));
            assert_eq!(
                pb::SubscribeAllResponse::decode(bytes.clone()).unwrap().content,
                Some(all)
            );
            assert_eq!(
                pb::SubscribeStreamResponse::decode(bytes).unwrap().content,
                Some(stream)
            );
        }
    }
}

#[test]
fn results_of_a_pipeline_are_written_as_the_protocols_own_encoder_writes_them() {
    let of = |number: u64, already_appended| Appended {
        first_revision: Revision(number),
        last_revision: Revision(number),
        others: Vec::new(),
        first_position: Position(number),
        last_position: Position(number),
        recorded_at: Timestamp::from_micros(number),
        already_appended,
        state_versions: Box::default(),
    };
    let appended = [of(0, false), of(1, false), of(300, true), of(u64::MAX, true)];
    let refused = pb::PipelinedResult {
        result: Some(pb::pipelined_result::Result::Error(tonic_types::pb::Status {
            code: 3,
            message: "no".to_owned(),
            details: Vec::new(),
        })),
    };
    let mut response = PipelineResponse::default();
    let mut expected = pb::AppendPipelineResponse::default();
    for appended in &appended {
        response.push_appended(appended);
        response.push(&refused);
        let result =
            pb::pipelined_result::Result::AppendedToStream(crate::grpc::response::appended(appended));
        expected
            .results
            .push(pb::PipelinedResult { result: Some(result) });
        expected.results.push(refused.clone());
    }
    assert_eq!(response.results(), expected.results.len());
    assert_eq!(encoded(&response), expected.encode_to_vec());
}

#[test]
fn deliveries_decode_as_the_message_of_the_protocol() {
    let events = events(3, 300);
    let delivery = |(n, event): (usize, &pb::RecordedEvent)| ConsumerDelivery {
        id: (1 << 40) + n as u64,
        attempt: n as u32 + 1,
        event: EncodedEvent::new(event.encode_to_vec().into()),
    };
    let response = ConsumeResponse::Deliveries(events.iter().enumerate().map(delivery).collect());
    let decoded = pb::ConsumeResponse::decode(encoded(&response)).unwrap();
    let expected = events.iter().enumerate().map(|(n, event)| pb::Delivery {
        id: (1 << 40) + n as u64,
        attempt: n as u32 + 1,
        event: Some(event.clone()),
    });
    let batch = pb::DeliveryBatch {
        deliveries: expected.collect(),
    };
    let content = Some(pb::consume_response::Content::Deliveries(batch));
    assert_eq!(decoded.content, content);

    let withdrawal = pb::Withdrawal {
        deliveries: vec![1, 2],
        reason: pb::WithdrawalReason::Nacked.into(),
    };
    let response = ConsumeResponse::Withdrawal(withdrawal.clone());
    let decoded = pb::ConsumeResponse::decode(encoded(&response)).unwrap();
    assert_eq!(
        decoded.content,
        Some(pb::consume_response::Content::Withdrawal(withdrawal))
    );
    let opened = pb::ConsumerOpened {
        active: true,
        ..Default::default()
    };
    let response = ConsumeResponse::Opened(opened.clone());
    let decoded = pb::ConsumeResponse::decode(encoded(&response)).unwrap();
    assert_eq!(
        decoded.content,
        Some(pb::consume_response::Content::Opened(opened))
    );
}
