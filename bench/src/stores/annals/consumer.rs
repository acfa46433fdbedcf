//! A consumer of an ordered group.

use annals_proto::v1 as pb;
use futures::FutureExt;
use pb::{consume_response::Content, group_service_client::GroupServiceClient};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use super::MESSAGE_BYTES_MAX;
use crate::{
    Error, Result,
    stores::{Consumer, Work},
};

const GROUP: &str = "bench";
/// Deliveries that a consumer holds at most.
const PERMITS: u64 = 1_000;

pub(super) struct AnnalsConsumer {
    requests: mpsc::Sender<pb::ConsumeRequest>,
    responses: Streaming<pb::ConsumeResponse>,
    /// Acks that are not sent, if the last call was dropped while it sent them.
    unsent: Option<pb::ConsumeRequest>,
}

/// Creates the group, if it does not exist.
pub(super) async fn create_group(channel: Channel) -> Result<()> {
    let create = pb::CreateGroupRequest {
        name: GROUP.to_owned(),
        // The definition of the group is an event of the log, too.
        settings: Some(pb::GroupSettings {
            query: Some(pb::Query {
                items: vec![pb::QueryItem {
                    type_prefixes: ('A'..='Z').map(String::from).collect(),
                    ..Default::default()
                }],
            }),
            ..Default::default()
        }),
        start: None,
    };
    let created = GroupServiceClient::new(channel).create_group(create).await;
    created.map(drop).map_err(Error::call("create a group"))
}

impl AnnalsConsumer {
    pub(super) async fn open(channel: Channel, nth: usize) -> Result<Self> {
        let (requests, sent) = mpsc::channel(16);
        let open = pb::ConsumeRequest {
            open: Some(pb::OpenConsumer {
                group: GROUP.to_owned(),
                consumer: format!("consumer-{nth}"),
                permits: PERMITS,
            }),
            ..Default::default()
        };
        let gone = |_| Error::wrong("consume", "the call has ended");
        requests.send(open).await.map_err(gone)?;
        let mut client = GroupServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let consuming = client.consume(ReceiverStream::new(sent)).await;
        Ok(Self {
            requests,
            responses: consuming.map_err(Error::call("consume"))?.into_inner(),
            unsent: None,
        })
    }
}

impl Consumer for AnnalsConsumer {
    fn next(&mut self) -> Work<'_, u64> {
        async move {
            loop {
                if let Some(unsent) = &self.unsent {
                    let count = unsent.acks.len() as u64;
                    let place = self.requests.reserve().await;
                    let place = place.map_err(|_| Error::wrong("consume", "the call has ended"))?;
                    place.send(self.unsent.take().unwrap_or_default());
                    return Ok(count);
                }
                let response = self.responses.message().await.map_err(Error::call("consume"))?;
                let Some(response) = response else {
                    return Err(Error::wrong("consume", "the call has ended"));
                };
                match response.content {
                    Some(Content::Deliveries(batch)) => {
                        let acks = batch.deliveries.iter().map(|delivery| delivery.id).collect();
                        self.unsent = Some(pb::ConsumeRequest {
                            acks,
                            ..Default::default()
                        });
                    }
                    Some(Content::Withdrawal(withdrawal)) => {
                        return Err(Error::wrong(
                            "consume",
                            format!("deliveries were withdrawn: {withdrawal:?}"),
                        ));
                    }
                    _ => {}
                }
            }
        }
        .boxed()
    }

    fn leave(self: Box<Self>) -> Work<'static, ()> {
        async move {
            let Self {
                requests,
                mut responses,
                ..
            } = *self;
            drop(requests);
            while responses
                .message()
                .await
                .map_err(Error::call("consume"))?
                .is_some()
            {}
            Ok(())
        }
        .boxed()
    }
}
