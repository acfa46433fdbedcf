//! Moving a log to another store, for operators using the command line.
//!
//! An export that breaks while it sends the log is continued after the last position received. An import that breaks
//! ends with an error: the parts imported so far are kept, and importing again continues after them.

use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use annals_proto::v1::transfer_part::Part as OneOf;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use tonic::Streaming;
use uuid::Uuid;

use crate::connection::TransferStub;
use crate::error::{Error, Result};
use crate::event::{self, RecordedEvent};
use crate::position::{Position, Revision};
use crate::retry::{Shared, Tries};
use crate::snapshot::Snapshot;
use crate::state::StateEntry;

/// A part of the content of a store. Events and gaps come first, in the order of the log; state comes also between
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferPart {
    /// The next events.
    Events(Vec<RecordedEvent>),
    /// The next positions, whose events are removed.
    Gap(TransferGap),
    /// The next changes of a scope of state.
    State(TransferState),
    /// Streams that may have removed events.
    Streams(Vec<TransferStream>),
    /// Appends that are recognised by the id of their first event.
    Appends(Vec<TransferAppend>),
    /// A snapshot.
    Snapshot(Snapshot),
    /// The last part, with the log's last position.
    End(Position),
}

/// A range of positions whose events are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferGap {
    /// The first position.
    pub first_position: Position,
    /// The last position.
    pub last_position: Position,
    /// The time at which the last of their events was recorded, if it is known.
    pub recorded_at: Option<Timestamp>,
}

/// The changes of a scope of state after one version and up to another: the last change of each entry that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferState {
    /// The scope.
    pub scope: String,
    /// The version after which the changes come. 0: the scope is sent from its beginning.
    pub after_version: u64,
    /// The version up to which the changes are complete.
    pub version: u64,
    /// The entries that were created or have a new value, in the order of their versions.
    pub entries: Vec<StateEntry>,
    /// The keys of deleted entries, and the versions that deleted them, in the order of these.
    pub deletions: Vec<(String, u64)>,
}

/// Information about a stream that can't be derived from its remaining events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferStream {
    /// The stream.
    pub stream: String,
    /// Position and time of the event that started the stream; `None` if it was deleted and restarted during the
    /// export.
    pub began: Option<(Position, Timestamp)>,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event.
    pub last_position: Position,
}

/// An append that is recognised by the id of its first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferAppend {
    /// The id of its first event.
    pub id: Uuid,
    /// Position of its first event.
    pub position: Position,
    /// The number of its events.
    pub events: u32,
}

/// The whole content of a store, as a sequence of parts.
#[derive(Debug)]
pub struct Export {
    shared: Arc<Shared>,
    timeout: Duration,
    source: Uuid,
    head: Position,
    /// The last position received.
    position: Position,
    /// Whether the log has been sent completely; the rest of the export can't be continued.
    is_log_over: bool,
    parts: Streaming<pb::ExportResponse>,
}

impl Export {
    pub(crate) async fn open(shared: Arc<Shared>, timeout: Duration) -> Result<Self> {
        let (parts, begin) = begin_export(&shared, timeout, Position::START).await?;
        Ok(Export {
            shared,
            timeout,
            source: event::parse_id(&begin.source_store_id)?,
            head: begin.head.into(),
            position: Position::START,
            is_log_over: false,
            parts,
        })
    }

    /// Returns the identity of the exported store.
    pub fn source(&self) -> Uuid {
        self.source
    }

    /// Returns the head when the export began. The export ends at this position or later.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Returns the next part; `None` after [`TransferPart::End`].
    pub async fn next(&mut self) -> Result<Option<TransferPart>> {
        loop {
            let answer = tokio::time::timeout(self.timeout, self.parts.message()).await;
            let error = match answer {
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(response))) => return self.take(response).map(Some),
                Ok(Err(status)) => {
                    let picked = self.shared.connection.pick();
                    self.shared.failed(picked, &status)
                }
                Err(_elapsed) => Error::DeadlineExceeded {
                    after: self.timeout,
                    last: None,
                },
            };
            if self.is_log_over || !error.is_retryable() || matches!(error, Error::DeadlineExceeded { .. }) {
                return Err(error);
            }
            tracing::debug!(%error, after = self.position.0, "export broke, continuing");
            let (parts, begin) = begin_export(&self.shared, self.timeout, self.position).await?;
            if event::parse_id(&begin.source_store_id)? != self.source {
                return Err(Error::protocol(
                    "the export was continued by a server of another store",
                ));
            }
            self.parts = parts;
        }
    }

    fn take(&mut self, response: pb::ExportResponse) -> Result<TransferPart> {
        let part = response.part.and_then(|part| part.part);
        let part = TransferPart::try_from(part.ok_or_else(|| Error::protocol("a part without content"))?)?;
        match &part {
            TransferPart::Events(events) => {
                self.position = events.last().map_or(self.position, |event| event.position);
            }
            TransferPart::Gap(gap) => self.position = gap.last_position,
            // An export that is continued sends all state again.
            TransferPart::State(_) => {}
            _ => self.is_log_over = true,
        }
        Ok(part)
    }
}

