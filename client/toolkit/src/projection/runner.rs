//! The task of a running projection: which generation it follows, and how another replaces it.
//!
//! 1. The live generation is followed, and at most one other is built next to it.
//! 2. The switch happens when the other has caught up. At that point the old one is no longer updated, because the
//!    switch removes it.
//! 3. A rebuild requested while another is in progress joins that one.

use std::convert::Infallible;
use std::sync::Arc;

use annals_client::Position;
use tokio::sync::{mpsc, oneshot};

use super::follower::{Follower, Goal, Halt, Parts};
use super::{ProjectionError, State, reason};
use crate::store::{Generation, ReadModelStore, StoreError};

/// The caller that waits for a rebuild.
pub(super) type Rebuild = oneshot::Sender<Result<(), ProjectionError>>;

pub(super) struct Runner<S: ReadModelStore> {
    parts: Arc<Parts<S>>,
    requests: mpsc::Receiver<Rebuild>,
    /// The callers that wait for the rebuild in progress.
    waiting: Vec<Rebuild>,
}

impl<S: ReadModelStore> Runner<S> {
    pub(super) fn new(parts: Arc<Parts<S>>, requests: mpsc::Receiver<Rebuild>) -> Self {
        Runner {
            parts,
            requests,
            waiting: Vec::new(),
        }
    }

    /// Runs until it fails.
    pub(super) async fn run(mut self) {
        let error = loop {
            match self.serve().await {
                Ok(never) => match never {},
                // Another process has switched: start over with the generation that is live now.
                Err(Halt::Removed) => self.answer(Ok(())),
                Err(Halt::Failed(error)) => break error,
                // These are retried below; they get here only if a store violates its contract.
                Err(Halt::Superseded | Halt::Passing(_)) => {}
            }
        };
        tracing::error!(projection = self.parts.definition.name, %error, "projection failed");
        self.parts.progress.send_modify(|progress| {
            progress.state = State::Failed;
            progress.last_error = Some(error.to_string().into());
            progress.failure = Some(error.clone());
        });
        self.answer(Err(error));
    }

    fn answer(&mut self, result: Result<(), ProjectionError>) {
        for waiting in self.waiting.drain(..) {
            // The caller may have stopped waiting.
            drop(waiting.send(result.clone()));
        }
    }

    async fn serve(&mut self) -> Result<Infallible, Halt> {
        let (live, unfinished) = self.parts.begin().await?;
        let own = self.parts.definition.version;
        if live.version > own {
            return Err(Halt::Failed(ProjectionError::NewerVersion {
                name: self.parts.definition.name.clone(),
                made_by: live.version,
                given: own,
            }));
        }
        if live.version == own {
            let live = Follower::new(self.parts.clone(), live, true);
            return self.follow(live, unfinished).await;
        }
        // Readers continue to use the generation of the older code, which this code must not change.
        self.parts
            .progress
            .send_modify(|progress| progress.state = State::Rebuilding);
        let built = self.parts.build().await?;
        let live = self.parts.switch(built).await?;
        self.follow(live, false).await
    }

    /// Follows the live generation, and builds another when that is requested.
    async fn follow(&mut self, mut live: Follower<S>, unfinished: bool) -> Result<Infallible, Halt> {
        // A rebuild was in progress when its process ended.
        let mut building = unfinished || !self.waiting.is_empty();
        loop {
            if !building {
                tokio::select! {
                    ended = live.run(Goal::Never) => ended?,
                    request = self.requests.recv() => match request {
                        Some(request) => self.waiting.push(request),
                        // No caller can request one any more.
                        None => live.run(Goal::Never).await?,
                    },
                }
            }
            building = false;
            let built = tokio::select! {
                ended = live.run(Goal::Never) => match ended {
                    Ok(()) => continue,
                    Err(halt) => return Err(halt),
                },
                built = self.parts.build() => built,
            };
            while let Ok(request) = self.requests.try_recv() {
                self.waiting.push(request);
            }
            // From here on the old generation is not followed.
            let switched = match built {
                Ok(built) => self.parts.switch(built).await,
                Err(halt) => Err(halt),
            };
            match switched {
                Ok(next) => {
                    live = next;
                    self.answer(Ok(()));
                }
                Err(Halt::Failed(error)) => {
                    let name = &self.parts.definition.name;
                    tracing::error!(projection = name, %error, "rebuilding the read model failed");
                    self.answer(Err(error));
                }
                Err(halt) => return Err(halt),
            }
        }
    }
}

