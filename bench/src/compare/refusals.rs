//! Checks before the measurement that a store refuses the appends it must refuse: a store that skips checks does less
//! work.
//!
//! 1. The checks use the same calls as the measurements.
//! 2. A refusal must be the store's own error for it; any other error is a failure.
//! 3. After a refusal, the same append with a correct expectation must succeed. This shows that the check failed and
//!    nothing else.

use serde::Serialize;

use super::reads::{check, one};
use crate::{
    Error, Result,
    load::Supply,
    stores::{Ability, Batch, Client, Name, Store},
};

const LOAD: &str = "checking refusals";
/// Letters of an error text that are shown.
const ANSWER_LETTERS: usize = 160;
/// Events of an append of several.
const EVENTS: u32 = 10;

/// An append that a store refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    store: Name,
    asked: &'static str,
    /// The store's error text.
    answer: String,
}

impl Refusal {
    /// Describes the refusal.
    pub(super) fn words(&self) -> String {
        // Some stores repeat the whole event.
        let answer: String = self.answer.chars().take(ANSWER_LETTERS).collect();
        let more = if answer.len() < self.answer.len() {
            " …"
        } else {
            ""
        };
        format!("{}: {}: refused: {answer}{more}", self.store.text(), self.asked)
    }
}

/// Sends every append that this store must refuse.
pub(super) async fn ask(name: Name, store: &dyn Store, supply: &Supply) -> Result<Vec<Refusal>> {
    let mut refusals = Vec::new();
    if name.is_limit() {
        return Ok(refusals);
    }
    let mut asking = Asking {
        name,
        store,
        client: one(store).await?,
    };
    refusals.push(
        asking
            .stale(supply, "1 event, at a revision that is taken", 1)
            .await?,
    );
    refusals.push(
        asking
            .stale(supply, "10 events, at a revision that is taken", EVENTS)
            .await?,
    );
    if store.lacks(Ability::Condition).is_none() {
        refusals.push(asking.violated(supply).await?);
    }
    Ok(refusals)
}

struct Asking<'a> {
    name: Name,
    store: &'a dyn Store,
    client: Box<dyn Client>,
}

impl Asking<'_> {
    /// Appends other events at a revision that is taken.
    async fn stale(&mut self, supply: &Supply, asked: &'static str, events: u32) -> Result<Refusal> {
        let begin = Batch {
            stream: supply.stream(),
            revision: 0,
            mark: 0,
            first: supply.events(events),
            events,
            labelled: false,
        };
        let mark = self.client.append(begin).await?;
        let first = supply.events(events);
        let answer = self.client.append(Batch { first, ..begin }).await;
        let refusal = self.refused(asked, answer)?;
        let count = self.client.load(begin.stream, events).await?;
        check("the stream after a refusal", count, u64::from(events))?;
        let revision = u64::from(events);
        let next = Batch {
            revision,
            mark,
            first,
            ..begin
        };
        self.client.append(next).await?;
        let count = self.client.load(begin.stream, 2 * events).await?;
        check("the stream after its next append", count, 2 * revision)?;
        Ok(refusal)
    }

    /// Appends an event with a tag that another event already has.
    async fn violated(&mut self, supply: &Supply) -> Result<Refusal> {
        let tag = supply.stream();
        let mark = self.client.append_if(tag, 0, supply.events(1)).await?;
        let number = supply.events(1);
        let answer = self.client.append_if(tag, 0, number).await;
        let refusal = self.refused("1 event, if none has its tag, where one does", answer)?;
        self.client.append_if(tag, mark, number).await?;
        Ok(refusal)
    }

    fn refused(&self, asked: &'static str, answer: Result<u64>) -> Result<Refusal> {
        match answer {
            Err(error) if self.store.is_refusal(&error) => Ok(Refusal {
                store: self.name,
                asked,
                answer: error.to_string(),
            }),
            Err(error) => Err(error),
            Ok(mark) => {
                let problem = format!("{} accepted {asked}, and returned {mark}", self.name.text());
                Err(Error::wrong(LOAD, problem))
            }
        }
    }
}
