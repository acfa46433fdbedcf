//! The load on the servers of a store: appends of all kinds, alone and in pipelines, some of them retried.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_client::{
    AppendPipeline, Appended, Client, Error, Event, ExpectedRevision as Expected, RetryPolicy, Revision,
};
use annals_tests::harness::{PATIENCE, Recorder, within_patience};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::RwLock;

/// Number of writers for each server.
pub const WRITERS: usize = 32;
/// Streams that several writers share, so that expectations fail.
const SHARED_STREAMS: u64 = 24;
/// Number of appends that a writer remembers, to retry one of them.
const REMEMBERED_MAX: usize = 16;

/// The writers.
pub struct Load {
    pub recorder: Recorder,
    /// Each append holds it shared; a test that holds it exclusively pauses the writers.
    pub gate: Arc<RwLock<()>>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub recorder: Recorder,
    pub acknowledged: AtomicU64,
    pub repeated: AtomicU64,
    pub refused: AtomicU64,
    pub unknown: AtomicU64,
}

impl Counts {
    pub fn words(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "{} appends acknowledged, {} repeated, {} refused, {} of unknown outcome",
            count(&self.acknowledged),
            count(&self.repeated),
            count(&self.refused),
            count(&self.unknown)
        )
    }
}

impl Load {
    /// Starts the same number of writers for each of these servers. Every other one knows all servers, and moves on
    /// when the one it uses dies.
    pub fn start(endpoints: &[String], seed: u64) -> Self {
        let recorder = Recorder::default();
        let counts = Arc::new(Counts {
            recorder: recorder.clone(),
            ..Counts::default()
        });
        let (gate, stop) = (Arc::new(RwLock::new(())), Arc::new(AtomicBool::new(false)));
        let writers = (0..WRITERS * endpoints.len()).map(|number| {
            let mut known = endpoints.to_vec();
            known.rotate_left(number % endpoints.len());
            if (number / endpoints.len()).is_multiple_of(2) {
                known.truncate(1);
            }
            let number = number as u64;
            // Some wait for a restart, others get an unknown outcome at once.
            let retry = if number % 8 < 4 {
                RetryPolicy::default()
            } else {
                RetryPolicy::never()
            };
            let client = Client::builder().endpoints(known).timeout(PATIENCE).retry(retry);
            let client = client.build().unwrap();
            let writer = Writer {
                number,
                pipeline: client.append_pipeline(),
                client,
                random: StdRng::seed_from_u64(seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                counts: Arc::clone(&counts),
                remembered: Vec::new(),
            };
            tokio::spawn(writer.run(Arc::clone(&gate), Arc::clone(&stop)))
        });
        let writers = writers.collect();
        Self {
            recorder,
            gate,
            counts,
            stop,
            writers,
        }
    }

    /// Number of appends that got a new place in the log.
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    pub async fn stop(self) -> Arc<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers {
            within_patience("a writer to stop", writer)
                .await
                .expect("no writer panicked");
        }
        self.counts
    }
}

/// An append that may be retried.
type Sent = (String, Expected, Vec<Event>);

struct Writer {
    number: u64,
    client: Client,
    pipeline: AppendPipeline,
    random: StdRng,
    counts: Arc<Counts>,
    remembered: Vec<Sent>,
}

impl Writer {
    async fn run(mut self, gate: Arc<RwLock<()>>, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let _writing = gate.read().await;
            if self.random.random_bool(0.3) {
                self.append_in_pipeline().await;
            } else {
                self.append_alone().await;
            }
        }
    }

    async fn append_alone(&mut self) {
        let (stream, expected, events) = self.next();
        let sent = (stream.clone(), expected, events.clone());
        let result = self
            .counts
            .recorder
            .append(&self.client, &stream, expected, events)
            .await;
        let unknown = self.count(&result);
        if unknown {
            // Like a program: retry until the outcome is known. Or not: then the append may be stored or not.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.random.random_bool(0.8) {
                self.remembered.insert(0, sent);
                return;
            }
        }
        self.remember(sent);
    }

    /// Sends a few appends in flight at once.
    async fn append_in_pipeline(&mut self) {
        let recorder = self.counts.recorder.clone();
        let mut submitted = Vec::new();
        for _ in 0..self.random.random_range(2..12) {
            let (stream, expected, events) = self.next();
            let sent = (stream.clone(), expected, events.clone());
            submitted.push((
                sent,
                recorder.submit(&self.pipeline, &stream, expected, events).await,
            ));
        }
        let mut broken = false;
        for (sent, submitted) in submitted {
            let result = recorder.settle(submitted).await;
            broken |= self.count(&result);
            self.remember(sent);
        }
        if broken {
            self.pipeline = self.client.append_pipeline();
        }
    }

    fn count(&self, result: &Result<Appended, Error>) -> bool {
        let counter = match result {
            Ok(appended) if appended.already_appended => &self.counts.repeated,
            Ok(_) => &self.counts.acknowledged,
            Err(error) if error.is_conflict() || matches!(error, Error::EventIdConflict { .. }) => {
                &self.counts.refused
            }
            Err(error) if error.is_retryable() || matches!(error, Error::PipelineClosed) => {
                &self.counts.unknown
            }
            Err(error) => panic!("a killed server returned {error:?}"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        std::ptr::eq(counter, &self.counts.unknown)
    }

    fn remember(&mut self, sent: Sent) {
        self.remembered.push(sent);
        if self.remembered.len() > REMEMBERED_MAX {
            self.remembered.remove(0);
        }
    }

    /// The next append: a new one, or one that was sent before.
    fn next(&mut self) -> Sent {
        if !self.remembered.is_empty() && self.random.random_bool(0.15) {
            let index = self.random.random_range(0..self.remembered.len().min(4));
            return self.remembered[index].clone();
        }
        let shared = format!("shared-{}", self.random.random_range(0..SHARED_STREAMS));
        let own = format!("own-{}", self.number);
        let (stream, expected) = match self.random.random_range(0..100) {
            0..30 => (own, Expected::Any),
            30..55 => (shared, Expected::Any),
            55..70 => (shared, Expected::StreamExists),
            70..85 => (
                format!("new-{}-{}", self.number, self.random.random_range(0..400)),
                Expected::NoStream,
            ),
            _ => (
                shared,
                Expected::Exactly(Revision(self.random.random_range(0..60))),
            ),
        };
        let count = if self.random.random_bool(0.7) {
            1
        } else {
            self.random.random_range(2..6)
        };
        (stream, expected, (0..count).map(|_| self.event()).collect())
    }

    fn event(&mut self) -> Event {
        // Most are small; some are large enough to be stored in several parts.
        let length = match self.random.random_range(0..1_000) {
            0..3 => self.random.random_range(100_000..300_000),
            3..30 => self.random.random_range(4_000..20_000),
            _ => self.random.random_range(0..300),
        };
        let mut data = vec![0; length];
        self.random.fill(&mut data[..]);
        let kind = if self.random.random_bool(0.3) {
            "Rare"
        } else {
            "Common"
        };
        Event::new(kind, data)
    }
}
