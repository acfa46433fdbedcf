//! Kills a process that commits at random moments. Every commit that it reported must still be there.
//!
//! The test starts its own binary again as the process to be killed: the test `committing_process` does nothing
//! unless the environment names a directory.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use annals_embedded::{EmbeddedEngine, Settings};
use annals_engine::{Commit, Direction, Engine, KeyRange, PageLimit};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const DIRECTORY: &str = "ANNALS_TEST_CRASH_DIRECTORY";
const KILLS: u64 = 15;

/// Small sizes, so that folds, new segments, flushes and compactions are in progress when the process dies.
fn settings() -> Settings {
    Settings {
        bulk_prefixes: vec![Bytes::from_static(b"log/")],
        memtable_bytes: 64 * 1_024,
        segment_bytes: 200_000,
        fold_entries: 50,
        ..Settings::default()
    }
}

fn log_key(number: u64) -> Bytes {
    [b"log/", &number.to_be_bytes()[..]].concat().into()
}

fn index_key(number: u64) -> Bytes {
    format!("index/{:03}/{number}", number % 777).into()
}

/// Up to 20,000 bytes that identify the commit that wrote them.
fn value(number: u64) -> Bytes {
    let count = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let words = (0..1 + count % 2_500).flat_map(|word| number.wrapping_mul(word + 1).to_be_bytes());
    words.collect::<Vec<_>>().into()
}

/// True if a commit leaves a value in the log; every sixth does not.
fn is_in_log(number: u64) -> bool {
    !number.is_multiple_of(6)
}

/// Every commit checks the number of the last one and adds one. Two of three are durable.
fn commit(number: u64) -> Commit {
    let head = |number: u64| Bytes::copy_from_slice(&number.to_be_bytes());
    let before = (number > 1).then(|| head(number - 1));
    let commit = if number.is_multiple_of(3) {
        Commit::relaxed()
    } else {
        Commit::durable()
    };
    let commit = commit
        .check(Bytes::from_static(b"head"), before)
        .set(Bytes::from_static(b"head"), head(number))
        .set(index_key(number), Bytes::copy_from_slice(&number.to_be_bytes()));
    if is_in_log(number) {
        commit.set(log_key(number), value(number))
    } else {
        commit
    }
}

async fn head(engine: &EmbeddedEngine) -> u64 {
    let snapshot = engine.snapshot().await.expect("opens");
    let head = snapshot.get(Bytes::from_static(b"head")).await.expect("reads");
    head.map_or(0, |head| {
        u64::from_be_bytes(head[..].try_into().expect("eight bytes"))
    })
}

#[test]
fn committing_process() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let engine = EmbeddedEngine::open(directory, settings()).expect("the store opens");
        let mut out = std::io::stdout();
        let first = head(&engine).await + 1;
        for number in first.. {
            engine.commit(commit(number)).await.expect("commits");
            let kind = if commit(number).durable {
                "durable"
            } else {
                "relaxed"
            };
            writeln!(out, "committed {kind} {number}")
                .and_then(|()| out.flush())
                .expect("prints");
        }
    });
}

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "committing_process", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process starts")
}

/// Kills the process after the delay, counted from its first commit, and returns the last commit it reported as
/// durable.
fn kill_after(mut child: Child, delay: Duration) -> u64 {
    let mut lines = BufReader::new(child.stdout.take().expect("is piped"))
        .lines()
        .map_while(Result::ok);
    let durable = |line: &str| {
        line.rsplit_once("committed durable ")
            .and_then(|(_, n)| n.parse().ok())
    };
    let first = lines
        .by_ref()
        .find(|line| line.contains("committed "))
        .expect("the process commits");
    let reader = std::thread::spawn({
        let first = durable(&first).unwrap_or(0);
        // A line cut off by the kill has a smaller number, which was reported before.
        move || lines.filter_map(|line| durable(&line)).fold(first, u64::max)
    });
    std::thread::sleep(delay);
    child.kill().expect("the process is killed");
    child.wait().expect("the process ends");
    reader.join().expect("the reader ends")
}

/// Reads everything and checks that it is what the first commits wrote, completely, up to the head. Returns the head.
async fn check(engine: &EmbeddedEngine) -> u64 {
    let head = head(engine).await;
    let snapshot = engine.snapshot().await.expect("opens");
    let limit = PageLimit {
        entries: 1_000,
        bytes: 1_000_000,
    };
    let mut range = KeyRange::prefix(b"log/");
    let mut next = 1;
    loop {
        let page = snapshot
            .range(range.clone(), Direction::Forwards, limit)
            .await
            .expect("reads");
        for entry in &page.entries {
            assert_eq!(entry.key, log_key(next), "a gap in the log, the head is {head}");
            assert_eq!(entry.value, value(next), "the value of {next} is damaged");
            let index = snapshot.get(index_key(next)).await.expect("reads");
            assert_eq!(
                index.as_deref(),
                Some(&next.to_be_bytes()[..]),
                "{next} is not in the index"
            );
            next += 1;
            if !is_in_log(next) {
                next += 1;
            }
        }
        if !page.more {
            break;
        }
        range.start = log_key(next);
    }
    let last = if is_in_log(head) { head } else { head - 1 };
    let before_next = if is_in_log(next - 1) { next - 1 } else { next - 2 };
    assert!(
        head == 0 || before_next == last,
        "the head {head} does not match the log, which ends with {before_next}"
    );
    let index = snapshot.range(
        KeyRange::prefix(b"index/"),
        Direction::Forwards,
        PageLimit {
            entries: usize::MAX,
            bytes: usize::MAX,
        },
    );
    assert_eq!(index.await.expect("reads").entries.len() as u64, head);
    head
}

#[tokio::test]
async fn every_durable_commit_that_returned_survives_the_death_of_the_process() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().expect("a directory");
    let mut before = 0;
    for kill in 0..KILLS {
        let delay = Duration::from_micros(rng.random_range(0..300_000));
        let said = kill_after(start(directory.path()), delay);
        let engine =
            EmbeddedEngine::open(directory.path(), settings()).expect("the store opens after a kill");
        let head = check(&engine).await;
        assert!(
            head >= said,
            "kill {kill}: {said} was reported as durable, the log ends at {head}"
        );
        assert!(
            head >= before,
            "kill {kill}: the log went back from {before} to {head}"
        );
        before = head;
    }
    println!("{before} commits survived {KILLS} kills");
    assert!(
        before >= KILLS,
        "the processes hardly committed anything: {before}"
    );
}

#[test]
fn a_process_killed_while_it_creates_the_store_leaves_a_directory_that_opens() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..KILLS {
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = start(directory.path());
        std::thread::sleep(Duration::from_micros(rng.random_range(0..30_000)));
        child.kill().expect("the process is killed");
        child.wait().expect("the process ends");
        drop(EmbeddedEngine::open(directory.path(), settings()).expect("the store opens"));
    }
}
