//! A client that writes state: one write at a time, with right and wrong checks, and repeatedly with the same id,
//! whatever the earlier outcome was, sometimes through two stores at once.

use std::{sync::Arc, time::Duration};

use annals_store as store;
use annals_store::{Error, Rejection, StateWrite};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use super::{Parts, reader};
use crate::{
    checker::state::{FailedStateCheck, StateAnswer},
    simulation::{
        coverage::Event,
        world::{Running, World},
    },
};

/// Pause after which the stores remove expired deletions again.
const EXPIRY: Duration = Duration::from_secs(61);

struct Writer {
    world: Arc<World>,
    rng: StdRng,
    /// Earlier writes.
    sent: Vec<(Uuid, Parts)>,
    /// The store that it used last.
    node: Option<usize>,
}

pub(super) async fn run(world: Arc<World>, number: u64) {
    let mut writer = Writer {
        rng: world.plan.rng("state writer", number),
        world,
        sent: Vec::new(),
        node: None,
    };
    for _ in 0..writer.world.plan.state.writes {
        let ms = writer.rng.random_range(0..150);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        // A store that is restarted removes them when it opens.
        if writer.world.plan.restart_every.is_none() && writer.rng.random_bool(0.1) {
            tokio::time::sleep(EXPIRY).await;
        }
        writer.insist().await;
    }
}

impl Writer {
    /// Makes a write, and retries it where appropriate.
    async fn insist(&mut self) {
        let (id, parts) = self.next_write().await;
        let mut answer = self.send(id, &parts).await;
        for _ in 0..3 {
            let chance = match answer {
                StateAnswer::Unknown => 0.85,
                StateAnswer::Written { .. } | StateAnswer::Failed(_) => 0.1,
                StateAnswer::Refused | StateAnswer::IdConflict => 0.0,
            };
            if !self.rng.random_bool(chance) {
                break;
            }
            if answer == StateAnswer::Unknown {
                self.world.coverage.count(Event::StateRetryAfterUnknown);
            }
            let ms = self.rng.random_range(0..600);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer = self.send(id, &parts).await;
        }
        if answer == StateAnswer::Unknown {
            self.world.state.open.lock().push((id, parts.clone()));
        }
        self.sent.push((id, parts));
    }

    /// A new write, or one that was made long ago, sometimes with other content.
    async fn next_write(&mut self) -> (Uuid, Parts) {
        if self.rng.random_bool(0.12)
            && let Some((id, parts)) = self.sent.choose(&mut self.rng).cloned()
        {
            let parts = if self.rng.random_bool(0.25) {
                Parts::draw(&self.world, &mut self.rng)
            } else {
                parts
            };
            return (id, parts);
        }
        if self.rng.random_bool(0.3)
            && let Some(running) = self.world.any(&mut self.rng).await
        {
            reader::read_any(&self.world, &running, &mut self.rng).await;
        }
        let id = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        (id, Parts::draw(&self.world, &mut self.rng))
    }

    /// Sends a write, and waits for the response.
    async fn send(&mut self, id: Uuid, parts: &Parts) -> StateAnswer {
        let Some(running) = self.world.any(&mut self.rng).await else {
            return StateAnswer::Refused;
        };
        if self
            .node
            .replace(running.node)
            .is_some_and(|node| node != running.node)
        {
            self.world.coverage.count(Event::StateWriteThroughAnotherStore);
        }
        if self.rng.random_bool(0.1)
            && let Some(other) = self.world.any(&mut self.rng).await
        {
            self.world.coverage.count(Event::StateWrittenTwiceAtOnce);
            // Sometimes another write with the same id, of which only one must be made.
            let other_parts = if self.rng.random_bool(0.3) {
                Parts::draw(&self.world, &mut self.rng)
            } else {
                parts.clone()
            };
            let (answer, other) = tokio::join!(
                biased;
                send(&self.world, &running, id, parts),
                send(&self.world, &other, id, &other_parts),
            );
            if other_parts == *parts {
                return if answer == StateAnswer::Unknown {
                    other
                } else {
                    answer
                };
            }
            if other == StateAnswer::Unknown {
                self.world.state.open.lock().push((id, other_parts));
            }
            return answer;
        }
        send(&self.world, &running, id, parts).await
    }
}

/// Sends a write, and records it.
pub(super) async fn send(world: &World, running: &Running, id: Uuid, parts: &Parts) -> StateAnswer {
    let Parts { changes, checks } = parts;
    let call = world
        .history
        .lock()
        .state_write(id, changes.clone(), checks.clone());
    let limits = &world.plan.settings.limits;
    let answer = match StateWrite::new(id, parts.store_changes(), parts.store_checks(), limits) {
        Ok(write) => {
            let written = running.store.write_state(write);
            let result = running.call(world, "a write of state", written).await;
            result.map_or(StateAnswer::Unknown, |result| answer(world, running, result))
        }
        Err(error) => {
            world.fail(format!("a write of state was not taken: {error}"));
            StateAnswer::Refused
        }
    };
    let event = match &answer {
        StateAnswer::Written {
            already_written: true,
            ..
        } => Some(Event::StateAlreadyWritten),
        StateAnswer::Written { .. } => Some(Event::StateWritten),
        StateAnswer::Failed(_) => Some(Event::StateChecksFailed),
        StateAnswer::IdConflict => Some(Event::StateIdConflict),
        // More writes would have to wait than there are clients.
        StateAnswer::Refused => None,
        StateAnswer::Unknown => Some(Event::StateWriteUnknown),
    };
    if let Some(event) = event {
        world.coverage.count(event);
    }
    world.state.hear(parts, &answer);
    world.history.lock().state_write_answered(call, answer.clone());
    answer
}

/// The meaning of a store's response. After any other error the write may have been made.
fn answer(world: &World, running: &Running, result: store::Result<store::StateWritten>) -> StateAnswer {
    match result {
        Ok(written) => StateAnswer::Written {
            versions: written.versions,
            changed_at: Some(written.changed_at.micros),
            already_written: written.already_written,
        },
        Err(Error::Rejected(Rejection::ChecksFailed { failed, .. })) => {
            StateAnswer::Failed(self::failed(&failed))
        }
        Err(Error::Rejected(Rejection::StateIdConflict { .. })) => StateAnswer::IdConflict,
        Err(Error::Overloaded(_)) => StateAnswer::Refused,
        Err(error) => {
            world.judge(running.node, &error);
            StateAnswer::Unknown
        }
    }
}

/// The failed checks of state.
pub(in crate::simulation) fn failed(failed: &[store::FailedCheck]) -> Vec<FailedStateCheck> {
    let of_state = failed.iter().filter_map(|failed| match failed {
        store::FailedCheck::State { index, actual, .. } => Some(FailedStateCheck {
            index: *index,
            actual: *actual,
        }),
        store::FailedCheck::Stream { .. } | store::FailedCheck::Match { .. } => None,
    });
    of_state.collect()
}
