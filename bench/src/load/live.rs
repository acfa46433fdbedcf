//! Appends at a fixed rate. Measures how long each takes to reach a subscriber.
//!
//! The loop is open: appends are sent when they are due, regardless of earlier ones. One process runs both ends, so
//! one clock measures: from when the append is queued for sending to when the subscriber has decoded it. A separate
//! thread paces the appends, because the runtime's timers have a resolution of a millisecond.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_proto::v1 as pb;
use pb::{
    event_store_service_client::EventStoreServiceClient, subscribe_all_request::Start,
    subscribe_all_response::Content,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tonic::{Streaming, client::Grpc, transport::Channel};

use super::{
    Latencies, Measured, Subject, Window,
    connection::connect,
    events::number,
    wire::{self, Append},
};
use crate::{Error, Result};

const LOAD: &str = "live delivery";
/// An event that is not delivered within this time is lost.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Appends `per_second` single events a second, each to a new stream, with one subscriber to the whole log.
pub(crate) async fn run(subject: &Subject<'_>, per_second: u32) -> Result<Measured> {
    let appending = Grpc::new(connect(subject.endpoint()).await?);
    let deliveries = subscribe(connect(subject.endpoint()).await?).await?;
    let window = Window::after_warm_up(subject);
    let seconds = (subject.warm_up + subject.measured).as_secs_f64();
    let count = (seconds * f64::from(per_second)) as u32;
    let first = subject.supply.events(count);
    let schedule = Arc::new(Schedule::new(first, count, per_second));

    let (due, paced) = mpsc::unbounded_channel();
    let pacing = {
        let schedule = schedule.clone();
        std::thread::spawn(move || schedule.pace(&due))
    };
    let sending = send(subject, appending, paced);
    let receiving = receive(deliveries, &schedule, window);
    let (sent, received, cpu) = tokio::join!(sending, receiving, window.watch(subject.pids));
    schedule.stopped.store(true, Ordering::Relaxed);
    let paced = pacing
        .join()
        .map_err(|_| Error::wrong(LOAD, "the pacing thread failed"));
    sent?;
    let latencies = received?;
    let measured = Measured::new(latencies.count(), window.seconds(), cpu);
    let late_ms_max = Some(paced?.as_secs_f64() * 1e3);
    Ok(Measured {
        latency: Some(latencies.summary()),
        late_ms_max,
        ..measured
    })
}

/// The times at which events are due, and at which they were sent.
pub(crate) struct Schedule {
    first: u64,
    begin: std::time::Instant,
    interval: Duration,
    /// Nanoseconds since `begin`, by event.
    sent_at: Vec<AtomicU64>,
    pub(crate) stopped: AtomicBool,
}

impl Schedule {
    pub(crate) fn new(first: u64, count: u32, per_second: u32) -> Self {
        Self {
            first,
            begin: std::time::Instant::now(),
            interval: Duration::from_secs(1) / per_second,
            sent_at: (0..count).map(|_| AtomicU64::new(0)).collect(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Queues each event when it is due. Returns the maximum delay.
    pub(crate) fn pace(&self, due: &mpsc::UnboundedSender<u64>) -> Duration {
        let mut late_max = Duration::ZERO;
        for (nth, sent_at) in (0u32..).zip(&self.sent_at) {
            let due_at = self.interval * nth;
            if let Some(early) = due_at.checked_sub(self.begin.elapsed()) {
                std::thread::sleep(early);
            }
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
            let now = self.begin.elapsed();
            late_max = late_max.max(now.saturating_sub(due_at));
            sent_at.store(
                u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
                Ordering::Release,
            );
            if due.send(self.first + u64::from(nth)).is_err() {
                break;
            }
        }
        late_max
    }

    /// Returns the index of this event and the time since it was sent. `None` if the schedule does not contain it.
    pub(crate) fn since_sent(&self, number: u64) -> Option<Duration> {
        let nth = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let sent_at = Duration::from_nanos(self.sent_at.get(nth)?.load(Ordering::Acquire));
        Some(self.begin.elapsed().saturating_sub(sent_at))
    }
}

/// Opens a subscription from the end of the log, and waits until it is live.
async fn subscribe(channel: Channel) -> Result<Streaming<pb::SubscribeAllResponse>> {
    let request = pb::SubscribeAllRequest {
        start: Some(Start::End(())),
        ..Default::default()
    };
    let answers = EventStoreServiceClient::new(channel).subscribe_all(request).await;
    let mut answers = answers.map_err(Error::call(LOAD))?.into_inner();
    loop {
        let message = timeout(DELIVERY_TIMEOUT, answers.message()).await;
        match message.map(|message| message.map_err(Error::call(LOAD))) {
            Ok(Ok(Some(message))) if matches!(message.content, Some(Content::CaughtUp(_))) => {
                return Ok(answers);
            }
            Ok(Ok(Some(_))) => {}
            Ok(Err(error)) => return Err(error),
            Ok(Ok(None)) | Err(_) => return Err(Error::wrong(LOAD, "the subscription never became live")),
        }
    }
}

/// Sends the events that are due without waiting for replies; then waits for all replies.
async fn send(
    subject: &Subject<'_>,
    grpc: Grpc<Channel>,
    mut due: mpsc::UnboundedReceiver<u64>,
) -> Result<()> {
    let mut calls = tokio::task::JoinSet::new();
    while let Some(first) = due.recv().await {
        let append = Append {
            stream: subject.supply.stream(),
            revision: 0,
            first,
            events: 1,
        };
        let mut grpc = grpc.clone();
        calls.spawn(async move { wire::append(&mut grpc, append).await });
        while let Some(ended) = calls.try_join_next() {
            answered(ended)?;
        }
    }
    while let Some(ended) = calls.join_next().await {
        answered(ended)?;
    }
    Ok(())
}

type Answer = std::result::Result<pb::AppendToStreamResponse, tonic::Status>;

fn answered(ended: std::result::Result<Answer, tokio::task::JoinError>) -> Result<()> {
    let answer = ended.map_err(|error| Error::wrong(LOAD, error.to_string()))?;
    answer.map(drop).map_err(Error::call(LOAD))
}

/// Receives events until all have arrived, each once and in the order of the log.
async fn receive(
    mut deliveries: Streaming<pb::SubscribeAllResponse>,
    schedule: &Schedule,
    window: Window,
) -> Result<Latencies> {
    let latencies = Latencies::new();
    let (mut left, mut last_position) = (schedule.sent_at.len(), 0);
    while left > 0 {
        let Ok(message) = timeout(DELIVERY_TIMEOUT, deliveries.message()).await else {
            return Err(Error::wrong(LOAD, format!("{left} events were not delivered")));
        };
        let Some(message) = message.map_err(Error::call(LOAD))? else {
            return Err(Error::wrong(
                LOAD,
                format!("the subscription ended with {left} events undelivered"),
            ));
        };
        let Some(Content::Events(batch)) = message.content else {
            continue;
        };
        let now = Instant::now();
        for event in batch.events {
            if event.position <= last_position {
                return Err(Error::wrong(
                    LOAD,
                    format!("received position {} again or out of order", event.position),
                ));
            }
            last_position = event.position;
            if let Some(latency) = number(&event.id).and_then(|number| schedule.since_sent(number)) {
                left -= 1;
                if window.holds(now) {
                    latencies.record(latency);
                }
            }
        }
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_handed_over_once_in_order_and_not_before_it_is_due() {
        let schedule = Schedule::new(7, 50, 10_000);
        let (due, mut paced) = mpsc::unbounded_channel();
        schedule.pace(&due);
        for (nth, sent_at) in (0u32..).zip(&schedule.sent_at) {
            assert_eq!(paced.try_recv().unwrap(), 7 + u64::from(nth));
            let sent_at = Duration::from_nanos(sent_at.load(Ordering::Relaxed));
            assert!(
                sent_at >= schedule.interval * nth,
                "event {nth} was sent at {sent_at:?}"
            );
        }
        assert!(paced.try_recv().is_err());
    }

    #[test]
    fn events_of_others_are_not_timed() {
        let schedule = Schedule::new(7, 50, 10_000);
        assert!(schedule.since_sent(6).is_none());
        assert!(schedule.since_sent(7).is_some());
        assert!(schedule.since_sent(57).is_none());
    }
}
