//! Opening a subscription, and resuming it after a broken connection.

use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use futures::stream::{BoxStream, StreamExt};

use super::messages::Message;
use super::{Items, Options, Start, Subscription, SubscriptionItem};
use crate::connection::{Picked, Stub};
use crate::error::{Error, Result};
use crate::event::RecordedEvent;
use crate::retry::{Reconnects, Shared};

type Messages = BoxStream<'static, Result<Message, tonic::Status>>;

/// Opens a subscription for the first time.
pub(super) async fn open(subscribe: Options) -> Result<Subscription> {
    let filtered = !subscribe.query.items.is_empty();
    let target = Target {
        stream: subscribe.stream,
        query: filtered.then(|| subscribe.query.into()),
    };
    let (shared, timeout) = (subscribe.shared, subscribe.timeout);
    let after = match subscribe.start {
        Start::After(after) => after,
        Start::End => target.end(&shared, timeout).await?,
    };
    let returns = shared.connection.returns();
    let (messages, picked) = shared
        .call_somewhere(timeout, |stub| target.clone().open(stub, after))
        .await?;
    let feed = Feed {
        reconnects: Reconnects::new(&shared, subscribe.reconnect_timeout),
        cursor: Cursor {
            after,
            told: 0,
            by_revision: target.stream.is_some(),
        },
        target,
        timeout,
        live: Some(Live {
            messages,
            picked,
            returns,
        }),
        shared,
    };
    let items = futures::stream::unfold(feed, |mut feed| async move {
        let items = feed.next().await;
        Some((items, feed))
    });
    Ok(Subscription {
        items: items.boxed(),
        received: Vec::new().into_iter(),
    })
}

/// The target of the subscription.
#[derive(Clone)]
struct Target {
    stream: Option<String>,
    query: Option<pb::Query>,
}

impl Target {
    async fn open(self, mut stub: Stub, after: Option<u64>) -> Result<Messages, tonic::Status> {
        let query = self.query;
        match self.stream {
            Some(stream) => {
                let start = after.map(pb::subscribe_stream_request::Start::AfterRevision);
                let request = pb::SubscribeStreamRequest { stream, start, query };
                let answers = stub.subscribe_stream(request).await?.into_inner();
                Ok(answers.map(|answer| answer.map(Message::from)).boxed())
            }
            None => {
                let start = after.map(pb::subscribe_all_request::Start::After);
                let request = pb::SubscribeAllRequest { start, query };
                let answers = stub.subscribe_all(request).await?.into_inner();
                Ok(answers.map(|answer| answer.map(Message::from)).boxed())
            }
        }
    }