impl<S: ReadModelStore> Parts<S> {
    /// Returns the live generation, which is created if there is none yet; and whether another is being built.
    async fn begin(&self) -> Result<(Generation, bool), Halt> {
        let mut failed = 0;
        loop {
            match self.begin_once().await {
                Err(halt) => {
                    failed += 1;
                    if let Halt::Passing(error) = &halt {
                        let told = reason(error).into();
                        self.progress
                            .send_modify(|progress| progress.last_error = Some(told));
                    }
                    self.pause(failed, halt).await?;
                }
                begun => return begun,
            }
        }
    }

    async fn begin_once(&self) -> Result<(Generation, bool), Halt> {
        let name = &self.definition.name;
        let stored = self.store.generations(name).await;
        let stored = stored.map_err(|error| self.of_store(error))?;
        if let Some(live) = stored.iter().find(|one| one.live) {
            return Ok((live.clone(), stored.len() > 1));
        }
        Ok((self.create(1, true).await?, false))
    }

    async fn create(&self, number: u32, live: bool) -> Result<Generation, Halt> {
        let info = self
            .client
            .server_info()
            .await
            .map_err(|error| self.of_client(error))?;
        let created = self
            .store
            .create(&self.definition, number, info.store_id, live)
            .await;
        created.map_err(|error| self.of_store(error))
    }

    /// Builds a generation from the beginning, or continues an unfinished one, until it has caught up.
    async fn build(self: &Arc<Self>) -> Result<Follower<S>, Halt> {
        let mut failed = 0;
        loop {
            match self.build_once().await {
                // Another process has removed it.
                Err(Halt::Removed) => {}
                Err(halt) => {
                    failed += 1;
                    self.pause(failed, halt).await?;
                }
                built => return built,
            }
        }
    }

    async fn build_once(self: &Arc<Self>) -> Result<Follower<S>, Halt> {
        let generation = self.building().await?;
        let mut follower = Follower::new(self.clone(), generation, false);
        follower.run(Goal::CaughtUp).await?;
        Ok(follower)
    }

    /// The generation to build: the unfinished one, if it was started with this version of the code.
    async fn building(&self) -> Result<Generation, Halt> {
        let name = &self.definition.name;
        let stored = self.store.generations(name).await;
        let stored = stored.map_err(|error| self.of_store(error))?;
        for other in stored.iter().filter(|one| !one.live) {
            if other.version == self.definition.version {
                return Ok(other.clone());
            }
            let removed = self.store.remove(&self.definition, other.number).await;
            removed.map_err(|error| self.of_store(error))?;
        }
        let last = stored.iter().map(|one| one.number).max();
        self.create(last.unwrap_or(0) + 1, false).await
    }

    /// Makes a generation that has caught up the live one.
    async fn switch(&self, mut next: Follower<S>) -> Result<Follower<S>, Halt> {
        let mut failed = 0;
        loop {
            let switched = self.store.switch(&self.definition, next.generation.number).await;
            let halt = match switched {
                Ok(()) => {
                    next.live = true;
                    next.generation.live = true;
                    next.publish_state();
                    next.report();
                    return Ok(next);
                }
                // The generation no longer exists.
                Err(StoreError::Superseded) => return Err(Halt::Removed),
                // It had caught up, but the log has grown since.
                Err(StoreError::Behind) => match self.go_on(&mut next).await {
                    Ok(()) => continue,
                    Err(halt) => halt,
                },
                Err(error) => self.of_store(error),
            };
            failed += 1;
            self.pause(failed, halt).await?;
        }
    }

    /// Continues with a generation until it has reached the position of the live one.
    async fn go_on(&self, next: &mut Follower<S>) -> Result<(), Halt> {
        let stored = self.store.generations(&self.definition.name).await;
        let stored = stored.map_err(|error| self.of_store(error))?;
        let live = stored.iter().find(|one| one.live);
        next.run(Goal::Position(live.map_or(Position::START, |live| live.position)))
            .await
    }
}
