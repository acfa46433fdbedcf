//! The clients of a race, and the verdict on it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use annals_tests::{
    checker::{
        AppendAnswer, History, Observed, Refusal, check,
        state::{StateAnswer, StateEntry, StateRead},
    },
    harness::{PATIENCE, Server, observed, within_patience},
};
use parking_lot::Mutex;
use tokio::{sync::RwLock, task::JoinHandle};

use super::{
    calls::{self, Stubs},
    draw::{Known, Request, SCOPES},
    falsified,
    subscriber::{Subscriber, View},
    writer::Writer,
};

/// Number of writers of each server.
const WRITERS: usize = 8;
/// Number of subscribers of each server.
const SUBSCRIBERS: usize = 3;
/// Entries in a page, when all are listed.
const PAGE: usize = 5;
/// How long a fault may block the others.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(120);

/// State that the clients share.
#[derive(Default)]
pub struct Table {
    pub history: Mutex<History>,
    pub known: Mutex<Known>,
    /// Requests whose outcome is unknown, and which their clients do not retry.
    pub open: Mutex<Vec<Request>>,
    /// Each writer holds it shared; a test that holds it exclusively pauses them.
    pub gate: RwLock<()>,
    pub stop: AtomicBool,
    /// Number of responses that were not lost.
    pub answers: AtomicU64,
}

/// The entries of a scope, by key, and its last version.
type Listed = (BTreeMap<String, StateEntry>, u64);

pub struct Race {
    table: Arc<Table>,
    writers: Vec<JoinHandle<()>>,
    subscribers: Vec<JoinHandle<()>>,
    views: Vec<Arc<Mutex<View>>>,
    /// Connections to each server.
    stubs: Vec<Stubs>,
    began: Instant,
}

impl Race {
    /// Starts a race on servers of one store. Each client starts with one of them, and moves on to the others.
    pub fn start(servers: &[Server], seed: u64) -> Self {
        let table = Arc::new(Table::default());
        let stubs_of = |number: usize| {
            let mut stubs: Vec<Stubs> = servers.iter().map(Stubs::of).collect();
            stubs.rotate_left(number % servers.len());
            stubs
        };
        let seed_of = |number: usize| seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let writers = (0..WRITERS * servers.len()).map(|number| {
            let writer = Writer::new(Arc::clone(&table), stubs_of(number), seed_of(number));
            tokio::spawn(writer.run())
        });
        let writers = writers.collect();
        let (mut views, mut subscribers) = (Vec::new(), Vec::new());
        for number in 0..SUBSCRIBERS * servers.len() {
            let view = Arc::new(Mutex::new(View {
                scope: SCOPES[number / servers.len() % SCOPES.len()].to_owned(),
                prefix: ["", "a"][usize::from(number % 3 == 2)].to_owned(),
                ..View::default()
            }));
            let seed = seed_of(1_000 + number);
            let table = Arc::clone(&table);
            let subscriber = Subscriber::new(table, Arc::clone(&view), stubs_of(number), seed);
            subscribers.push(tokio::spawn(subscriber.run()));
            views.push(view);
        }
        Self {
            table,
            writers,
            subscribers,
            views,
            stubs: stubs_of(0),
            began: Instant::now(),
        }
    }

