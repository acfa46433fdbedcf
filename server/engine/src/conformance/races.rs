//! Commits that run at the same time.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::{b, contents, get};
use crate::{Commit, Engine, Error};

/// Of many commits with the same check that change the checked key, exactly one is applied, in every round.
pub async fn of_commits_racing_on_a_check_one_wins(engine: Arc<dyn Engine>) {
    let mut head: Option<Bytes> = None;
    for round in 0..20_u32 {
        let racers = (0..8_u32).map(|racer| {
            let (engine, head) = (Arc::clone(&engine), head.clone());
            tokio::spawn(async move {
                let mine = Bytes::from([round.to_be_bytes(), racer.to_be_bytes()].concat());
                let commit = Commit::durable()
                    .check(b("head"), head)
                    .set(b("head"), mine.clone())
                    .set(mine.clone(), b(""));
                (mine, engine.commit(commit).await)
            })
        });
        let mut winners = Vec::new();
        for answer in join_all(racers).await {
            match answer.expect("a racer ends") {
                (mine, Ok(())) => winners.push(mine),
                (_, answer) => assert_eq!(answer, Err(Error::Conflict)),
            }
        }
        assert_eq!(winners.len(), 1, "in round {round} these won: {winners:?}");
        head = get(&*engine, &b("head")).await;
        assert_eq!(head, winners.pop());
    }
    assert_eq!(
        contents(&*engine).await.len(),
        20 + 1,
        "the losing commits changed something"
    );
}

/// Tasks that increment one number by compare-and-set lose no increment.
pub async fn concurrent_increments_are_all_counted(engine: Arc<dyn Engine>) {
    const TASKS: u64 = 8;
    const EACH: u64 = 25;
    let tasks = (0..TASKS).map(|task| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let mut added = 0;
            while added < EACH {
                let seen = get(&*engine, &b("sum")).await;
                let sum = seen.as_ref().map_or(0, number) + 1;
                let mut commit = Commit::durable().check(b("sum"), seen);
                commit.durable = task % 2 == 0;
                match engine
                    .commit(commit.set(b("sum"), Bytes::copy_from_slice(&sum.to_be_bytes())))
                    .await
                {
                    Ok(()) => added += 1,
                    Err(error) => assert_eq!(error, Error::Conflict),
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("a task ends");
    }
    let sum = get(&*engine, &b("sum")).await.expect("the sum is there");
    assert_eq!(number(&sum), TASKS * EACH);
}

fn number(bytes: &Bytes) -> u64 {
    u64::from_be_bytes(bytes[..].try_into().expect("eight bytes"))
}
