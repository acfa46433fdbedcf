//! Consuming the events of a group: a handler processes them, and what it returns decides what becomes of each.
//!
//! 1. Deliveries of one order key are processed one after the other, in order. Different keys run in parallel, up to
//!    the concurrency.
//! 2. After a nack, nothing of the key is started until the server has answered it: later deliveries may have been sent
//!    before the server knew of the nack, and are withdrawn by its answer.
//! 3. A handler whose delivery the consumer no longer holds is cancelled, and has ended before another delivery of its
//!    key is started.
//! 4. Deliveries that wait for a handler are extended. Those that are processed are not: a handler that hangs loses its
//!    delivery, and so does everything that waits for it.
//! 5. Results are sent as soon as the connection takes them, all that there are in one message.

mod call;
mod delivery;
mod outgoing;
mod queue;

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use futures::future::BoxFuture;

use self::call::{Call, Ended, Live};
use crate::Client;
use crate::error::{Error, Result};
use crate::retry::{Reconnects, Shared};

pub use delivery::{Delivery, Settlement};

/// The fewest permits unless set.
const PERMITS_MIN: usize = 16;
/// The most permits, from the protocol.
const PERMITS_MAX: usize = 4_096;

impl Client {
    /// Consumes the events of a group with a handler: add options, then await it. It ends when it is stopped
    /// ([`Consume::stop_when`]) or with an error that a retry would not change; lost connections are resumed.
    ///
    /// ```no_run
    /// # use annals_client::{Client, Delivery, Error, RecordedEvent, Settlement};
    /// # async fn ship(order: &RecordedEvent) -> Result<bool, std::io::Error> { Ok(true) }
    /// # async fn example(client: Client) -> Result<(), Error> {
    /// let handler = |delivery: Delivery| async move {
    ///     // An error: retried after the group's delay, with its text as the reason.
    ///     let is_shipped = ship(&delivery.event).await?;
    ///     Ok::<_, std::io::Error>(match is_shipped {
    ///         true => Settlement::Ack,
    ///         false => Settlement::Park("the address is unknown".to_owned()),
    ///     })
    /// };
    /// let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    /// client.consume("shipping", handler).concurrency(8).stop_when(stop).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The handler's future runs as a task of its own. It returns `()` or a [`Settlement`], or an error, which is
    /// retried; a panic is retried as well. If the consumer no longer holds the delivery (its ack timeout has passed,
    /// the group has changed, or the connection was lost), the future is dropped. An event can be delivered more than
    /// once.
    ///
    /// Fails with [`Error::GroupNotFound`], also if the group is deleted, [`Error::ConsumerReplaced`],
    /// [`Error::InvalidField`].
    pub fn consume<H, F, T, E>(&self, group: impl Into<String>, handler: H) -> Consume<H>
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Settlement>,
        E: std::fmt::Display,
    {
        Consume {
            shared: self.shared.clone(),
            timeout: self.timeout,
            handler: Arc::new(handler),
            group: group.into(),
            consumer: None,
            concurrency: 1,
            permits: None,
            reconnect_timeout: None,
            stop: None,
        }
    }
}

/// A consumer to be run: add options, then await it. Dropping it stops it at once, and the server returns what it holds
/// to the group.
#[must_use = "nothing is consumed until it is awaited"]
pub struct Consume<H> {
    shared: Arc<Shared>,
    timeout: Duration,
    handler: Arc<H>,
    group: String,
    consumer: Option<String>,
    concurrency: usize,
    permits: Option<u64>,
    reconnect_timeout: Option<Duration>,
    stop: Option<BoxFuture<'static, ()>>,
}

impl<H> Consume<H> {
    /// Sets the consumer's name, which operators see: 1 to 256 bytes. If a consumer of this name is connected, this one
    /// replaces it. Unless set: the host name, the process id and a random part.
    pub fn consumer(mut self, name: impl Into<String>) -> Self {
        self.consumer = Some(name.into());
        self
    }

