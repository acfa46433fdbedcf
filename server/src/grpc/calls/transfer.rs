//! The calls of `annals.v1.TransferService`: moves a log from one store to another.

use std::time::Duration;

use annals_proto::v1::{self as pb, transfer_part::Part as OneOf};
use annals_store::{Error, Export, Import, Part, Position, Store};
use bytes::BytesMut;
use futures::stream;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    service::answer,
    stream::{Answers, Counted},
};
use crate::{
    grpc::{
        generated::v1::transfer_service_server::TransferService,
        request, response,
        status::{Invalid, of_store},
    },
    metrics::Metrics,
};

/// If no part arrives for this long, the parts received so far are written.
const IDLE: Duration = Duration::from_millis(50);

/// The service `annals.v1.TransferService`, on a store.
#[derive(Clone)]
pub(crate) struct Transfer {
    store: Store,
    drain: CancellationToken,
    metrics: Metrics,
}

impl Transfer {
    pub(crate) const fn new(store: Store, drain: CancellationToken, metrics: Metrics) -> Self {
        Self {
            store,
            drain,
            metrics,
        }
    }

    async fn take_all(&self, mut parts: Streaming<pb::ImportRequest>) -> Result<pb::ImportResponse, Status> {
        let mut import: Option<Import> = None;
        loop {
            let request = tokio::select! {
                biased;
                () = self.drain.cancelled() => Err(of_store(Error::Closed)),
                request = parts.message() => request,
                () = tokio::time::sleep(IDLE) => {
                    flush(&mut import).await?;
                    continue;
                }
            };
            if !matches!(request, Ok(Some(_))) {
                flush(&mut import).await?;
            }
            let request = request?;
            let missing = |field: &str, problem: &str| Err(Invalid::field(field, problem).into());
            let Some(request) = request else {
                return missing("part", "the end of the export is missing; send all its parts");
            };
            let Some(part) = request.part.and_then(|part| part.part) else {
                return missing("part", "is not set; set one of the fields of TransferPart");
            };
            match (&mut import, part) {
                (None, OneOf::Begin(begin)) => {
                    let source = request::store_id("part.begin.source_store_id", &begin.source_store_id)?;
                    import = Some(self.store.import(source).await.map_err(of_store)?);
                }
                (None, _) | (Some(_), OneOf::Begin(_)) => {
                    return missing("part", "the first part, and only the first, must be `begin`");
                }
                (Some(import), OneOf::Events(batch)) => {
                    import
                        .events(request::moved_events(batch)?)
                        .await
                        .map_err(of_store)?;
                }
                (Some(import), OneOf::Gap(gap)) => {
                    import.gap(request::gap(&gap)?).await.map_err(of_store)?;
                }
                (Some(import), OneOf::State(state)) => {
                    import
                        .state(request::moved_state(state)?)
                        .await
                        .map_err(of_store)?;
                }
                (Some(import), OneOf::Streams(streams)) => {
                    import
                        .streams(request::states(streams)?)
                        .await
                        .map_err(of_store)?;
                }
                (Some(import), OneOf::Appends(appends)) => {
                    import
                        .appends(request::known_appends(&appends)?)
                        .await
                        .map_err(of_store)?;
                }
                (Some(import), OneOf::Snapshot(snapshot)) => {
                    import
                        .snapshot(request::moved_snapshot(snapshot)?)
                        .await
                        .map_err(of_store)?;
                }
                (Some(_), OneOf::End(end)) => {
                    if let Some(import) = import {
                        import.finish(Position(end.head)).await.map_err(of_store)?;
                    }
                    return Ok(pb::ImportResponse { head: end.head });
                }
            }
        }
    }
}

#[tonic::async_trait]
impl TransferService for Transfer {
    type ExportStream = Answers<pb::ExportResponse>;

