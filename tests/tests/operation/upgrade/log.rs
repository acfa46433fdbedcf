//! The log as it must be returned: each event in the bytes in which it was first read.

use std::collections::BTreeMap;

use annals_proto::v1 as pb;
use annals_tests::harness::{Server, Version, within_patience};
use bytes::Bytes;
use prost::Message;

use super::client::{self, Recorded};

/// An event of the log.
#[derive(Clone, Debug)]
pub struct Kept {
    pub bytes: Bytes,
    pub event: Recorded,
}

impl Kept {
    /// Decodes an event, and checks the fields of newer versions, except who wrote it.
    pub fn of(bytes: &Bytes) -> Self {
        let event = Recorded::decode(bytes.clone()).unwrap();
        let is_setting = event.stream.starts_with('$');
        assert!(
            is_setting || event.data == event.number.to_string(),
            "the client's field is lost: {event:?}"
        );
        assert!(
            event.newer.is_empty() || event.newer == format!("at {}", event.position),
            "{event:?}"
        );
        Self {
            bytes: bytes.clone(),
            event,
        }
    }

    /// The version of the server that wrote it.
    pub fn writer(&self) -> Version {
        match self.event.newer.as_str() {
            "" => Version::Current,
            _ => Version::Newer,
        }
    }
}

/// The events of a log, by position.
#[derive(Debug, Default)]
pub struct Log(pub BTreeMap<u64, Kept>);

impl Log {
    /// Reads the events after those that are known, and adds them. Returns the versions that wrote them.
    pub async fn extend(&mut self, server: &Server) -> Vec<Version> {
        let known = self.0.last_key_value().map_or(0, |(position, _)| *position);
        let request = pb::ReadAllRequest {
            from_position: Some(known + 1),
            ..Default::default()
        };
        let mut writers = Vec::new();
        for bytes in client::read_all(&server.channel(), request).await {
            let kept = Kept::of(&bytes);
            writers.push(kept.writer());
            assert!(self.0.insert(kept.event.position, kept).is_none());
        }
        writers
    }

    /// The events that are chosen, in order.
    fn chosen(&self, choose: impl Fn(&Recorded) -> bool) -> Vec<Bytes> {
        let chosen = self.0.values().filter(|kept| choose(&kept.event));
        chosen.map(|kept| kept.bytes.clone()).collect()
    }

    /// Checks that this server returns exactly these events: from the log, a stream, the index and a subscription.
    pub async fn check(&self, server: &Server, stream: &str, what: &str) {
        let channel = server.channel();
        let check = |found: Vec<Bytes>, expected: Vec<Bytes>, call: &str| {
            let differs = found
                .iter()
                .zip(&expected)
                .position(|(found, expected)| found != expected);
            if let Some(at) = differs {
                panic!("{what}, {call}: {:?} is now {:?}", expected[at], found[at]);
            }
            assert_eq!(found.len(), expected.len(), "{what}, {call}");
        };
        let all = client::read_all(&channel, pb::ReadAllRequest::default()).await;
        check(all, self.chosen(|_| true), "ReadAll");
        let one = client::read_stream(&channel, stream).await;
        check(one, self.chosen(|event| event.stream == stream), "ReadStream");
        let tag = client::tag(7);
        let tagged = pb::ReadAllRequest {
            query: Some(pb::Query {
                items: vec![pb::QueryItem {
                    tags: vec![tag.clone()],
                    ..Default::default()
                }],
            }),
            ..Default::default()
        };
        let tagged = client::read_all(&channel, tagged).await;
        check(
            tagged,
            self.chosen(|event| event.tags.contains(&tag)),
            "ReadAll with a query",
        );
        let mut delivered = Vec::new();
        let subscription = client::subscribe(&channel, 0, true, |event| delivered.push(event));
        within_patience("a subscription", subscription).await.unwrap();
        check(delivered, self.chosen(|_| true), "SubscribeAll");
    }
}