    /// Returns when another `count` requests have responses.
    pub async fn goes_on(&self, count: u64) {
        let answers = || self.table.answers.load(Ordering::Relaxed);
        let enough = answers() + count;
        let waiting = async {
            while answers() < enough {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let went_on = tokio::time::timeout(RECOVERY_PATIENCE, waiting).await;
        assert!(went_on.is_ok(), "there are no more responses");
    }

    /// Judges everything that happened so far. All servers must run.
    pub async fn check(&mut self, what: &str) {
        let table = Arc::clone(&self.table);
        let resting = within_patience("the clients to rest", table.gate.write()).await;
        let (history, log) = self.settle().await;
        drop(resting);
        println!(
            "{what}: {} events, {} writes asked",
            log.len(),
            history.state.writes.len()
        );
        tokio::task::block_in_place(|| assert_sound(&history, &log));
    }

    /// Ends the race and judges the whole history.
    pub async fn end(mut self, what: &str) {
        self.table.stop.store(true, Ordering::Relaxed);
        for writer in std::mem::take(&mut self.writers) {
            within_patience("a client to stop", writer)
                .await
                .expect("no client panicked");
        }
        let (history, log) = self.settle().await;
        let raced = self.began.elapsed();
        for subscriber in &self.subscribers {
            assert!(!subscriber.is_finished(), "no subscriber panicked");
            subscriber.abort();
        }
        tokio::task::block_in_place(|| {
            assert_sound(&history, &log);
            falsified::assert_all_are_found(&history, &log);
        });
        let tally = Tally::of(&history);
        println!(
            "{what}: {} events in the log, raced for {raced:?} and judged in {:?}; {tally:?}",
            log.len(),
            self.began.elapsed().saturating_sub(raced)
        );
        tally.assert_covers_everything();
    }

    /// Makes every outcome known, and waits until all subscribers have what the servers list.
    async fn settle(&mut self) -> (History, Vec<Observed>) {
        let open = std::mem::take(&mut *self.table.open.lock());
        for request in open {
            self.resolve(&request).await;
        }
        for scope in SCOPES {
            let listed = self.list_through_all(scope).await;
            for view in &self.views {
                if view.lock().scope == scope {
                    converge(view, &listed).await;
                }
            }
        }
        let log = read_all(self.stubs[0].log.clone()).await;
        (self.table.history.lock().clone(), log)
    }

    /// Sends a request until its outcome is known, each time through another server.
    async fn resolve(&mut self, request: &Request) {
        let deadline = Instant::now() + PATIENCE;
        for number in 0.. {
            assert!(
                Instant::now() < deadline,
                "the outcome of {request:?} is never known"
            );
            let server = number % self.stubs.len();
            let asked = calls::ask(&self.table, request);
            let answers = calls::send(&mut self.stubs[server], request).await;
            let is_known = answers.1 != StateAnswer::Unknown;
            calls::answer(&self.table, request, asked, answers);
            if is_known {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lists a scope through every server, which must list the same.
    async fn list_through_all(&mut self, scope: &str) -> Listed {
        let mut first: Option<Listed> = None;
        for server in 0..self.stubs.len() {
            let listed = within_patience("a list of entries", self.list(server, scope)).await;
            match &first {
                None => first = Some(listed),
                Some(first) => assert_eq!(*first, listed, "server {server} lists other entries of {scope}"),
            }
        }
        first.expect("there is a server")
    }

    async fn list(&mut self, server: usize, scope: &str) -> Listed {
        let mut entries = BTreeMap::new();
        loop {
            let read = StateRead::List {
                scope: scope.to_owned(),
                prefix: String::new(),
                after: entries.last_key_value().map(|(key, _): (&String, _)| key.clone()),
                limit: PAGE,
            };
            let Some(page) = calls::read(&self.table, &mut self.stubs[server], read).await else {
                // It was killed, and the connection is not there again yet.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            entries.extend(page.entries.into_iter().map(|entry| (entry.key.clone(), entry)));
            if !page.has_more {
                return (entries, page.version);
            }
        }
    }
}

/// Waits until a subscriber has reached the end of its scope; it must have the entries that are listed then.
async fn converge(view: &Mutex<View>, (entries, version): &Listed) {
    let reaching = async {
        while view.lock().version < *version {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reaching).await;
    let view = view.lock();
    assert!(
        reached.is_ok(),
        "the scope is at {version}, but a subscriber has {view:?}"
    );
    let mut wanted = entries.clone();
    wanted.retain(|key, _| key.starts_with(&view.prefix));
    assert_eq!(
        view.entries, wanted,
        "a subscriber to {} has other entries",
        view.scope
    );
}

async fn read_all(mut stub: annals_tests::harness::Stub) -> Vec<Observed> {
    let request = annals_proto::v1::ReadAllRequest::default();
    let mut messages = stub.read_all(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(message) = messages.message().await.unwrap() {
        for event in message.events {
            events.push(observed(&event.try_into().expect("a recorded event is whole")));
        }
    }
    events
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

/// Counts of the responses of a race.
#[derive(Debug, Default)]
struct Tally {
    written: u64,
    appended: u64,
    retried: u64,
    refused_for_state: u64,
    appends_refused_for_state: u64,
    appends_refused_for_a_stream: u64,
    lost: u64,
    reads: u64,
    notices: u64,
    resumed: u64,
}

impl Tally {
    fn of(history: &History) -> Self {
        let state = &history.state;
        let subscriptions = &state.subscriptions;
        let mut tally = Self {
            reads: state.reads.len() as u64,
            notices: subscriptions.iter().map(|call| call.notices.len() as u64).sum(),
            resumed: subscriptions
                .iter()
                .filter(|call| call.request.resumes.is_some())
                .count() as u64,
            ..Self::default()
        };
        for call in &state.writes {
            match call.answered.as_ref().map(|(_, answer)| answer) {
                Some(StateAnswer::Written {
                    already_written: true,
                    ..
                }) => tally.retried += 1,
                Some(StateAnswer::Written { .. }) if call.is_append => tally.appended += 1,
                Some(StateAnswer::Written { .. }) => tally.written += 1,
                Some(StateAnswer::Failed(failed)) if call.is_append => {
                    tally.appends_refused_for_state += u64::from(!failed.is_empty());
                }
                Some(StateAnswer::Failed(_)) => tally.refused_for_state += 1,
                Some(StateAnswer::IdConflict | StateAnswer::Refused | StateAnswer::Unknown) | None => {
                    tally.lost += 1;
                }
            }
        }
        for call in &history.appends {
            if let Some((_, AppendAnswer::Rejected(Refusal::Checks(failed)))) = &call.answered {
                tally.appends_refused_for_a_stream += u64::from(!failed.is_empty());
            }
        }
        tally
    }

    fn assert_covers_everything(&self) {
        for (what, count) in [
            ("write of state", self.written),
            ("append with state", self.appended),
            ("retry of a write that was made", self.retried),
            ("write that was refused", self.refused_for_state),
            (
                "append that was refused for state",
                self.appends_refused_for_state,
            ),
            (
                "append that was refused for a stream",
                self.appends_refused_for_a_stream,
            ),
            ("response that was lost", self.lost),
            ("read", self.reads),
            ("notice", self.notices),
            ("subscription that was resumed", self.resumed),
        ] {
            assert!(count > 0, "the race had no {what}");
        }
    }
}