    async fn export(
        &self,
        request: Request<pb::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let call = self.metrics.call("Export");
        let export = self
            .store
            .export(Position(request.get_ref().after_position))
            .await
            .map_err(of_store)?;
        let begin = OneOf::Begin(pb::TransferBegin {
            source_store_id: self.store.info().id.to_string(),
            head: export.head().0,
        });
        let answers = stream::try_unfold((Some(begin), export), async |(begin, export)| {
            next(begin, export).await.map_err(of_store)
        });
        Ok(Response::new(Counted::new(Box::pin(answers), call)))
    }

    async fn begin_import(
        &self,
        request: Request<pb::BeginImportRequest>,
    ) -> Result<Response<pb::BeginImportResponse>, Status> {
        let call = self.metrics.call("BeginImport");
        let begin = async {
            let source = request::store_id("source_store_id", &request.get_ref().source_store_id)?;
            let import = self.store.import(source).await?;
            Ok(pb::BeginImportResponse {
                position: import.position().0,
            })
        };
        answer(call, begin.await)
    }

    async fn import(
        &self,
        request: Request<Streaming<pb::ImportRequest>>,
    ) -> Result<Response<pb::ImportResponse>, Status> {
        let mut call = self.metrics.call("Import");
        let taken = self.take_all(request.into_inner()).await;
        call.ended(taken.as_ref().map_or_else(Status::code, |_| Code::Ok));
        taken.map(Response::new)
    }
}

async fn flush(import: &mut Option<Import>) -> Result<(), Status> {
    match import {
        Some(import) => import.flush().await.map_err(of_store),
        None => Ok(()),
    }
}

type Step = (pb::ExportResponse, (Option<OneOf>, Export));

/// Returns the next part of an export, and the state for the part after it.
async fn next(begin: Option<OneOf>, mut export: Export) -> annals_store::Result<Option<Step>> {
    let part = match begin {
        Some(begin) => Some(begin),
        None => export.next().await?.map(part).transpose()?,
    };
    Ok(part.map(|part| {
        let part = pb::TransferPart { part: Some(part) };
        (pb::ExportResponse { part: Some(part) }, (None, export))
    }))
}

fn part(part: Part) -> annals_store::Result<OneOf> {
    Ok(match part {
        Part::Events(batch) => {
            // Concatenated, the chunks are the field `events` of a batch.
            let mut encoded = BytesMut::with_capacity(batch.bytes);
            batch
                .chunks
                .iter()
                .for_each(|chunk| encoded.extend_from_slice(chunk));
            let events = pb::EventBatch::decode(encoded.freeze());
            OneOf::Events(events.map_err(|error| Error::Corrupt(error.to_string()))?)
        }
        Part::Gap(gap) => OneOf::Gap(pb::TransferGap {
            first_position: gap.first.0,
            last_position: gap.last.0,
            recorded_at: gap.recorded_at.map(response::timestamp),
        }),
        Part::State(changes) => OneOf::State(response::moved_state(changes)),
        Part::Streams(states) => {
            let stream = |state: annals_store::StreamState| pb::TransferStream {
                stream: state.stream.to_string(),
                first_position: state.began.map_or(0, |(first, _)| first.0),
                created_at: state.began.map(|(_, at)| response::timestamp(at)),
                last_revision: state.last_revision.0,
                last_position: state.last_position.0,
            };
            let streams = states.into_iter().map(stream).collect();
            OneOf::Streams(pb::TransferStreams { streams })
        }
        Part::Appends(appends) => {
            let append = |append: annals_store::KnownAppend| pb::TransferAppend {
                id: append.id.to_string(),
                position: append.position.0,
                events: append.events,
            };
            let appends = appends.into_iter().map(append).collect();
            OneOf::Appends(pb::TransferAppends { appends })
        }
        Part::Snapshot(snapshot) => OneOf::Snapshot(response::snapshot(snapshot)),
        Part::End(head) => OneOf::End(pb::TransferEnd { head: head.0 }),
    })
}
