//! One call of a consumer: from opening it to its end.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, consume_response::Content};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::Stop;
use super::delivery::{Delivery, Reply, Settlement};
use super::outgoing::Outgoing;
use super::queue::{Order, Queue, Queued, Withdrawn};
use crate::connection::{GroupStub, Picked};
use crate::error::{Error, Result};
use crate::event::{self, RecordedEvent};
use crate::retry::{Reconnects, Shared};

/// How often waiting deliveries are extended, as a part of the ack timeout.
const EXTENSIONS_PER_TIMEOUT: u32 = 3;
/// A delivery that has waited for more than this part of the ack timeout is extended when it is started, so that its
/// handler has about the whole timeout.
const START_EXTENSION_PART: u32 = 20;

/// A call whose consumer is open.
pub(super) struct Live {
    requests: mpsc::Sender<pb::ConsumeRequest>,
    responses: Streaming<pb::ConsumeResponse>,
    picked: Picked,
    /// The number of times the client had returned to its home when the call was opened.
    returns: u64,
}

/// Why a call ended without an error.
pub(super) enum Ended {
    /// The consumer was to stop.
    Stopped,
    /// The client has returned to its first endpoint.
    Left,
}

impl Live {
    /// Opens a consumer for the first time.
    pub(super) async fn open(shared: &Shared, timeout: Duration, first: &pb::ConsumeRequest) -> Result<Self> {
        let returns = shared.connection.returns();
        let ((requests, responses), picked) = shared
            .call_somewhere(timeout, |stub| begin(stub, first.clone()))
            .await?;
        Ok(Live {
            requests,
            responses,
            picked,
            returns,
        })
    }

    /// Makes one attempt to open it again.
    pub(super) async fn reopen(
        shared: &Shared,
        timeout: Duration,
        first: &pb::ConsumeRequest,
    ) -> Result<Self> {
        let returns = shared.connection.returns();
        let picked = shared.connection.pick();
        let stub = shared.connection.group_stub(picked);
        match tokio::time::timeout(timeout, begin(stub, first.clone())).await {
            Ok(Ok((requests, responses))) => Ok(Live {
                requests,
                responses,
                picked,
                returns,
            }),
            Ok(Err(failed)) => Err(shared.failed(picked, &failed)),
            Err(_elapsed) => Err(shared.timed_out(picked, timeout)),
        }
    }
}

type Begun = (mpsc::Sender<pb::ConsumeRequest>, Streaming<pb::ConsumeResponse>);

async fn begin(mut stub: GroupStub, first: pb::ConsumeRequest) -> Result<Begun, tonic::Status> {
    // One message waits here while another is being sent; what is settled meanwhile forms the next one.
    let (requests, outgoing) = mpsc::channel(1);
    // The channel is empty: this can't fail, and the message is being sent before headers are awaited.
    let _ = requests.try_send(first);
    let responses = stub.consume(ReceiverStream::new(outgoing)).await?;
    Ok((requests, responses.into_inner()))
}

/// A handler that processes a delivery.
struct Running {
    id: u64,
    /// Cancels it.
    handle: AbortHandle,
    /// Whether the consumer no longer holds the delivery, so that its result is not sent.
    is_withdrawn: bool,
}

/// The state of a consumer on one call.
pub(super) struct Call<'a, H> {
    shared: &'a Shared,
    handler: &'a Arc<H>,
    concurrency: usize,
    /// How long the server may take to end the call.
    timeout: Duration,
    ack_timeout: Duration,
    queue: Queue,
    tasks: JoinSet<Reply>,
    running: HashMap<Id, Running>,
    outgoing: Outgoing,
}

