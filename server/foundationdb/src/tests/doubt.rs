//! Commits of unknown outcome: none is applied after its result.

use std::sync::Arc;
use std::time::Duration;

use annals_engine::{Commit, Engine, Error};
use annals_fdbserver::Layout;
use foundationdb::FdbError;
use tokio::time::timeout;

use super::{PATIENCE, b, fresh_prefix, get, open, own_cluster, set, settings, shared_cluster};
use crate::{FoundationDbEngine, Settings, fault};

annals_installed::tests_that_need!(foundationdb:
    what_is_sent_after_its_fence_is_refused,
    commits_that_are_dropped_halfway_never_change_what_was_seen_afterwards,
    commits_that_time_out_are_settled_by_looking,
);

/// The transaction that a commit would send, built by hand so that it can be sent late.
async fn prepared(engine: &FoundationDbEngine, fence: &[u8]) -> foundationdb::Transaction {
    let shared = engine.shared();
    let transaction = shared.database.create_trx().expect("a transaction");
    transaction.get(fence, false).await.expect("reads");
    transaction.set(&shared.keyspace.key(b"late"), b"applied");
    transaction
}

async fn what_is_sent_after_its_fence_is_refused() {
    let cluster = shared_cluster();
    let engine = open(cluster, &fresh_prefix()).await;
    set(&engine, "head", "1").await;
    let shared = Arc::clone(engine.shared());
    let fence = shared.keyspace.key(b"head");
    for snapshot_closes_it in [true, false] {
        let late = prepared(&engine, &fence).await;
        drop(shared.fences.in_flight(fence.clone()));
        if snapshot_closes_it {
            assert_eq!(get(&engine, "head").await, Some(b("1")));
        } else {
            set(&engine, "other", "1").await;
        }
        let error: FdbError = late.commit().await.expect_err("it comes too late").into();
        assert_eq!(error.code(), fault::NOT_COMMITTED);
        assert_eq!(get(&engine, "late").await, None);
    }
    // Without a fence it would have been applied.
    let in_time = prepared(&engine, &fence).await;
    shared.fences.in_flight(fence).settled();
    assert_eq!(get(&engine, "late").await, None);
    in_time.commit().await.expect("its reads have not changed");
    assert_eq!(get(&engine, "late").await, Some(b("applied")));
}

/// A commit that its caller abandons has an unknown outcome as well.
async fn commits_that_are_dropped_halfway_never_change_what_was_seen_afterwards() {
    let cluster = shared_cluster();
    let engine = open(cluster, &fresh_prefix()).await;
    for round in 0..60_u32 {
        let commit = Commit::durable().set(b("key"), b(&round.to_string()));
        let commit = if round % 2 == 0 {
            commit.check(b("head"), None)
        } else {
            commit
        };
        let dropped = timeout(
            Duration::from_micros(u64::from(round) * 50),
            engine.commit(commit),
        )
        .await;
        let seen = get(&engine, "key").await;
        if dropped.is_ok() {
            assert_eq!(seen, Some(b(&round.to_string())), "round {round}");
        }
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert_eq!(
                get(&engine, "key").await,
                seen,
                "round {round} was applied after its absence was read"
            );
        }
    }
}

/// The cluster pauses in the middle of commits, for longer than they wait, and continues.
async fn commits_that_time_out_are_settled_by_looking() {
    let cluster = own_cluster(Layout::SINGLE);
    let settings = Settings {
        transaction_timeout_ms: 300,
        ..settings(cluster.cluster_file(), &fresh_prefix())
    };
    let engine = FoundationDbEngine::open(settings).await.expect("opens");
    let mut doubts = 0;
    for round in 0..12_u64 {
        let number = round.to_string();
        let pause = async {
            tokio::time::sleep(Duration::from_micros(round * 300)).await;
            tokio::task::block_in_place(|| cluster.pause(0));
            tokio::time::sleep(Duration::from_millis(1_000)).await;
        };
        // In half of the rounds the commit is sent before the pause; in some it never gets that far.
        let commit = Commit::durable()
            .check(b("head"), seen(&engine).await)
            .set(b("head"), b(&number));
        let (answer, ()) = tokio::join!(engine.commit(commit), pause);
        tokio::task::block_in_place(|| cluster.resume(0));
        let now = seen(&engine).await;
        let applied = now == Some(b(&number));
        match answer {
            Ok(()) => assert!(applied, "round {round} was acknowledged but is missing"),
            Err(Error::Unavailable(reason)) => {
                assert!(!applied, "round {round} was refused but is there: {reason}")
            }
            Err(Error::MaybeCommitted(_)) => doubts += 1,
            Err(error) => panic!("round {round}: {error}"),
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(
                seen(&engine).await,
                now,
                "round {round} was applied after its absence was read"
            );
        }
    }
    println!("the outcome of {doubts} of 12 commits was unknown");
}

/// The value of `head`, as soon as the cluster responds.
async fn seen(engine: &FoundationDbEngine) -> Option<bytes::Bytes> {
    let look = async {
        loop {
            let looked = match engine.snapshot().await {
                Ok(snapshot) => snapshot.get(b("head")).await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(value) => return value,
                Err(Error::Unavailable(_) | Error::TooOld) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(PATIENCE, look).await.expect("the cluster responds again")
}
