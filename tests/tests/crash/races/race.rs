//! The clients of a race, and the verdict on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use annals_tests::{
    checker::{
        Observed,
        conditions::{Answer, ChecksFailed, Found, History, check},
    },
    harness::{Server, observed, within_patience},
};
use parking_lot::Mutex;
use tokio::sync::RwLock;

use super::player::Player;

/// Number of clients of each server.
const PLAYERS: u64 = 24;

/// State that the clients share.
#[derive(Default)]
pub struct Table {
    pub history: Mutex<History>,
    /// Each call holds it shared; a test that holds it exclusively pauses the clients.
    pub gate: RwLock<()>,
    pub stop: AtomicBool,
    /// Number of responses that were not lost.
    pub answers: AtomicU64,
    pub pipelines: AtomicU64,
}

/// Clients that race.
pub struct Race {
    table: Arc<Table>,
    players: Vec<tokio::task::JoinHandle<()>>,
    began: Instant,
}

impl Race {
    /// Starts a race on these servers of one store. Each client starts with one of them, and moves on when it does
    /// not respond.
    pub fn start(servers: &[&Server], seed: u64) -> Self {
        let table = Arc::new(Table::default());
        let players = (0..PLAYERS * servers.len() as u64).map(|number| {
            let mut stubs: Vec<_> = servers.iter().map(|server| server.stub()).collect();
            let count = stubs.len();
            stubs.rotate_left(usize::try_from(number).unwrap_or(0) % count);
            let seed = seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            tokio::spawn(Player::new(Arc::clone(&table), stubs, seed).run())
        });
        Self {
            players: players.collect(),
            table,
            began: Instant::now(),
        }
    }

    /// Number of appends and reads with a response.
    pub fn answers(&self) -> u64 {
        self.table.answers.load(Ordering::Relaxed)
    }

    /// Judges everything that happened so far.
    pub async fn check(&self, server: &Server, what: &str) {
        // There are no requests while the log is read, so it is the complete result of the history. A paused server
        // may still write its work in progress later: the response to that was lost, so it may be stored or not.
        let resting = within_patience("the clients to rest", self.table.gate.write()).await;
        let log = log(server).await;
        let history = self.table.history.lock().clone();
        drop(resting);
        println!(
            "{what}: {} events, {} appends asked",
            log.len(),
            history.appends.len()
        );
        tokio::task::block_in_place(|| assert_sound(&history, &log));
    }

    /// Ends the race and judges the whole history.
    pub async fn end(self, server: &Server, what: &str) -> Tally {
        self.table.stop.store(true, Ordering::Relaxed);
        for player in self.players {
            within_patience("a client to stop", player)
                .await
                .expect("no client panicked");
        }
        let (log, raced) = (log(server).await, self.began.elapsed());
        let history = self.table.history.lock().clone();
        tokio::task::block_in_place(|| assert_sound(&history, &log));
        let tally = Tally::of(&history);
        println!(
            "{what}: {} events in the log, raced for {raced:?} and judged in {:?}; {tally:?}",
            log.len(),
            self.began.elapsed().saturating_sub(raced)
        );
        for (kind, count) in tally.of_every_race() {
            assert!(count > 0, "the race had no {kind}");
        }
        tally
    }
}

async fn log(server: &Server) -> Vec<Observed> {
    let events = server.client().read_all().await.unwrap();
    events.collect().await.unwrap().iter().map(observed).collect()
}

fn assert_sound(history: &History, log: &[Observed]) {
    if let Err(violations) = check(history, log) {
        let shown: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
        panic!(
            "{} rules broken, among them:\n{}",
            violations.len(),
            shown.join("\n")
        );
    }
}

/// Counts of the responses to the appends of a race.
#[derive(Debug, Default)]
pub struct Tally {
    pub written: u64,
    pub written_to_several_streams: u64,
    pub written_in_pipelines: u64,
    pub repeated: u64,
    pub refused_for_a_match: u64,
    pub refused_for_a_stream: u64,
    pub refused_for_both: u64,
    pub refused_for_more_than_is_told: u64,
    pub beyond_head: u64,
    pub ids_known: u64,
    pub lost: u64,
    pub reads: u64,
}

impl Tally {
    fn of(history: &History) -> Self {
        let mut tally = Self {
            reads: history.reads.len() as u64,
            ..Self::default()
        };
        for call in &history.appends {
            match call.answered.as_ref().map(|(_, answer)| answer) {
                Some(Answer::Written(written)) if written.already_appended => tally.repeated += 1,
                Some(Answer::Written(written)) => {
                    tally.written += 1;
                    tally.written_to_several_streams += u64::from(written.streams.len() > 1);
                    tally.written_in_pipelines += u64::from(call.pipeline.is_some());
                }
                Some(Answer::ChecksFailed(failed)) => tally.count_failed(failed),
                Some(Answer::BeyondHead { .. }) => tally.beyond_head += 1,
                Some(Answer::IdConflict { .. }) => tally.ids_known += 1,
                Some(Answer::Refused | Answer::Unknown) | None => tally.lost += 1,
            }
        }
        tally
    }

    fn count_failed(&mut self, failed: &ChecksFailed) {
        let is_match = |found: &Found| matches!(found, Found::Match { .. });
        let matches = failed.failed.iter().any(|check| is_match(&check.found));
        let streams = failed.failed.iter().any(|check| !is_match(&check.found));
        self.refused_for_a_match += u64::from(matches);
        self.refused_for_a_stream += u64::from(streams);
        self.refused_for_both += u64::from(matches && streams);
        self.refused_for_more_than_is_told += u64::from(failed.count as usize > failed.failed.len());
    }

    /// Counts that must not be zero for a race to be meaningful.
    fn of_every_race(&self) -> [(&'static str, u64); 11] {
        [
            ("append that was written", self.written),
            ("append to several streams", self.written_to_several_streams),
            ("append in a pipeline", self.written_in_pipelines),
            ("append that was retried", self.repeated),
            ("append that was refused for a match", self.refused_for_a_match),
            ("append that was refused for a stream", self.refused_for_a_stream),
            ("append that was refused for both", self.refused_for_both),
            (
                "append with more failed checks than are listed",
                self.refused_for_more_than_is_told,
            ),
            ("check beyond the head", self.beyond_head),
            ("id that was known", self.ids_known),
            ("read", self.reads),
        ]
    }
}
