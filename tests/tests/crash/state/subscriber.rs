//! A client that follows a scope through one server after another: it resumes after the last reported version, whenever
//! a server is killed and sometimes without a reason, or starts over.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annals_proto::v1 as pb;
use annals_tests::{
    checker::{
        CallId,
        state::{StateEntry, StateNotice, StateSubscribeAnswer, StateSubscribeRequest, StateUpdate},
    },
    harness::Refusal,
};
use parking_lot::Mutex;
use pb::{state_update::Update, subscribe_state_response::Content};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tonic::{Status, Streaming};

use super::{
    calls::{ANSWER_PATIENCE, Stubs, entry},
    race::Table,
};

/// What a subscriber has.
#[derive(Debug, Default)]
pub struct View {
    pub scope: String,
    pub prefix: String,
    /// The last version that was reported.
    pub version: u64,
    pub entries: BTreeMap<String, StateEntry>,
}

pub struct Subscriber {
    table: Arc<Table>,
    view: Arc<Mutex<View>>,
    /// Connections to each server; those to the first are used.
    stubs: Vec<Stubs>,
    random: StdRng,
    /// The last subscription, and the last version that it reported.
    place: Option<(CallId, u64)>,
}

impl Subscriber {
    pub fn new(table: Arc<Table>, view: Arc<Mutex<View>>, stubs: Vec<Stubs>, seed: u64) -> Self {
        Self {
            table,
            view,
            stubs,
            random: StdRng::seed_from_u64(seed),
            place: None,
        }
    }

    pub async fn run(mut self) {
        loop {
            if self.random.random_bool(0.1) {
                self.start_over();
            }
            self.subscribe().await;
            self.stubs.rotate_left(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn start_over(&mut self) {
        self.place = None;
        let mut view = self.view.lock();
        view.version = 0;
        view.entries.clear();
    }

    async fn subscribe(&mut self) {
        let (scope, key_prefix) = {
            let view = self.view.lock();
            (view.scope.clone(), view.prefix.clone())
        };
        let call = self.table.history.lock().state_subscribe(StateSubscribeRequest {
            scope: scope.clone(),
            prefix: key_prefix.clone(),
            resumes: self.place,
        });
        let request = pb::SubscribeStateRequest {
            scope,
            key_prefix,
            after_version: self.place.map(|(_, version)| version),
        };
        let begun = tokio::time::timeout(ANSWER_PATIENCE, self.stubs[0].state.subscribe_state(request)).await;
        let answer = match &begun {
            Ok(Ok(_)) => StateSubscribeAnswer::Began,
            Ok(Err(status)) => refused(status),
            Err(_elapsed) => StateSubscribeAnswer::Failed,
        };
        self.table.history.lock().state_subscribe_answered(call, answer);
        if let Ok(Ok(messages)) = begun {
            self.place = self.place.map(|(_, version)| (call, version));
            self.follow(call, messages.into_inner()).await;
        }
    }

    /// Follows a subscription until it breaks off, or is left for another server.
    async fn follow(&mut self, call: CallId, mut messages: Streaming<pb::SubscribeStateResponse>) {
        let until = tokio::time::sleep(Duration::from_millis(self.random.random_range(100..4_000)));
        tokio::pin!(until);
        loop {
            let message = tokio::select! {
                message = messages.message() => message,
                () = &mut until => return,
            };
            let Ok(Some(message)) = message else { return };
            self.take(call, message.content.unwrap());
        }
    }

    fn take(&mut self, call: CallId, content: Content) {
        let notice = match content {
            Content::Updates(updates) => {
                StateNotice::Updates(updates.updates.into_iter().map(update).collect())
            }
            Content::CaughtUp(version) => StateNotice::CaughtUp(version),
            Content::Checkpoint(version) => StateNotice::Checkpoint(version),
        };
        let mut view = self.view.lock();
        if let StateNotice::Updates(updates) = &notice {
            for update in updates {
                match update {
                    StateUpdate::Put(entry) => view.entries.insert(entry.key.clone(), entry.clone()),
                    StateUpdate::Deletion { key, .. } => view.entries.remove(key),
                };
            }
        }
        view.version = notice.version().unwrap();
        self.place = Some((call, view.version));
        self.table.history.lock().state_notice(call, notice);
    }
}

fn refused(status: &Status) -> StateSubscribeAnswer {
    if status.details().is_empty() {
        return StateSubscribeAnswer::Failed;
    }
    let refusal = Refusal::of_status(status);
    let range = || refusal.detail::<pb::StateVersionOutOfRange>("annals.v1.StateVersionOutOfRange");
    match refusal.reason.as_str() {
        "STATE_VERSION_EXPIRED" => StateSubscribeAnswer::Expired(range().first_version),
        "STATE_VERSION_BEYOND_END" => StateSubscribeAnswer::BeyondEnd(range().last_version),
        _ => StateSubscribeAnswer::Failed,
    }
}

fn update(update: pb::StateUpdate) -> StateUpdate {
    match update.update.unwrap() {
        Update::Put(put) => StateUpdate::Put(entry(put)),
        Update::Deletion(deletion) => StateUpdate::Deletion {
            key: deletion.key,
            version: deletion.version,
        },
    }
}
