//! Power failures at any moment: any part of the data that was not synced may be on disk, written in any order.
//!
//! A store is driven at random beside a model that keeps every state it went through. Now and then everything is
//! synced and the directory is copied; then syncs of the tree are held back, commits continue, and at some moment,
//! often in the middle of a commit, the directory is copied again. Pages that differ between the two copies and were
//! not synced are chosen at random from either. Such a store must open in one of the states of the model, and in none
//! older than the last acknowledged one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use annals_engine::{Commit, Engine, Mutation};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

use super::copies::copy;
use super::{contents, open, with_bulk};
use crate::{EmbeddedEngine, Settings};

const PAGE: usize = 4_096;
const SEEDS: u64 = 12;
/// Number of seeds that are different in each run.
const FRESH_SEEDS: u64 = 4;

type State = BTreeMap<Bytes, Bytes>;

fn settings() -> Settings {
    Settings {
        segment_bytes: 60_000,
        fold_entries: 12,
        ..with_bulk(&["f"])
    }
}

fn random_commit(rng: &mut StdRng) -> Commit {
    let durable = rng.random_bool(0.7);
    let mut commit = if durable {
        Commit::durable()
    } else {
        Commit::relaxed()
    };
    for _ in 0..rng.random_range(1..5) {
        let prefix = if durable && rng.random_bool(0.5) {
            b'f'
        } else {
            b'i'
        };
        let key = Bytes::from(vec![prefix, rng.random_range(0..40)]);
        // Some values span many pages: a hole can lie within one.
        let bytes = if rng.random_bool(0.1) { 20_000 } else { 700 };
        let mut value = vec![0; rng.random_range(0..bytes)];
        rng.fill(&mut value[..]);
        commit = match rng.random_range(0..10) {
            0 => commit.clear(key),
            _ => commit.set(key, value.into()),
        };
    }
    commit
}

fn after(state: &State, commit: &Commit) -> State {
    let mut state = state.clone();
    for mutation in &commit.mutations {
        match mutation {
            Mutation::Set(key, value) => drop(state.insert(key.clone(), value.clone())),
            Mutation::Clear(key) => drop(state.remove(key)),
            Mutation::ClearRange(_) => unreachable!("none is drawn"),
        }
    }
    state
}

/// Mixes two versions of a file: `old` is the synced part of it; each page after that is new, or as it was.
fn tear(rng: &mut StdRng, old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut torn = new.to_vec();
    for (nth, page) in torn.chunks_mut(PAGE).enumerate() {
        let start = nth * PAGE;
        if start + page.len() <= old.len() || rng.random_bool(0.6) {
            continue;
        }
        let kept = old.get(start..).unwrap_or_default();
        let kept = &kept[..kept.len().min(page.len())];
        page[..kept.len()].copy_from_slice(kept);
        page[kept.len()..].fill(0);
    }
    // The file may also have an older length.
    if rng.random_bool(0.3) {
        torn.truncate(rng.random_range(old.len().min(new.len())..=new.len()));
    }
    torn
}

/// A possible state of the disk: `synced` for certain, and of the files that are being written, random parts of
/// `later`.
fn torn(rng: &mut StdRng, synced: &Path, later: &Path, log_synced: &BTreeMap<String, u64>) -> TempDir {
    let made = copy(later);
    for (folder, kind) in [("store/log", "seg"), ("store/fjall", "jnl")] {
        for entry in fs::read_dir(later.join(folder)).expect("reads") {
            let path = entry.expect("reads").path();
            if path.extension().is_none_or(|extension| extension != kind) {
                continue;
            }
            let name = path
                .file_name()
                .expect("has a name")
                .to_string_lossy()
                .into_owned();
            let new = fs::read(&path).expect("reads");
            let old = if kind == "seg" {
                let bytes = log_synced
                    .get(&name)
                    .map_or(0, |bytes| (*bytes as usize).min(new.len()));
                new[..bytes].to_vec()
            } else {
                fs::read(synced.join(folder).join(&name)).unwrap_or_default()
            };
            fs::write(made.path().join(folder).join(name), tear(rng, &old, &new)).expect("writes");
        }
    }
    let mark = |of: &Path| fs::read(of.join("store/durable")).expect("reads");
    fs::write(
        made.path().join("store/durable"),
        torn_mark(rng, &mark(synced), &mark(later)),
    )
    .expect("writes");
    made
}

/// Each page of the durable mark is in its synced or in its last written state.
fn torn_mark(rng: &mut StdRng, old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut mark = new.to_vec();
    for (page, old) in mark.chunks_mut(PAGE).zip(old.chunks(PAGE)) {
        if rng.random_bool(0.5) {
            page.copy_from_slice(old);
        }
    }
    mark
}

/// The synced length of each segment.
fn log_synced(engine: &EmbeddedEngine) -> BTreeMap<String, u64> {
    let writer = engine.writer.lock();
    let name = |number: u32| format!("{number:010}.seg");
    let sealed = writer
        .segments
        .values()
        .map(|segment| (name(segment.number), segment.bytes()));
    let mut synced: BTreeMap<_, _> = sealed.collect();
    synced.insert(name(writer.log.active.number), writer.log.end);
    synced
}

struct Driven {
    engine: Arc<EmbeddedEngine>,
    /// The state after each commit.
    states: Vec<State>,
    /// Index of the last acknowledged state. Later ones may be lost.
    answered: usize,
}