async fn begin_export(
    shared: &Shared,
    timeout: Duration,
    after: Position,
) -> Result<(Streaming<pb::ExportResponse>, pb::TransferBegin)> {
    let call = |mut stub: TransferStub| async move {
        let request = pb::ExportRequest {
            after_position: after.into(),
        };
        let mut parts = stub.export(request).await?.into_inner();
        let first = parts.message().await?;
        Ok((parts, first))
    };
    let (parts, first) = call_transfer(shared, timeout, call).await?;
    match first.and_then(|first| first.part).and_then(|part| part.part) {
        Some(OneOf::Begin(begin)) => Ok((parts, begin)),
        _ => Err(Error::protocol("an export that does not begin with its source")),
    }
}

/// Returns how much of a log the store already has.
pub(crate) async fn begin_import(shared: &Shared, timeout: Duration, source: Uuid) -> Result<Position> {
    let call = |mut stub: TransferStub| async move {
        let request = pb::BeginImportRequest {
            source_store_id: source.to_string(),
        };
        stub.begin_import(request).await
    };
    let answer = call_transfer(shared, timeout, call).await?;
    Ok(answer.into_inner().position.into())
}

/// Sends the parts of an export, and returns the store's head afterwards.
pub(crate) async fn import(
    shared: &Shared,
    source: Uuid,
    parts: impl Stream<Item = TransferPart> + Send + 'static,
) -> Result<Position> {
    let begin = OneOf::Begin(pb::TransferBegin {
        source_store_id: source.to_string(),
        head: 0,
    });
    let parts = futures::stream::iter([begin]).chain(parts.map(OneOf::from));
    let requests = parts.map(|part| pb::ImportRequest {
        part: Some(pb::TransferPart { part: Some(part) }),
    });
    let picked = shared.connection.pick();
    let imported = shared.connection.transfer_stub(picked).import(requests).await;
    let imported = imported.map_err(|status| shared.failed(picked, &status))?;
    Ok(imported.into_inner().head.into())
}

