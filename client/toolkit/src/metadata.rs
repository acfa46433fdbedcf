//! Metadata of events, and its propagation: from a command to its events, and from those to the reactions to them.
//!
//! The current values are task-local, so they follow a future across every await. Set them once where a request is
//! handled:
//!
//! ```
//! use annals_toolkit::metadata::{self, Context};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let request = Context::current()
//!     .user_id("ada")
//!     .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
//! request
//!     .scope(async {
//!         // orders.execute("42", |order| order.confirm()).await
//!         assert_eq!(Context::current().user_id.as_deref(), Some("ada"));
//!     })
//!     .await;
//! # }
//! ```
//!
//! Every event that is then appended through the toolkit has these values in its metadata, as JSON:
//!
//! ```json
//! {"correlationId": "…", "causationId": "…", "userId": "ada", "traceparent": "00-…", "schemaVersion": 2}
//! ```
//!
//! - `correlationId` is the same for everything that one request led to; if none is set, a command starts one.
//! - `causationId` is the id of the event that was reacted to, or of the command.
//! - `traceparent` and `tracestate` are those of W3C Trace Context: the trace of the request, with a new span id for
//!   each append.
//!
//! These names are the same in every language's toolkit. A spawned task has no context; pass it one with
//! `tokio::spawn(Context::current().scope(future))`.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use annals_client::{Event, RecordedEvent, Uuid};
use rand::Rng;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

tokio::task_local! {
    static CURRENT: Context;
}

/// The metadata of the current request. A field is `None` if it is not set.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Context {
    /// Correlation id, the same for everything that one request led to.
    pub correlation_id: Option<String>,
    /// Causation id: the id of the event that was reacted to, or of the command.
    pub causation_id: Option<String>,
    /// The user on whose behalf the request is made.
    pub user_id: Option<String>,
    /// W3C Trace Context: the trace, and the current span.
    pub traceparent: Option<String>,
    /// W3C Trace Context: vendor-specific data.
    pub tracestate: Option<String>,
    /// In a process manager: the source of the ids of its commands.
    reaction: Option<Arc<Reaction>>,
}

impl Context {
    /// Returns the current values; none are set outside of a [`scope`](Self::scope).
    pub fn current() -> Self {
        CURRENT.try_with(Context::clone).unwrap_or_default()
    }

    /// Creates the context of a reaction to an event: the values of its metadata, with the event as the cause.
    pub fn of(event: &RecordedEvent) -> Self {
        let said = object(&event.metadata).unwrap_or_default();
        let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
        Context {
            correlation_id: text("correlationId").or_else(|| Some(event.id.to_string())),
            causation_id: Some(event.id.to_string()),
            user_id: text("userId"),
            traceparent: text("traceparent"),
            tracestate: text("tracestate"),
            reaction: None,
        }
    }

    /// Sets the correlation id.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Sets the causation id.
    #[must_use]
    pub fn causation_id(mut self, id: impl Into<String>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn user_id(mut self, id: impl Into<String>) -> Self {
        self.user_id = Some(id.into());
        self
    }

    /// Sets the trace, in the format of the header of that name.
    #[must_use]
    pub fn traceparent(mut self, header: impl Into<String>) -> Self {
        self.traceparent = Some(header.into());
        self
    }

    /// Sets the vendor-specific data of the trace, in the format of the header of that name.
    #[must_use]
    pub fn tracestate(mut self, header: impl Into<String>) -> Self {
        self.tracestate = Some(header.into());
        self
    }

    /// Runs a future in this context.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Creates the context of a process manager's reaction to an event. Its commands get ids derived from both.
    pub(crate) fn reacting(event: &RecordedEvent, process: &str) -> Self {
        Context {
            reaction: Some(Arc::new(Reaction::new(process, event.id))),
            ..Context::of(event)
        }
    }

    /// Returns the id of the next command to a stream (or to no particular stream: the empty name), in a process
    /// manager.
    pub(crate) fn next_command(&self, stream: &str) -> Option<Uuid> {
        self.reaction
            .as_ref()
            .map(|reaction| reaction.next_command(stream))
    }

    /// Returns the values for the events of a command: the current ones, and those that a command starts.
    pub(crate) fn beginning(command_id: Option<Uuid>) -> Self {
        let now = Context::current();
        let command = command_id.map(|id| id.to_string());
        let correlation_id = now
            .correlation_id
            .or_else(|| command.clone())
            .unwrap_or_else(|| Uuid::now_v7().to_string());
        Context {
            correlation_id: Some(correlation_id),
            causation_id: now.causation_id.or(command),
            traceparent: now.traceparent.as_deref().and_then(child_traceparent),
            ..now
        }
    }

    /// Adds these values to the metadata of an event. Existing values are kept byte for byte; metadata that is not a
    /// JSON object is left unchanged.
    pub fn stamp(&self, mut event: Event) -> Event {
        let own: HashMap<String, &RawValue> = match serde_json::from_slice(&event.metadata) {
            Ok(own) => own,
            Err(_) if event.metadata.is_empty() => HashMap::new(),
            Err(_) => return event,
        };
        let mut added = Map::new();
        for (key, value) in [
            ("correlationId", &self.correlation_id),
            ("causationId", &self.causation_id),
            ("userId", &self.user_id),
            ("traceparent", &self.traceparent),
            ("tracestate", &self.tracestate),
        ] {
            if let Some(value) = value
                && !own.contains_key(key)
            {
                added.insert(key.to_owned(), value.clone().into());
            }
        }
        if added.is_empty() {
            return event;
        }
        let mut stamped = Value::Object(added).to_string().into_bytes();
        if !own.is_empty() {
            // Both are JSON objects: append the fields of the second to the first.
            stamped.pop();
            stamped.push(b',');
            stamped.extend(event.metadata.trim_ascii_start().iter().skip(1));
        }
        event.metadata = stamped.into();
        event
    }
}

/// Generates the ids of the commands of one reaction to one event: the same ids whenever the reaction is repeated.
#[derive(Debug)]
struct Reaction {
    seed: Uuid,
    counts: Mutex<HashMap<String, u64>>,
}

impl Reaction {
    fn new(process: &str, event: Uuid) -> Self {
        Reaction {
            seed: Uuid::new_v5(&event, process.as_bytes()),
            counts: Mutex::default(),
        }
    }

    fn next_command(&self, stream: &str) -> Uuid {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(stream.to_owned()).or_default();
        let id = Uuid::new_v5(&self.seed, format!("{stream}/{count}").as_bytes());
        *count += 1;
        id
    }
}

fn object(metadata: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(metadata).ok()
}

/// Returns the same trace with a new span id; `None` if this is not a traceparent.
fn child_traceparent(header: &str) -> Option<String> {
    let fields: Vec<&str> = header.split('-').collect();
    let [version, trace, span, flags, ..] = fields[..] else {
        return None;
    };
    let hex = |field: &str, digits: usize| {
        field.len() == digits
            && field
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let fits = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && version != "ff";
    let new: u64 = rand::rng().random();
    fits.then(|| format!("{version}-{trace}-{new:016x}-{flags}"))
}

#[cfg(test)]
mod tests;