    /// Sets how many events are processed at a time. 1 unless set.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.concurrency = events.max(1);
        self
    }

    /// Sets how many deliveries the consumer holds at a time, 1 to 4,096. Unless set: twice the concurrency, at least
    /// 16.
    pub fn permits(mut self, deliveries: u64) -> Self {
        self.permits = Some(deliveries);
        self
    }

    /// Fails if a lost connection can't be resumed within this time. Retries indefinitely unless set.
    pub fn reconnect_timeout(mut self, without_connection: Duration) -> Self {
        self.reconnect_timeout = Some(without_connection);
        self
    }

    /// Stops gracefully when this future completes: no more events are started, those that are being processed are
    /// settled, and the server returns the others to the group.
    pub fn stop_when(mut self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Some(Box::pin(stop));
        self
    }

    fn first_request(&self) -> pb::ConsumeRequest {
        let twice = self.concurrency.saturating_mul(2).clamp(PERMITS_MIN, PERMITS_MAX);
        let open = pb::OpenConsumer {
            group: self.group.clone(),
            consumer: self.consumer.clone().unwrap_or_else(default_name),
            permits: self.permits.unwrap_or(twice as u64),
        };
        pb::ConsumeRequest {
            open: Some(open),
            ..Default::default()
        }
    }
}

impl<H> std::fmt::Debug for Consume<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consume")
            .field("group", &self.group)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

impl<H, F, T, E> IntoFuture for Consume<H>
where
    H: Fn(Delivery) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Into<Settlement>,
    E: std::fmt::Display,
{
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut stop = Stop::new(self.stop.take());
            let first = self.first_request();
            let mut reconnects = Reconnects::new(&self.shared, self.reconnect_timeout);
            let mut live = tokio::select! {
                live = Live::open(&self.shared, self.timeout, &first) => Some(live?),
                () = stop.requested() => return Ok(()),
            };
            loop {
                let broken: Option<Error> = match live.take() {
                    Some(live) => {
                        let mut call = Call::new(&self.shared, &self.handler, self.concurrency, self.timeout);
                        let ended = call.run(live, &mut stop, &mut reconnects).await;
                        call.cancel().await;
                        match ended {
                            Ok(Ended::Stopped) => return Ok(()),
                            Ok(Ended::Left) => None,
                            Err(error) => Some(error),
                        }
                    }
                    None => None,
                };
                let resumed = async {
                    if let Some(error) = broken {
                        reconnects.pause_after(error, None).await?;
                    }
                    match Live::reopen(&self.shared, self.timeout, &first).await {
                        Ok(opened) => Ok(Some(opened)),
                        Err(error) => reconnects.pause_after(error, None).await.map(|()| None),
                    }
                };
                live = tokio::select! {
                    resumed = resumed => resumed?,
                    () = stop.requested() => return Ok(()),
                };
            }
        })
    }
}

/// The future that stops a consumer.
pub(crate) struct Stop {
    signal: Option<BoxFuture<'static, ()>>,
    is_requested: bool,
}

impl Stop {
    fn new(signal: Option<BoxFuture<'static, ()>>) -> Self {
        Stop {
            signal,
            is_requested: false,
        }
    }

    /// Waits until the consumer is to stop. If the future is dropped, nothing is lost.
    async fn requested(&mut self) {
        match &mut self.signal {
            Some(signal) => {
                signal.await;
                self.signal = None;
                self.is_requested = true;
            }
            None if self.is_requested => {}
            None => std::future::pending().await,
        }
    }
}

/// The host name, the process id and a random part.
fn default_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .or_else(|_| std::env::var("COMPUTERNAME"))
        .unwrap_or_default();
    let is_printable = |char: &char| !char.is_control();
    let host: String = host.trim().chars().filter(is_printable).take(60).collect();
    let host = if host.is_empty() { "host" } else { &host };
    let random: u32 = rand::random();
    format!("{host}-{}-{random:08x}", std::process::id())
}
