//! Compares two engines: the same random commits and reads must have the same results.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{contents, everything, pages, random};
use crate::{Direction, Engine, PageLimit, Read, Snapshot};

/// A view of both engines at the same moment.
type Pair = (Box<dyn Snapshot>, Box<dyn Snapshot>);

/// Runs `steps` random steps on two empty engines, and compares every result and, at the end, their whole contents.
///
/// # Panics
/// If the two differ, after printing the seed.
pub async fn compare(seed: u64, steps: usize, engine: Arc<dyn Engine>, model: Arc<dyn Engine>) {
    let run = std::panic::AssertUnwindSafe(run(seed, steps, &*engine, &*model)).catch_unwind();
    if let Err(panic) = Box::pin(run).await {
        eprintln!(
            "engine {} differs from {} with seed {seed}",
            engine.name(),
            model.name()
        );
        std::panic::resume_unwind(panic);
    }
}

async fn run(seed: u64, steps: usize, engine: &dyn Engine, model: &dyn Engine) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut known = BTreeMap::new();
    let mut open: Vec<Pair> = Vec::new();
    for step in 0..steps {
        match rng.random_range(0..10) {
            0..=4 => {
                let commit = random::commit(&mut rng, &known);
                let answers = (
                    engine.commit(commit.clone()).await,
                    model.commit(commit.clone()).await,
                );
                assert_eq!(answers.0, answers.1, "seed {seed}, step {step}: {commit:?}");
                if answers.1.is_ok() {
                    known = all(model).await;
                }
            }
            5..=7 => {
                let pair = both(engine, model).await;
                compare_reads(&mut rng, &known, &pair, step).await;
            }
            // Some views are kept open, and read again after later commits.
            8 => {
                if open.len() == 4 {
                    open.remove(rng.random_range(0..4));
                }
                open.push(both(engine, model).await);
            }
            _ => {
                if !open.is_empty() {
                    let nth = rng.random_range(0..open.len());
                    compare_reads(&mut rng, &known, &open[nth], step).await;
                }
            }
        }
    }
    drop(open);
    assert_eq!(
        contents(engine).await,
        contents(model).await,
        "seed {seed}, after the last step"
    );
}

async fn both(engine: &dyn Engine, model: &dyn Engine) -> Pair {
    (
        engine.snapshot().await.expect("a snapshot opens"),
        model.snapshot().await.expect("a snapshot opens"),
    )
}

/// Executes point reads in one call, and ranges page by page to their end: the engine chooses where a page ends.
async fn compare_reads(rng: &mut StdRng, known: &BTreeMap<Bytes, Bytes>, pair: &Pair, step: usize) {
    let reads: Vec<Read> = (0..rng.random_range(1..6))
        .map(|_| random::read(rng, known))
        .collect();
    let answers = pair.0.read(reads.clone()).await.expect("reads");
    let expected = pair.1.read(reads.clone()).await.expect("reads");
    assert_eq!(answers.len(), reads.len(), "step {step}: {reads:?}");
    for ((read, answer), expected) in reads.into_iter().zip(answers).zip(expected) {
        match read {
            Read::Get(_) => assert_eq!(answer, expected, "step {step}: {read:?}"),
            Read::Range {
                ref range,
                direction,
                limit,
            } => {
                let common = answer.entries.len().min(expected.entries.len());
                assert_eq!(
                    answer.entries[..common],
                    expected.entries[..common],
                    "step {step}: {read:?}"
                );
                assert!(
                    answer.more || answer.entries.len() >= expected.entries.len(),
                    "step {step}: {read:?}"
                );
                let whole = pages(&*pair.0, range.clone(), direction, limit).await;
                let model = pages(&*pair.1, range.clone(), direction, limit).await;
                assert_eq!(whole, model, "step {step}: {read:?}");
            }
        }
    }
}

async fn all(model: &dyn Engine) -> BTreeMap<Bytes, Bytes> {
    let snapshot = model.snapshot().await.expect("a snapshot opens");
    let limit = PageLimit {
        entries: 10_000,
        bytes: usize::MAX,
    };
    let entries = pages(&*snapshot, everything(), Direction::Forwards, limit).await;
    entries
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect()
}
