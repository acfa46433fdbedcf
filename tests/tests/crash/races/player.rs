//! One client of a race. It sends each call once, without retries, so that the checker sees every call.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use annals_proto::v1 as pb;
use annals_tests::{
    checker::{
        CallId, Observed, ReadAnswer, ReadRequest, Target,
        conditions::{Answer, Found},
    },
    harness::{Refusal, Stub},
};
use pb::{pipelined_append::Append as Request, pipelined_result::Result as Outcome};
use rand::Rng;
use tonic::Status;

use super::{
    draw::Draw,
    race::Table,
    record::{answered, described, filter, of_outcome, seen},
};

/// How long it waits for a response before it counts as lost.
const ANSWER_PATIENCE: Duration = Duration::from_secs(3);

pub struct Player {
    table: Arc<Table>,
    /// One connection to each server; the first is used.
    stubs: Vec<Stub>,
    draw: Draw,
}

impl Player {
    pub fn new(table: Arc<Table>, stubs: Vec<Stub>, seed: u64) -> Self {
        Self {
            table,
            stubs,
            draw: Draw::new(seed),
        }
    }

    pub async fn run(mut self) {
        while !self.table.stop.load(Ordering::Relaxed) {
            let table = Arc::clone(&self.table);
            let _racing = table.gate.read().await;
            let was_lost = match self.draw.random().random_range(0..10) {
                0..3 => self.decide().await,
                3..5 => self.in_pipeline().await,
                5 => self.twice().await,
                _ => {
                    let append = self.draw.append();
                    self.alone(append).await
                }
            };
            if was_lost {
                self.stubs.rotate_left(1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            } else if self.stubs.len() > 1 && self.draw.random().random_bool(0.05) {
                // Knowledge from one server is valid on another.
                self.stubs.rotate_left(1);
            }
        }
    }

    /// Reads, and appends on the condition that no append came in between.
    async fn decide(&mut self) -> bool {
        let query = self.draw.query();
        let was_lost = self.read(query.clone()).await;
        if was_lost {
            return true;
        }
        let append = self.draw.decided(query);
        self.alone(append).await
    }

    /// Reads the last matches, or those since a position; returns whether the response was lost.
    async fn read(&mut self, query: pb::Query) -> bool {
        let backwards = self.draw.random().random_bool(0.5);
        let back = self.draw.random().random_range(0..40);
        let from = (!backwards).then(|| self.draw.head.saturating_sub(back) + 1);
        let limit = backwards.then_some(5);
        let call = self.table.history.lock().read(ReadRequest {
            target: Target::Log,
            backwards,
            from,
            limit,
            filter: filter(&query),
        });
        let request = pb::ReadAllRequest {
            direction: if backwards {
                pb::Direction::Backwards.into()
            } else {
                pb::Direction::Forwards.into()
            },
            from_position: from,
            limit,
            query: Some(query),
            ..pb::ReadAllRequest::default()
        };
        let read = tokio::time::timeout(ANSWER_PATIENCE, read_all(&mut self.stubs[0], request)).await;
        let answer = match read {
            Ok(Ok((head, events))) => {
                self.draw.learn(head);
                ReadAnswer::Events {
                    head,
                    last_revision: None,
                    events,
                    complete: true,
                }
            }
            Ok(Err(status)) if !status.details().is_empty() => {
                let refusal = Refusal::of_status(&status);
                match refusal.reason.as_str() {
                    "POSITION_BEYOND_HEAD" => {
                        let beyond: pb::PositionBeyondHead = refusal.detail("annals.v1.PositionBeyondHead");
                        ReadAnswer::BeyondEnd(Some(beyond.head))
                    }
                    _ => ReadAnswer::Failed,
                }
            }
            Ok(Err(_)) | Err(_) => ReadAnswer::Failed,
        };
        let was_lost = answer == ReadAnswer::Failed;
        self.table.history.lock().read_answered(call, answer);
        self.count(was_lost);
        was_lost
    }

    /// Sends an append in a single call; returns whether the response was lost.
    async fn alone(&mut self, append: pb::PipelinedAppend) -> bool {
        let call = self.table.history.lock().append(described(&append), None);
        let answer = send(self.stubs[0].clone(), append.clone()).await;
        self.settle(call, append, answer)
    }

    /// Sends an append in two calls at once, like an impatient program, or a load balancer that retries; to two
    /// servers, if there are several. Returns whether a response was lost.
    async fn twice(&mut self) -> bool {
        let append = self.draw.append();
        let calls = {
            let mut history = self.table.history.lock();
            [(); 2].map(|()| history.append(described(&append), None))
        };
        let another = self.stubs[1 % self.stubs.len()].clone();
        let (first, second) = tokio::join!(
            send(self.stubs[0].clone(), append.clone()),
            send(another, append.clone())
        );
        // Both responses are recorded here, so that neither is known to have come before the other.
        let lost = [
            self.settle(calls[0], append.clone(), first),
            self.settle(calls[1], append, second),
        ];
        lost.contains(&true)
    }

    /// Sends a few appends in a pipeline; returns whether responses were lost.
    async fn in_pipeline(&mut self) -> bool {
        let pipeline = self.table.pipelines.fetch_add(1, Ordering::Relaxed);
        let count = self.draw.random().random_range(2..10);
        let mut appends: Vec<pb::PipelinedAppend> = (0..count).map(|_| self.draw.append()).collect();
        if self.draw.random().random_bool(0.3) {
            // Repeated before the first has a response.
            appends.push(appends[0].clone());
        }
        let calls: Vec<CallId> = {
            let mut history = self.table.history.lock();
            appends
                .iter()
                .map(|append| history.append(described(append), Some(pipeline)))
                .collect()
        };
        // Some in separate messages, some together.
        let size = self.draw.random().random_range(1..=appends.len());
        let messages: Vec<pb::AppendPipelineRequest> = appends
            .chunks(size)
            .map(|appends| pb::AppendPipelineRequest {
                appends: appends.to_vec(),
            })
            .collect();
        let stub = &mut self.stubs[0];
        let mut outcomes = Vec::new();
        let calling = async {
            let mut answers = stub
                .append_pipeline(tokio_stream::iter(messages))
                .await?
                .into_inner();
            while let Some(message) = answers.message().await? {
                outcomes.extend(message.results);
            }
            Ok::<_, Status>(())
        };
        // Broken or not, the results that came are responses.
        let _ = tokio::time::timeout(ANSWER_PATIENCE, calling).await;
        assert!(outcomes.len() <= appends.len(), "more results than appends");
        let mut outcomes = outcomes.into_iter();
        let mut was_lost = false;
        for (call, append) in calls.into_iter().zip(appends) {
            let answer = outcomes.next().map_or(Answer::Unknown, |outcome| {
                of_outcome(&append, outcome.result.unwrap())
            });
            was_lost |= self.settle(call, append, answer);
        }
        was_lost
    }

    /// Records a response and learns from it; returns whether it was lost.
    fn settle(&mut self, call: CallId, append: pb::PipelinedAppend, answer: Answer) -> bool {
        match &answer {
            Answer::Written(written) => {
                self.draw.learn(written.last_position);
                for (stream, _, last) in &written.streams {
                    self.draw.learn_revision(stream, Some(*last));
                }
            }
            Answer::ChecksFailed(failed) => {
                for check in &failed.failed {
                    match &check.found {
                        Found::Stream { stream, actual } => self.draw.learn_revision(stream, *actual),
                        Found::Match { position, .. } => self.draw.learn(*position),
                    }
                }
            }
            Answer::BeyondHead { head, .. } => self.draw.learn(*head),
            Answer::IdConflict { .. } | Answer::Refused | Answer::Unknown => {}
        }
        let was_lost = answer == Answer::Unknown;
        self.table.history.lock().append_answered(call, answer);
        self.count(was_lost);
        // Half of the lost ones are retried at once, like a program would; the outcome of the others stays unknown
        // until later.
        let at_once = was_lost && self.draw.random().random_bool(0.5);
        self.draw.remember(append, at_once);
        was_lost
    }

    fn count(&self, was_lost: bool) {
        if !was_lost {
            self.table.answers.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn send(mut stub: Stub, append: pb::PipelinedAppend) -> Answer {
    let request = append.append.clone().unwrap();
    let calling = async {
        match request {
            Request::AppendToStream(append) => {
                let told = stub.append_to_stream(append).await?;
                Ok(Outcome::AppendedToStream(told.into_inner()))
            }
            Request::AppendToMany(append) => {
                let told = stub.append_to_many(append).await?;
                Ok(Outcome::AppendedToMany(told.into_inner()))
            }
        }
    };
    let result = tokio::time::timeout(ANSWER_PATIENCE, calling).await;
    let result = result.unwrap_or_else(|_elapsed| Err(Status::deadline_exceeded("no answer in time")));
    answered(&append, result)
}

async fn read_all(stub: &mut Stub, request: pb::ReadAllRequest) -> Result<(u64, Vec<Observed>), Status> {
    let mut messages = stub.read_all(request).await?.into_inner();
    let (mut head, mut events) = (0, Vec::new());
    while let Some(message) = messages.message().await? {
        head = message.head;
        events.extend(message.events.into_iter().map(seen));
    }
    Ok((head, events))
}