impl Driven {
    async fn commit(&mut self, commit: Commit) {
        self.engine.commit(commit.clone()).await.expect("commits");
        let next = after(&self.states[self.states.len() - 1], &commit);
        self.states.push(next);
        if commit.durable {
            self.answered = self.states.len() - 1;
        }
    }

    async fn sync(&mut self) {
        let (syncing, last) = {
            let writer = self.engine.writer.lock();
            (Arc::clone(&writer.syncing), writer.last_batch)
        };
        syncing.wait(last).expect("syncs");
        self.answered = self.states.len() - 1;
    }
}

/// Opens the store, and returns how many states after the last acknowledged one it is in.
async fn check(path: &Path, driven: &Driven, seed: u64) -> usize {
    let engine = open(path, settings());
    let there: State = contents(&engine)
        .await
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect();
    let states = &driven.states[driven.answered..];
    let found = states.iter().position(|state| *state == there);
    found.unwrap_or_else(|| {
        let older = driven.states.iter().rposition(|state| *state == there);
        panic!(
            "seed {seed}: of {} states, {} is acknowledged, and {older:?} was found",
            driven.states.len() - 1,
            driven.answered
        )
    })
}

/// Commits while nothing of the tree is synced, until a commit has to wait for that. Returns the synced length of
/// each segment, and the waiting commit.
async fn commit_unsynced(rng: &mut StdRng, driven: &mut Driven) -> (BTreeMap<String, u64>, Option<Waiting>) {
    let first = driven.engine.writer.lock().last_batch;
    let mut stands_on_relaxed = false;
    for _ in 0..rng.random_range(1..12) {
        let log = log_synced(&driven.engine);
        let commit = random_commit(rng);
        if stands_on_relaxed && commit.durable {
            let next = after(&driven.states[driven.states.len() - 1], &commit);
            driven.states.push(next);
            let engine = Arc::clone(&driven.engine);
            return (
                log,
                Some(tokio::spawn(async move { engine.commit(commit).await })),
            );
        }
        stands_on_relaxed |= !commit.durable;
        driven.commit(commit).await;
        if driven.engine.writer.lock().last_batch >= first + 2 {
            // Another batch would have to wait.
            break;
        }
    }
    (log_synced(&driven.engine), None)
}

type Waiting = tokio::task::JoinHandle<annals_engine::Result<()>>;

/// Opens stores as power failures may leave them; counts how many unacknowledged commits survived.
async fn run(seed: u64, outcomes: &mut BTreeMap<usize, usize>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().expect("a directory");
    let mut driven = Driven {
        engine: Arc::new(open(directory.path(), settings())),
        states: vec![State::new()],
        answered: 0,
    };
    for _ in 0..4 {
        for _ in 0..rng.random_range(0..30) {
            driven.commit(random_commit(&mut rng)).await;
        }
        // fjall syncs its journal when it flushes, so flush only here, where everything is synced anyway.
        if rng.random_bool(0.5) {
            for keyspace in driven.engine.store.tree.keyspaces() {
                keyspace.rotate_memtable_and_wait().expect("flushes");
            }
        }
        driven.sync().await;
        let synced = copy(directory.path());
        driven.engine.syncing.hold(true);
        let (log, waiting) = commit_unsynced(&mut rng, &mut driven).await;
        let before: u64 = log.values().sum();
        while waiting.is_some() && log_bytes(directory.path()) <= before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if let Some(waiting) = &waiting {
            // Enough time to return if the commit does not wait for the tree; it must not be lost then.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if waiting.is_finished() {
                driven.answered = driven.states.len() - 1;
            }
        }
        let later = copy(directory.path());
        for _ in 0..4 {
            let made = torn(&mut rng, synced.path(), later.path(), &log);
            *outcomes
                .entry(check(made.path(), &driven, seed).await)
                .or_default() += 1;
        }
        driven.engine.syncing.hold(false);
        if let Some(waiting) = waiting {
            waiting.await.expect("ends").expect("commits");
        }
        driven.answered = driven.states.len() - 1;
    }
    let taken = copy(directory.path());
    assert_eq!(check(taken.path(), &driven, seed).await, 0, "seed {seed}");
}

/// Bytes of the log without the zeros at the end of its segments.
fn log_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path.join("store/log")).expect("reads");
    entries
        .map(|entry| {
            let segment = fs::read(entry.expect("reads").path()).expect("reads");
            let last = segment.iter().rposition(|byte| *byte != 0);
            last.map_or(0, |last| last as u64 + 1)
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_loss_of_power_everything_that_was_answered_is_there() {
    let mut outcomes = BTreeMap::new();
    let (first, fresh) = match std::env::var("ANNALS_TEST_SEED") {
        Ok(seed) => (seed.parse().expect("a number"), 0..0),
        Err(_) => {
            let fresh = u64::from(rand::random::<u32>());
            (1, fresh..fresh + FRESH_SEEDS)
        }
    };
    for seed in (first..first + SEEDS).chain(fresh) {
        println!("seed {seed} (ANNALS_TEST_SEED={seed} begins with this)");
        run(seed, &mut outcomes).await;
    }
    println!("unacknowledged commits that survived: {outcomes:?}");
    assert!(
        outcomes.len() > 2,
        "some were lost, and some survived: {outcomes:?}"
    );
}