impl<'a, H, F, T, E> Call<'a, H>
where
    H: Fn(Delivery) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Into<Settlement>,
    E: std::fmt::Display,
{
    pub(super) fn new(
        shared: &'a Shared,
        handler: &'a Arc<H>,
        concurrency: usize,
        timeout: Duration,
    ) -> Self {
        Call {
            shared,
            handler,
            concurrency,
            timeout,
            // The longest, until the server has stated it.
            ack_timeout: Duration::from_secs(60 * 60),
            queue: Queue::default(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            outgoing: Outgoing::default(),
        }
    }

    /// Consumes until the consumer is to stop, or the call breaks.
    pub(super) async fn run(
        &mut self,
        live: Live,
        stop: &mut Stop,
        reconnects: &mut Reconnects,
    ) -> Result<Ended> {
        let Live {
            requests,
            mut responses,
            picked,
            returns,
        } = live;
        let mut requests = Some(requests);
        let mut ends_by = Instant::now();
        let mut extended_at = Instant::now();
        loop {
            self.shared.connection.look_home();
            let is_leaving = stop.is_requested || self.shared.connection.has_left(picked, returns);
            if !is_leaving {
                self.start();
            } else if requests.is_some() && self.running.is_empty() && self.outgoing.is_empty() {
                // The server returns the other deliveries to the group, and ends the call.
                requests = None;
                ends_by = Instant::now() + self.timeout;
            }
            let sending = requests.as_ref().filter(|_| !self.outgoing.is_empty());
            let (is_sending, has_ended) = (sending.is_some(), requests.is_none());
            let extends_at = extended_at + self.ack_timeout / EXTENSIONS_PER_TIMEOUT;
            tokio::select! {
                response = responses.message() => match response {
                    Ok(Some(response)) => {
                        reconnects.progressed();
                        self.take(response)?;
                    }
                    // Everything is settled, so nothing is lost if the end is not a clean one.
                    Ok(None) | Err(_) if has_ended => return Ok(Self::ended(stop)),
                    Ok(None) => return Err(self.shared.ended(picked)),
                    Err(failed) => return Err(self.shared.failed(picked, &failed)),
                },
                permit = reserve(sending), if is_sending => match permit {
                    Some(permit) => permit.send(self.outgoing.message()),
                    // The transport dropped the requests; the responses contain the reason.
                    None => return Err(self.drain(&mut responses, picked).await),
                },
                Some(finished) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.finished(finished);
                }
                () = tokio::time::sleep_until(extends_at) => {
                    extended_at = extends_at.max(Instant::now());
                    self.extend();
                }
                () = tokio::time::sleep_until(ends_by), if has_ended => return Ok(Self::ended(stop)),
                () = stop.requested(), if !stop.is_requested => {}
            }
        }
    }

    /// Cancels the handlers, and waits until they have ended.
    pub(super) async fn cancel(mut self) {
        self.tasks.shutdown().await;
    }

    fn ended(stop: &Stop) -> Ended {
        match stop.is_requested {
            true => Ended::Stopped,
            false => Ended::Left,
        }
    }

    /// Starts handlers as far as the concurrency allows.
    fn start(&mut self) {
        while self.running.len() < self.concurrency
            && let Some(Queued { id, delivery, since }) = self.queue.start()
        {
            if since.elapsed() > self.ack_timeout / START_EXTENSION_PART {
                self.outgoing.extend([id]);
            }
            let handler = self.handler.clone();
            let handle = self.tasks.spawn(async move {
                match handler(delivery).await {
                    Ok(settlement) => Reply::from(settlement.into()),
                    Err(error) => Reply::failed(&error.to_string()),
                }
            });
            let running = Running {
                id,
                is_withdrawn: false,
                handle,
            };
            self.running.insert(running.handle.id(), running);
        }
    }

    fn take(&mut self, response: pb::ConsumeResponse) -> Result<()> {
        match response.content {
            Some(Content::Opened(opened)) => {
                self.queue.set_order(Order {
                    mode: opened.mode().into(),
                    tag_prefix: opened.order_by_tag_prefix,
                });
                self.ack_timeout = event::parse_duration(opened.ack_timeout, "ack_timeout")?;
            }
            Some(Content::Deliveries(batch)) => {
                let since = Instant::now();
                for delivery in batch.deliveries {
                    let event = delivery.event.unwrap_or_default();
                    self.queue.push(Queued {
                        id: delivery.id,
                        delivery: Delivery::new(RecordedEvent::try_from(event)?, delivery.attempt),
                        since,
                    });
                }
            }
            Some(Content::Withdrawal(withdrawal)) => {
                for id in withdrawal.deliveries {
                    if self.queue.withdraw(id) == Withdrawn::Running {
                        self.cancel_one(id);
                    }
                }
            }
            None => {}
        }
        Ok(())
    }

    fn cancel_one(&mut self, id: u64) {
        let running = self.running.values_mut().find(|running| running.id == id);
        if let Some(running) = running {
            running.is_withdrawn = true;
            running.handle.abort();
        }
    }

    fn finished(&mut self, finished: Result<(Id, Reply), JoinError>) {
        let (task, reply) = match finished {
            Ok((task, reply)) => (task, reply),
            Err(failed) => (failed.id(), Reply::failed(&panic_text(failed))),
        };
        let Some(Running { id, is_withdrawn, .. }) = self.running.remove(&task) else {
            return;
        };
        if is_withdrawn {
            self.queue.ended(id, false);
            // The server gives nothing to a consumer that let an ack timeout pass until it hears of it.
            self.outgoing.show_life();
            return;
        }
        self.queue.ended(id, reply.is_answered());
        self.outgoing.settle(id, reply);
    }

    /// Extends the deliveries that wait, unless nothing can become of them: handlers that are cancelled and do not end
    /// occupy every place.
    fn extend(&mut self) {
        let stuck = self.running.values().filter(|running| running.is_withdrawn);
        if stuck.count() < self.concurrency {
            let waiting = self.queue.extend(Instant::now());
            self.outgoing.extend(waiting);
        }
    }

    /// Receives the rest of a call that takes no more requests, and returns how it failed.
    async fn drain(&self, responses: &mut Streaming<pb::ConsumeResponse>, picked: Picked) -> Error {
        loop {
            match tokio::time::timeout(self.timeout, responses.message()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return self.shared.ended(picked),
                Ok(Err(failed)) => return self.shared.failed(picked, &failed),
                Err(_elapsed) => return self.shared.timed_out(picked, self.timeout),
            }
        }
    }
}

fn panic_text(failed: JoinError) -> String {
    let Ok(panic) = failed.try_into_panic() else {
        return "the handler was cancelled".to_owned();
    };
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => format!("the handler panicked: {text}"),
        None => "the handler panicked".to_owned(),
    }
}

async fn reserve<T>(sender: Option<&mpsc::Sender<T>>) -> Option<mpsc::Permit<'_, T>> {
    match sender {
        Some(sender) => sender.reserve().await.ok(),
        None => None,
    }
}
