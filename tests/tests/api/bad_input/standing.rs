//! Checks that bad input has changed nothing.

use annals_client::ExpectedRevision as Expected;
use annals_proto::v1 as pb;
use annals_tests::harness::{Server, Stub, sample::event};

/// A server with one stream of three events, which must be unchanged afterwards.
pub struct Standing {
    pub server: Server,
    pub stub: Stub,
}

impl Standing {
    pub async fn new(server: Server) -> Self {
        let events = [event("A"), event("B"), event("C")];
        server
            .client()
            .append("order-1", Expected::NoStream, events)
            .await
            .unwrap();
        Self {
            stub: server.stub(),
            server,
        }
    }

    /// Checks that nothing was written, and that the same connection and a new one still work.
    pub async fn assert_unchanged(mut self) {
        let read = |mut stub: Stub| async move {
            let mut parts = stub
                .read_all(pb::ReadAllRequest::default())
                .await
                .unwrap()
                .into_inner();
            let part = parts.message().await.unwrap().unwrap();
            (
                part.head,
                part.events
                    .into_iter()
                    .map(|event| event.r#type)
                    .collect::<Vec<_>>(),
            )
        };
        let standing = (3, ["A", "B", "C"].map(str::to_owned).to_vec());
        assert_eq!(read(self.stub.clone()).await, standing);
        assert_eq!(read(self.server.stub()).await, standing);
        let request = append("order-1", vec![event("D").into()]);
        let appended = self.stub.append_to_stream(request).await.unwrap().into_inner();
        assert_eq!((appended.first_revision, appended.first_position), (3, 4));
    }
}

pub fn append(stream: &str, events: Vec<pb::NewEvent>) -> pb::AppendToStreamRequest {
    pb::AppendToStreamRequest {
        stream: stream.to_owned(),
        expected: None,
        events,
        recorded_at: None,
    }
}

pub fn new_event() -> pb::NewEvent {
    event("T").into()
}
