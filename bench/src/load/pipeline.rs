//! One append session, one event in each message, with a bounded number of unanswered appends.
//!
//! The appends go to many streams in turn, each with its exact expected revision, which is known in advance because a
//! session is processed in order.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use annals_proto::v1::{AppendPipelineResponse, pipelined_result::Result as Answer};
use futures::{Stream, task::AtomicWaker};
use tokio::time::Instant;
use tonic::client::Grpc;

use super::{
    Measured, Subject, Supply, Window,
    connection::connect,
    wire::{self, Append, PipelinedAppend},
};
use crate::{Error, Result};

const LOAD: &str = "append session";
/// Streams that are written in turn.
const STREAMS: usize = 1_024;
/// Events in a stream before another replaces it.
const STREAM_EVENTS: u64 = 100;

/// Runs one session with at most `in_flight` appends unanswered.
pub(crate) async fn run(subject: &Subject<'_>, in_flight: u64) -> Result<Measured> {
    let mut grpc = Grpc::new(connect(subject.endpoint()).await?);
    let window = Window::after_warm_up(subject);
    let flight = Arc::new(Flight::default());
    let appends = Appends::new(subject.supply.clone(), flight.clone(), in_flight);
    let receiving = async {
        let mut answers = wire::pipeline(&mut grpc, appends)
            .await
            .map_err(Error::call(LOAD))?;
        let (mut answered, mut counted) = (0, 0);
        while let Some(message) = answers.message().await.map_err(Error::call(LOAD))? {
            let results = check(&message)?;
            answered += results;
            flight.answered(results);
            let now = Instant::now();
            if window.holds(now) {
                counted += results;
            } else if now >= window.to {
                flight.end();
            }
        }
        let sent = flight.sent.load(Ordering::Relaxed);
        if answered != sent {
            let problem =
                format!("{answered} of {sent} appends were answered when the server ended the call");
            return Err(Error::wrong(LOAD, problem));
        }
        Ok(counted)
    };
    let (counted, cpu) = tokio::join!(receiving, window.watch(subject.pids));
    Ok(Measured::new(counted?, window.seconds(), cpu))
}

/// Returns the number of results, if all of them are successes.
fn check(message: &AppendPipelineResponse) -> Result<u64> {
    for result in &message.results {
        match &result.result {
            Some(Answer::AppendedToStream(appended)) if !appended.already_appended => {}
            other => {
                return Err(Error::wrong(
                    LOAD,
                    format!("an append was answered with {other:?}"),
                ));
            }
        }
    }
    Ok(message.results.len() as u64)
}

/// State that sender and receiver share.
#[derive(Default)]
struct Flight {
    sent: AtomicU64,
    answered: AtomicU64,
    ended: AtomicBool,
    sender: AtomicWaker,
}

impl Flight {
    fn answered(&self, results: u64) {
        self.answered.fetch_add(results, Ordering::Release);
        self.sender.wake();
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.sender.wake();
    }

    fn in_flight(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) - self.answered.load(Ordering::Acquire)
    }
}

/// The appends of a session; pending while too many are unanswered.
struct Appends {
    supply: Arc<Supply>,
    flight: Arc<Flight>,
    in_flight_max: u64,
    /// Streams and the next revision of each.
    streams: Vec<(u64, u64)>,
    turn: usize,
}

impl Appends {
    fn new(supply: Arc<Supply>, flight: Arc<Flight>, in_flight_max: u64) -> Self {
        let streams = (0..STREAMS).map(|_| (supply.stream(), 0)).collect();
        Self {
            supply,
            flight,
            in_flight_max,
            streams,
            turn: 0,
        }
    }

    fn next(&mut self) -> PipelinedAppend {
        let (stream, revision) = &mut self.streams[self.turn];
        if *revision == STREAM_EVENTS {
            (*stream, *revision) = (self.supply.stream(), 0);
        }
        let append = Append {
            stream: *stream,
            revision: *revision,
            first: self.supply.events(1),
            events: 1,
        };
        *revision += 1;
        self.turn = (self.turn + 1) % STREAMS;
        PipelinedAppend(append)
    }
}

impl Stream for Appends {
    type Item = PipelinedAppend;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PipelinedAppend>> {
        if self.flight.ended.load(Ordering::Acquire) {
            return Poll::Ready(None);
        }
        if self.flight.in_flight() >= self.in_flight_max {
            self.flight.sender.register(context.waker());
            // A reply may have arrived before the waker was registered.
            let ended = self.flight.ended.load(Ordering::Acquire);
            if !ended && self.flight.in_flight() >= self.in_flight_max {
                return Poll::Pending;
            }
        }
        // Only this stream sends, so the limit can't have been exceeded in the meantime.
        self.flight.sent.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(self.next()))
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn appends(in_flight_max: u64) -> (Appends, Arc<Flight>) {
        let flight = Arc::new(Flight::default());
        (
            Appends::new(Arc::new(Supply::default()), flight.clone(), in_flight_max),
            flight,
        )
    }

    #[test]
    fn no_more_than_the_limit_are_in_flight() {
        let (mut appends, flight) = appends(3);
        assert_eq!(
            (0..9)
                .filter_map(|_| StreamExt::next(&mut appends).now_or_never())
                .count(),
            3
        );
        flight.answered(2);
        assert_eq!(
            (0..9)
                .filter_map(|_| StreamExt::next(&mut appends).now_or_never())
                .count(),
            2
        );
    }

    #[test]
    fn the_stream_ends_when_it_is_told_to() {
        let (mut appends, flight) = appends(1);
        assert!(StreamExt::next(&mut appends).now_or_never().is_some());
        assert!(StreamExt::next(&mut appends).now_or_never().is_none());
        flight.end();
        assert!(matches!(StreamExt::next(&mut appends).now_or_never(), Some(None)));
    }

    #[test]
    fn revisions_of_a_stream_follow_each_other_and_a_full_stream_is_left() {
        let (mut appends, _) = appends(u64::MAX);
        let mut next = std::collections::HashMap::new();
        for _ in 0..STREAMS as u64 * (STREAM_EVENTS + 2) {
            let PipelinedAppend(append) = appends.next();
            let expected = next.entry(append.stream).or_insert(0);
            assert_eq!(append.revision, *expected);
            *expected += 1;
        }
        assert!(next.values().all(|&events| events <= STREAM_EVENTS));
        assert_eq!(next.len(), 2 * STREAMS);
    }
}
