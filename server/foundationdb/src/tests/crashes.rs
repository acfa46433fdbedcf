//! Kills processes of the cluster while commits run. Every acknowledged commit must be there, once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use annals_engine::{Commit, Direction, Engine, Error, KeyRange, PageLimit};
use annals_fdbserver::{Cluster, Layout};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::timeout;

use super::{fresh_prefix, open, own_cluster};
use crate::FoundationDbEngine;

annals_installed::tests_that_need!(foundationdb:
    a_single_process_that_is_killed_resumes_with_every_commit_that_returned,
    a_cluster_of_three_goes_on_while_one_is_dead,
);

/// How long a cluster may take to recover after a kill: it waits some seconds for the dead process.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(120);

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

fn log_key(number: u64) -> Bytes {
    [b"log/", &number.to_be_bytes()[..]].concat().into()
}

/// Every commit checks the number of the last one and adds one; its value identifies the attempt that wrote it.
fn commit(number: u64, attempt: u64) -> Commit {
    let head = |number: u64| Bytes::copy_from_slice(&number.to_be_bytes());
    Commit::durable()
        .check(
            Bytes::from_static(b"head"),
            (number > 1).then(|| head(number - 1)),
        )
        .set(Bytes::from_static(b"head"), head(number))
        .set(log_key(number), head(attempt))
}

/// One writer, which runs until it is stopped.
struct Writer {
    engine: FoundationDbEngine,
    stop: AtomicBool,
    /// The last number that was acknowledged, or found after an unknown outcome.
    acknowledged: AtomicU64,
}

impl Writer {
    /// Returns the attempt that wrote each number, and the number of unknown outcomes.
    async fn run(&self) -> (Vec<u64>, u64) {
        let (mut written, mut doubts) = (Vec::new(), 0);
        for attempt in 0.. {
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            let next = written.len() as u64 + 1;
            match self.engine.commit(commit(next, attempt)).await {
                Ok(()) => written.push(attempt),
                Err(Error::MaybeCommitted(_)) => {
                    doubts += 1;
                    match self.look(&log_key(next)).await {
                        Some(found) => {
                            assert_eq!(
                                number(&found),
                                attempt,
                                "{next} was written by an abandoned attempt"
                            );
                            written.push(attempt);
                        }
                        None => continue,
                    }
                }
                Err(Error::Unavailable(_)) => continue,
                // There is no other writer, so a conflict would be with a commit that was believed lost.
                Err(error) => panic!("attempt {attempt} at {next}: {error}"),
            }
            self.acknowledged.store(next, Ordering::Release);
        }
        (written, doubts)
    }

    async fn look(&self, key: &Bytes) -> Option<Bytes> {
        let look = async {
            loop {
                let looked = match self.engine.snapshot().await {
                    Ok(snapshot) => snapshot.get(key.clone()).await,
                    Err(error) => Err(error),
                };
                match looked {
                    Ok(value) => return value,
                    Err(Error::Unavailable(_) | Error::TooOld) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        timeout(RECOVERY_PATIENCE, look)
            .await
            .expect("the cluster responds again")
    }

    /// Returns when another `count` commits are acknowledged.
    async fn goes_on(&self, count: u64) {
        let enough = self.acknowledged.load(Ordering::Acquire) + count;
        let wait = async {
            while self.acknowledged.load(Ordering::Acquire) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(RECOVERY_PATIENCE, wait)
            .await
            .expect("commits continue after a kill");
    }
}

/// Compares the log with the writer's own record of its commits.
async fn check(engine: &FoundationDbEngine, written: &[u64]) {
    let limit = PageLimit {
        entries: 1_000,
        bytes: 1_000_000,
    };
    let mut range = KeyRange::prefix(b"log/");
    let mut found = Vec::new();
    loop {
        let snapshot = engine.snapshot().await.expect("opens");
        let page = snapshot
            .range(range.clone(), Direction::Forwards, limit)
            .await
            .expect("reads");
        for entry in &page.entries {
            assert_eq!(entry.key, log_key(found.len() as u64 + 1), "a gap in the log");
            found.push(number(&entry.value));
        }
        if !page.more {
            break;
        }
        range.start = log_key(found.len() as u64 + 1);
    }
    assert_eq!(found, written);
}

/// Kills processes one after the other, at random moments, while commits run.
async fn survives(cluster: &Cluster, kills: usize, down: impl AsyncFn(&Writer)) {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let writer = Arc::new(Writer {
        engine: open(cluster, &fresh_prefix()).await,
        stop: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
    });
    let running = tokio::spawn({
        let writer = Arc::clone(&writer);
        async move { writer.run().await }
    });
    for kill in 0..kills {
        writer.goes_on(20).await;
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..100_000))).await;
        let process = kill % cluster.len();
        cluster.kill(process);
        down(&writer).await;
        cluster.start_again(process);
    }
    writer.goes_on(20).await;
    writer.stop.store(true, Ordering::Release);
    let (written, doubts) = running.await.expect("the writer ends");
    check(&writer.engine, &written).await;
    println!(
        "{} commits survived {kills} kills; the outcome of {doubts} was unknown",
        written.len()
    );
}

async fn a_single_process_that_is_killed_resumes_with_every_commit_that_returned() {
    let cluster = own_cluster(Layout::SINGLE);
    survives(&cluster, 5, async |_: &Writer| {}).await;
}

async fn a_cluster_of_three_goes_on_while_one_is_dead() {
    let cluster = own_cluster(Layout::DOUBLE);
    // Commits must continue before the dead process is started again.
    survives(&cluster, 3, async |writer: &Writer| writer.goes_on(20).await).await;
}
