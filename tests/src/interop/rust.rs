//! The Rust client, which receives steps like the clients of other languages.

mod answers;
mod odd;
mod state;
mod steps;

use std::{collections::HashMap, time::Duration};

use annals_client::{
    Append, Client, Error, Read, StateSubscription, StateWrite, Subscribe, Subscription, Timestamp,
};
use serde_json::{Value, json};

use self::steps::{AppendTo, Check, ReadOfLog, ReadOfStream, Step, SubscribeTo};

/// Interval between polls of a scavenge.
const SCAVENGE_LOOK_EVERY: Duration = Duration::from_millis(20);

/// The outcome of a step: a response, or why there is none.
type Outcome = Result<Value, Failure>;

/// Why there is no response.
enum Failure {
    /// The client returned an error.
    Client(Error),
    /// The step cannot be performed.
    Unknown(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

/// The client of the last `connect`, and its subscriptions.
#[derive(Debug, Default)]
pub(super) struct RustClient {
    client: Option<Client>,
    subscriptions: HashMap<String, Followed>,
}

/// A subscription to the log or to state.
#[derive(Debug)]
enum Followed {
    Log(Subscription),
    State(Box<StateSubscription>),
}

impl RustClient {
    /// Performs a step like other clients: takes an object with `do` and `with`, returns one with `gives`, `fails` or
    /// `unknown`.
    pub(super) async fn perform(&mut self, step: Value) -> Value {
        let outcome = match serde_json::from_value(step) {
            Ok(step) => self.outcome(step).await,
            Err(error) => Err(Failure::Unknown(error.to_string())),
        };
        answer(outcome)
    }

    async fn outcome(&mut self, step: Step) -> Outcome {
        if let Step::Connect { endpoint } = step {
            self.subscriptions.clear();
            self.client = Some(Client::new(endpoint)?);
            return Ok(json!({}));
        }
        let client = self.client.clone();
        let client = client.ok_or_else(|| Failure::Unknown("connect comes first".to_owned()))?;
        match step {
            Step::Connect { .. } => Err(Failure::Unknown("connect was performed above".to_owned())),
            Step::Json { value } => odd::event(&value),
            Step::ServerInfo {} => Ok(answers::server_info(&client.server_info().await?)),
            Step::Append(append) => append_to(&client, append).await,
            Step::AppendToMany {
                writes,
                checks,
                state_changes,
                state_checks,
            } => {
                let state = steps::state_write(state_changes, state_checks);
                append_to_many(&client, writes, checks, state).await
            }
            Step::AppendPipeline { appends } => append_pipeline(&client, appends).await,
            Step::ReadStream(read) => read_stream(&client, read).await,
            Step::ReadAll(read) => read_all(&client, read).await,
            Step::Subscribe(subscribe) => self.subscribe(&client, subscribe).await,
            Step::Take { name, count } => self.take(&name, count).await,
            Step::Unsubscribe { name } => match self.subscriptions.remove(&name) {
                Some(_) => Ok(json!({})),
                None => Err(no_subscription(&name)),
            },
            Step::SubscribeState {
                name,
                scope,
                prefix,
                after_version,
            } => {
                let subscription = state::subscribe(&client, scope, prefix, after_version).await?;
                self.subscriptions
                    .insert(name, Followed::State(Box::new(subscription)));
                Ok(json!({}))
            }
            step => about_streams(&client, step).await,
        }
    }

    async fn subscribe(&mut self, client: &Client, step: SubscribeTo) -> Outcome {
        let subscription = match &step.stream {
            Some(stream) => {
                let mut subscribe = client.subscribe_stream(stream);
                if let Some(revision) = step.after {
                    subscribe = subscribe.after_revision(revision);
                }
                subscribe_with(subscribe, &step).await?
            }
            None => {
                let mut subscribe = client.subscribe_all();
                if let Some(position) = step.after {
                    subscribe = subscribe.after(position);
                }
                subscribe_with(subscribe, &step).await?
            }
        };
        self.subscriptions.insert(step.name, Followed::Log(subscription));
        Ok(json!({}))
    }

    async fn take(&mut self, name: &str, count: usize) -> Outcome {
        let subscription = self.subscriptions.get_mut(name);
        let subscription = subscription.ok_or_else(|| no_subscription(name))?;
        let mut items = Vec::with_capacity(count);
        while items.len() < count {
            items.push(match subscription {
                Followed::State(subscription) => answers::state_item(&subscription.next().await?),
                Followed::Log(subscription) => {
                    let item = subscription.next().await;
                    let ended = || Failure::Unknown("the subscription has ended".to_owned());
                    answers::item(&item.ok_or_else(ended)??)
                }
            });
        }
        Ok(json!({"items": items}))
    }
}

fn answer(outcome: Outcome) -> Value {
    match outcome {
        Ok(gives) => json!({"gives": gives}),
        Err(Failure::Client(error)) => json!({"fails": answers::error(&error)}),
        Err(Failure::Unknown(why)) => json!({"unknown": why}),
    }
}

fn subscribe_with<To>(subscribe: Subscribe<To>, step: &SubscribeTo) -> Subscribe<To> {
    let subscribe = subscribe.query(step.query.clone());
    match step.from_end {
        true => subscribe.from_end(),
        false => subscribe,
    }
}

fn no_subscription(name: &str) -> Failure {
    Failure::Unknown(format!("there is no subscription {name:?}"))
}

async fn append_to(client: &Client, append: AppendTo) -> Outcome {
    let appended = client
        .append(
            append.stream,
            append.expected.into(),
            steps::events(append.events),
        )
        .await?;
    Ok(answers::appended(&appended))
}

async fn append_to_many(
    client: &Client,
    writes: Vec<steps::Write>,
    checks: Vec<Check>,
    state: StateWrite,
) -> Outcome {
    let mut append = Append::new().write_state(state);
    for write in writes {
        let events = steps::events(write.events);
        append = match write.expected {
            Some(expected) => append.write_expecting(write.stream, expected.into(), events),
            None => append.write(write.stream, events),
        };
    }
    for check in checks {
        append = match check {
            Check::Stream(check) => append.expect_stream(check.stream, check.expected.into()),
            Check::NoMatch(check) => append.expect_no_match(check.no_match, check.after),
        };
    }
    Ok(answers::appended_all(&client.append_to_many(append).await?))
}

async fn append_pipeline(client: &Client, appends: Vec<AppendTo>) -> Outcome {
    let pipeline = client.append_pipeline();
    let mut waiting = Vec::with_capacity(appends.len());
    for append in appends {
        let events = steps::events(append.events);
        waiting.push(
            pipeline
                .append(append.stream, append.expected.into(), events)
                .await?,
        );
    }
    let mut results = Vec::with_capacity(waiting.len());
    for result in waiting {
        let appended = result.await.map(|appended| answers::appended(&appended));
        results.push(answer(appended.map_err(Failure::Client)));
    }
    Ok(json!({"results": results}))
}

async fn read_stream(client: &Client, step: ReadOfStream) -> Outcome {
    let mut read = client.read_stream(step.stream).query(step.query);
    if let Some(revision) = step.until_revision {
        read = read.until_revision(revision);
    }
    if let Some(revision) = step.from {
        read = read.from_revision(revision);
    }
    read_events(read, step.limit, step.backwards, step.until_time).await
}

async fn read_all(client: &Client, step: ReadOfLog) -> Outcome {
    let mut read = client.read_all().query(step.query);
    if let Some(position) = step.until_position {
        read = read.until_position(position);
    }
    if let Some(position) = step.from {
        read = read.from_position(position);
    }
    read_events(read, step.limit, step.backwards, step.until_time).await
}

async fn read_events<Of>(
    mut read: Read<Of>,
    limit: Option<u64>,
    backwards: bool,
    until_micros: Option<i64>,
) -> Outcome {
    if backwards {
        read = read.backwards();
    }
    if let Some(limit) = limit {
        read = read.limit(limit);
    }
    if let Some(micros) = until_micros {
        read = read.until_time(time(micros)?);
    }
    let events = read.await?;
    let (head, last_revision) = (events.head(), events.last_revision());
    let events = events.collect().await?;
    Ok(answers::read(head, last_revision, &events))
}

fn time(micros: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_microsecond(micros).map_err(|error| Failure::Unknown(error.to_string()))
}

async fn about_streams(client: &Client, step: Step) -> Outcome {
    match step {
        Step::StreamInfo { stream } => Ok(answers::stream_info(&client.stream_info(stream).await?)),
        Step::ListStreams { prefix } => {
            let mut listed = client.list_streams(prefix);
            let mut streams = Vec::new();
            while let Some(stream) = listed.next().await {
                streams.push(answers::stream_info(&stream?));
            }
            Ok(json!({"streams": streams}))
        }
        Step::PositionAtTime { time: micros } => {
            let position = client.position_at_time(time(micros)?).await?;
            Ok(json!({"position": position}))
        }
        Step::SetRetention {
            stream,
            retention,
            expected_version,
        } => {
            let set = client.set_retention_if_version(stream, retention.into(), expected_version);
            Ok(answers::retention_info(&set.await?))
        }
        Step::Retention { stream } => Ok(answers::retention_info(&client.retention(stream).await?)),
        Step::SetPrefixRetention {
            prefix,
            retention,
            expected_version,
        } => {
            let set = client.set_prefix_retention_at(prefix, retention.into(), expected_version);
            Ok(answers::prefix_retention(&set.await?))
        }
        Step::PrefixRetention { prefix } => {
            Ok(answers::prefix_retention(&client.prefix_retention(prefix).await?))
        }
        Step::PrefixRetentions {} => {
            let kept = client.prefix_retentions().await?;
            let kept: Vec<_> = kept.iter().map(answers::prefix_retention).collect();
            Ok(json!({"retentions": kept}))
        }
        Step::DeleteStream(end) => {
            let deleted = client.delete_stream(end.stream, end.expected.into()).await?;
            Ok(json!({
                "last_revision": deleted.last_revision,
                "position": deleted.position,
                "already_deleted": deleted.already_deleted,
            }))
        }
        Step::TombstoneStream(end) => {
            let tombstoned = client.tombstone_stream(end.stream, end.expected.into()).await?;
            Ok(json!({"position": tombstoned.position, "already_tombstoned": tombstoned.already_tombstoned}))
        }
        Step::SaveSnapshot {
            stream,
            revision,
            data,
            schema_version,
            keep,
        } => {
            let save = client
                .save_snapshot(stream, revision, data)
                .schema_version(schema_version);
            match keep {
                Some(keep) => save.keep(keep).await?,
                None => save.await?,
            };
            Ok(json!({}))
        }
        Step::LoadSnapshot {
            stream,
            at_or_before,
            schema_version,
        } => {
            let mut load = client.load_snapshot(&stream);
            if let Some(revision) = at_or_before {
                load = load.at_or_before(revision);
            }
            if let Some(version) = schema_version {
                load = load.schema_version(version);
            }
            let snapshot = load.await?;
            Ok(answers::snapshot(
                &snapshot.ok_or(Error::SnapshotNotFound { stream })?,
            ))
        }
        Step::Scavenge {} => scavenge(client).await,
        other => state::about_state(client, other).await,
    }
}

async fn scavenge(client: &Client) -> Outcome {
    let mut scavenge = client.start_scavenge().await?;
    while scavenge.ended_at.is_none() {
        tokio::time::sleep(SCAVENGE_LOOK_EVERY).await;
        let found = client.scavenge_status().await?;
        scavenge = found.ok_or_else(|| Failure::Unknown("the scavenge has disappeared".to_owned()))?;
    }
    Ok(json!({
        "streams_done": scavenge.streams_done,
        "streams_total": scavenge.streams_total,
    }))
}
