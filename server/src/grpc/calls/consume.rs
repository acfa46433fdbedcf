//! Consumers of groups: deliveries in one direction, settlements in the other.
//!
//! The consumer of a group that this server leads is one stream that its connection polls. One that does not read its
//! deliveries is not polled, so its messages are not read either. A consumer of a group that another server leads is
//! passed through.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use annals_proto::v1 as pb;
use annals_services::groups::{
    Consumer, ConsumerMessage, Error as GroupError, GroupSettings, Settler, WithdrawalReason,
};
use futures::{Stream, StreamExt, stream};
use tonic::{Request, Status, Streaming};

use crate::{
    forwarding::LeaderClient,
    grpc::{
        request, response,
        status::{self, Refusal},
        wire::raw::ConsumeResponse,
    },
};

/// The responses to a consumer.
pub(crate) struct Consuming(Pin<Box<dyn Stream<Item = Result<ConsumeResponse, Status>> + Send>>);

impl Stream for Consuming {
    type Item = Result<ConsumeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// A consumer whose call is open.
struct Open {
    group: String,
    consumer: Consumer,
    settler: Settler,
    requests: Streaming<pb::ConsumeRequest>,
}

impl Consuming {
    /// Returns the responses to a consumer of a group that this server leads.
    pub(super) fn here(group: String, consumer: Consumer, requests: Streaming<pb::ConsumeRequest>) -> Self {
        let first = opened(consumer.settings(), consumer.is_active());
        let open = Open {
            group,
            settler: consumer.settler(),
            consumer,
            requests,
        };
        let rest = stream::try_unfold(Some(open), async |open| match open {
            Some(open) => open.next().await,
            None => Ok(None),
        });
        Self(Box::pin(stream::once(async { Ok(first) }).chain(rest)))
    }
}

impl Open {
    /// Returns the next response. Settles deliveries meanwhile.
    async fn next(mut self) -> Result<Option<(ConsumeResponse, Option<Self>)>, Status> {
        loop {
            tokio::select! {
                biased;
                request = self.requests.message() => match request? {
                    Some(request) => {
                        let settle = request::settle(request)?;
                        self.settler.settle(settle).await.map_err(|error| self.refused(error))?;
                    }
                    None => {
                        self.consumer.leave().await;
                        return Ok(None);
                    }
                },
                message = self.consumer.next() => {
                    let message = message.map_err(|error| self.refused(error))?;
                    return Ok(Some((respond(message, self.consumer.settings()), Some(self))));
                }
            }
        }
    }

    fn refused(&self, error: GroupError) -> Status {
        let error = match error {
            GroupError::Unavailable(_) => GroupError::Unavailable(self.group.clone()),
            error => error,
        };
        Refusal::from(error).into()
    }
}

/// Passes a consumer through to the server that leads its group.
pub(super) async fn elsewhere(
    mut client: LeaderClient,
    first: pb::ConsumeRequest,
    requests: Streaming<pb::ConsumeRequest>,
) -> Result<Consuming, Status> {
    // A broken request stream ends like one that the client has ended: the leader returns its deliveries.
    let rest = requests.take_while(|request| std::future::ready(request.is_ok()));
    let requests =
        stream::once(async { first }).chain(rest.filter_map(|request| std::future::ready(request.ok())));
    let responses = client.consume(Request::new(requests)).await?.into_inner();
    let responses = responses.map(|response| match response {
        Ok(response) => Ok(ConsumeResponse::Forwarded(response)),
        Err(status) => Err(status::forwarded(status).map_or_else(
            || Refusal::from(GroupError::Unavailable(String::new())).into(),
            Status::from,
        )),
    });
    Ok(Consuming(Box::pin(responses)))
}

/// Returns the refusal of a stream of requests that broke.
pub(super) fn broken(status: Status) -> Refusal {
    status::forwarded(status).unwrap_or_else(|| GroupError::Closing.into())
}

fn respond(message: ConsumerMessage, settings: &GroupSettings) -> ConsumeResponse {
    match message {
        ConsumerMessage::Active(is_active) => opened(settings, is_active),
        ConsumerMessage::Deliveries(deliveries) => ConsumeResponse::Deliveries(deliveries),
        ConsumerMessage::Withdrawn(reason, deliveries) => {
            let reason = match reason {
                WithdrawalReason::AckTimeout => pb::WithdrawalReason::AckTimeout,
                WithdrawalReason::Nacked => pb::WithdrawalReason::Nacked,
                WithdrawalReason::GroupChanged => pb::WithdrawalReason::GroupChanged,
                WithdrawalReason::TooLate => pb::WithdrawalReason::TooLate,
            };
            ConsumeResponse::Withdrawal(pb::Withdrawal {
                deliveries,
                reason: reason.into(),
            })
        }
    }
}

fn opened(settings: &GroupSettings, is_active: bool) -> ConsumeResponse {
    let (mode, prefix) = response::mode(&settings.mode);
    ConsumeResponse::Opened(pb::ConsumerOpened {
        mode: mode.into(),
        order_by_tag_prefix: prefix,
        ack_timeout: Some(response::duration(settings.ack_timeout)),
        active: is_active,
    })
}