    /// The current end of the log or stream, as a value to start after.
    async fn end(&self, shared: &Shared, timeout: Duration) -> Result<Option<u64>> {
        let Some(stream) = &self.stream else {
            let info =
                |mut stub: Stub| async move { stub.get_server_info(pb::GetServerInfoRequest {}).await };
            return Ok(Some(shared.call(timeout, info).await?.into_inner().head));
        };
        let info = |mut stub: Stub| {
            let request = pb::GetStreamRequest {
                stream: stream.clone(),
            };
            async move { stub.get_stream(request).await }
        };
        match shared.call(timeout, info).await {
            Ok(response) => match response.into_inner().stream {
                Some(stream) => Ok(Some(stream.last_revision)),
                None => Err(Error::protocol("a stream without content")),
            },
            Err(Error::StreamNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A call, with its endpoint, and the number of times the client had returned to its home when it was opened.
struct Live {
    messages: Messages,
    picked: Picked,
    returns: u64,
}

/// A subscription and its current connection.
struct Feed {
    shared: Arc<Shared>,
    target: Target,
    timeout: Duration,
    cursor: Cursor,
    live: Option<Live>,
    reconnects: Reconnects,
}

impl Feed {
    /// Returns the items of the next message.
    async fn next(&mut self) -> Result<Items> {
        self.follow_home();
        loop {
            let Some(Live { messages, picked, .. }) = &mut self.live else {
                self.reopen().await?;
                continue;
            };
            let error = match messages.next().await {
                Some(Ok(message)) => {
                    self.reconnects.progressed();
                    return self.cursor.take(message);
                }
                Some(Err(failed)) => self.shared.failed(*picked, &failed),
                None => self.shared.ended(*picked),
            };
            self.live = None;
            self.reconnects.pause_after(error, self.cursor.after).await?;
        }
    }

    /// Leaves an endpoint if the client has returned to its home since the call was opened.
    fn follow_home(&mut self) {
        let connection = &self.shared.connection;
        connection.look_home();
        if let Some(live) = &self.live
            && connection.has_left(live.picked, live.returns)
        {
            self.live = None;
        }
    }

    /// Makes one attempt to reconnect.
    async fn reopen(&mut self) -> Result<()> {
        let returns = self.shared.connection.returns();
        let picked = self.shared.connection.pick();
        let (target, after) = (self.target.clone(), self.cursor.after);
        let opened = target.open(self.shared.connection.stub(picked), after);
        let error = match tokio::time::timeout(self.timeout, opened).await {
            Ok(Ok(messages)) => {
                self.live = Some(Live {
                    messages,
                    picked,
                    returns,
                });
                return Ok(());
            }
            Ok(Err(failed)) => self.shared.failed(picked, &failed),
            Err(_elapsed) => self.shared.timed_out(picked, self.timeout),
        };
        self.reconnects.pause_after(error, self.cursor.after).await
    }
}

/// The progress of a subscription. The next event may have any later position or revision: there may be gaps, since
/// events may have been removed.
struct Cursor {
    /// The last position, or revision of a stream, that was received.
    after: Option<u64>,
    /// The largest checkpoint that was returned.
    told: u64,
    by_revision: bool,
}

impl Cursor {
    /// Updates the state with a message.
    fn take(&mut self, message: Message) -> Result<Items> {
        let item = match message {
            Message::Events(events) => return self.take_events(events),
            Message::CaughtUp(pb::CaughtUp { position, revision }) => {
                self.scanned(position, revision);
                SubscriptionItem::CaughtUp {
                    position: position.into(),
                    revision: revision.map(Into::into),
                }
            }
            Message::FellBehind(pb::FellBehind {
                position,
                head,
                revision,
            }) => {
                self.scanned(position, revision);
                SubscriptionItem::FellBehind {
                    position: position.into(),
                    head: head.into(),
                    revision: revision.map(Into::into),
                }
            }
            // It was returned before the connection broke, or is smaller.
            Message::Checkpoint(checkpoint) if checkpoint.position <= self.told => {
                return Ok(Vec::new().into_iter());
            }
            Message::Checkpoint(pb::Checkpoint { position, revision }) => {
                self.scanned(position, revision);
                SubscriptionItem::Checkpoint {
                    position: position.into(),
                    revision: revision.map(Into::into),
                }
            }
            Message::Unknown => return Ok(Vec::new().into_iter()),
        };
        Ok(vec![item].into_iter())
    }

    fn take_events(&mut self, events: Vec<pb::RecordedEvent>) -> Result<Items> {
        let mut items = Vec::with_capacity(events.len());
        for event in events {
            let place = if self.by_revision {
                event.revision
            } else {
                event.position
            };
            let next = match self.after {
                Some(after) => after.saturating_add(1),
                None => u64::from(!self.by_revision),
            };
            if place < next {
                return Err(Error::protocol(format!(
                    "received event {place}, expected {next} or a later one"
                )));
            }
            self.after = Some(place);
            items.push(SubscriptionItem::Event(RecordedEvent::try_from(event)?));
        }
        Ok(items.into_iter())
    }

    /// Notes up to where the server has read.
    fn scanned(&mut self, position: u64, revision: Option<u64>) {
        self.told = self.told.max(position);
        self.after = match self.by_revision {
            true => self.after.max(revision),
            false => self.after.max(Some(position)),
        };
    }
}

#[cfg(test)]
mod tests;