/// Repeats a call until it succeeds, fails with an error that is not retryable, or `timeout` has passed.
async fn call_transfer<T, F, Fut>(shared: &Shared, timeout: Duration, mut call: F) -> Result<T>
where
    F: FnMut(TransferStub) -> Fut,
    Fut: Future<Output = std::result::Result<T, tonic::Status>>,
{
    let mut tries = Tries::new(&shared.retry, &shared.connection);
    let all = async {
        loop {
            let picked = shared.connection.pick();
            let error = match call(shared.connection.transfer_stub(picked)).await {
                Ok(answer) => return Ok(answer),
                Err(status) => shared.failed(picked, &status),
            };
            let pause = tries.after_failure().filter(|_| error.is_retryable());
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    };
    match tokio::time::timeout(timeout, all).await {
        Ok(result) => result,
        Err(_elapsed) => Err(Error::DeadlineExceeded {
            after: timeout,
            last: None,
        }),
    }
}

impl TryFrom<OneOf> for TransferPart {
    type Error = Error;

    fn try_from(part: OneOf) -> Result<Self> {
        Ok(match part {
            OneOf::Begin(_) => return Err(Error::protocol("an export that begins twice")),
            OneOf::Events(batch) => {
                let events = batch.events.into_iter().map(RecordedEvent::try_from);
                TransferPart::Events(events.collect::<Result<_>>()?)
            }
            OneOf::Gap(gap) => TransferPart::Gap(TransferGap {
                first_position: gap.first_position.into(),
                last_position: gap.last_position.into(),
                recorded_at: match &gap.recorded_at {
                    None => None,
                    at => Some(event::parse_time(at.as_ref(), "recorded_at")?),
                },
            }),
            OneOf::State(state) => {
                let entries = state.entries.into_iter().map(StateEntry::try_from);
                let deletions = state.deletions.into_iter();
                TransferPart::State(TransferState {
                    scope: state.scope,
                    after_version: state.after_version,
                    version: state.version,
                    entries: entries.collect::<Result<_>>()?,
                    deletions: deletions
                        .map(|deletion| (deletion.key, deletion.version))
                        .collect(),
                })
            }
            OneOf::Streams(streams) => {
                let streams = streams.streams.into_iter().map(TransferStream::try_from);
                TransferPart::Streams(streams.collect::<Result<_>>()?)
            }
            OneOf::Appends(appends) => {
                let append = |append: &pb::TransferAppend| {
                    Ok(TransferAppend {
                        id: event::parse_id(&append.id)?,
                        position: append.position.into(),
                        events: append.events,
                    })
                };
                TransferPart::Appends(appends.appends.iter().map(append).collect::<Result<_>>()?)
            }
            OneOf::Snapshot(snapshot) => TransferPart::Snapshot(snapshot.try_into()?),
            OneOf::End(end) => TransferPart::End(end.head.into()),
        })
    }
}

impl TryFrom<pb::TransferStream> for TransferStream {
    type Error = Error;

    fn try_from(stream: pb::TransferStream) -> Result<Self> {
        let began = match stream.first_position {
            0 => None,
            first => Some((
                first.into(),
                event::parse_time(stream.created_at.as_ref(), "created_at")?,
            )),
        };
        Ok(TransferStream {
            stream: stream.stream,
            began,
            last_revision: stream.last_revision.into(),
            last_position: stream.last_position.into(),
        })
    }
}

impl From<TransferPart> for OneOf {
    fn from(part: TransferPart) -> Self {
        match part {
            TransferPart::Events(events) => OneOf::Events(pb::EventBatch {
                events: events.into_iter().map(recorded).collect(),
            }),
            TransferPart::Gap(gap) => OneOf::Gap(pb::TransferGap {
                first_position: gap.first_position.into(),
                last_position: gap.last_position.into(),
                recorded_at: gap.recorded_at.map(event::to_time),
            }),
            TransferPart::State(state) => {
                let entry = |entry: StateEntry| pb::StateEntry {
                    key: entry.key,
                    value: entry.value,
                    version: entry.version,
                    changed_at: Some(event::to_time(entry.changed_at)),
                };
                let deletion = |(key, version)| pb::StateDeletion { key, version };
                OneOf::State(pb::TransferState {
                    scope: state.scope,
                    after_version: state.after_version,
                    version: state.version,
                    entries: state.entries.into_iter().map(entry).collect(),
                    deletions: state.deletions.into_iter().map(deletion).collect(),
                })
            }
            TransferPart::Streams(streams) => {
                let stream = |stream: TransferStream| pb::TransferStream {
                    stream: stream.stream,
                    first_position: stream.began.map_or(0, |(first, _)| first.into()),
                    created_at: stream.began.map(|(_, at)| event::to_time(at)),
                    last_revision: stream.last_revision.into(),
                    last_position: stream.last_position.into(),
                };
                OneOf::Streams(pb::TransferStreams {
                    streams: streams.into_iter().map(stream).collect(),
                })
            }
            TransferPart::Appends(appends) => {
                let append = |append: TransferAppend| pb::TransferAppend {
                    id: append.id.to_string(),
                    position: append.position.into(),
                    events: append.events,
                };
                OneOf::Appends(pb::TransferAppends {
                    appends: appends.into_iter().map(append).collect(),
                })
            }
            TransferPart::Snapshot(snapshot) => OneOf::Snapshot(pb::Snapshot {
                stream: snapshot.stream,
                revision: snapshot.revision.into(),
                schema_version: snapshot.schema_version,
                data: snapshot.data,
                saved_at: Some(event::to_time(snapshot.saved_at)),
            }),
            TransferPart::End(head) => OneOf::End(pb::TransferEnd { head: head.into() }),
        }
    }
}

#[allow(
    clippy::needless_update,
    reason = "the feature `newer-for-tests` of annals-proto adds a field"
)]
fn recorded(event: RecordedEvent) -> pb::RecordedEvent {
    pb::RecordedEvent {
        id: event.id.to_string(),
        r#type: event.event_type,
        data: event.data,
        metadata: event.metadata,
        tags: event.tags,
        content_type: match event.content_type.as_str() {
            crate::json::CONTENT_TYPE => String::new(),
            _ => event.content_type,
        },
        stream: event.stream,
        revision: event.revision.into(),
        position: event.position.into(),
        recorded_at: Some(event::to_time(event.recorded_at)),
        ..Default::default()
    }
}
