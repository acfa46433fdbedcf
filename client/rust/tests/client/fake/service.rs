//! The calls of the fake.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use annals_proto::v1 as pb;
use futures::{Stream, StreamExt};
use pb::event_store_service_server::EventStoreService;
use tonic::{Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

use super::{BATCH_EVENTS, Fake, Feed, Wanted, refusal};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn messages<T: Send + 'static>(
    fake: &Fake,
    events: &[pb::RecordedEvent],
    message: impl Fn(Vec<pb::RecordedEvent>) -> T,
) -> Response<Answers<T>> {
    let mut messages: Vec<_> = events
        .chunks(BATCH_EVENTS)
        .map(|chunk| Ok(message(chunk.to_vec())))
        .collect();
    if messages.is_empty() {
        messages.push(Ok(message(Vec::new())));
    }
    let most = fake.state.lock().unwrap().read_messages_max;
    if most.is_some_and(|most| messages.len() > most) {
        messages.truncate(most.unwrap_or_default());
        messages.push(Err(refusal(tonic::Code::Unavailable, "SHUTTING_DOWN")));
    }
    Response::new(futures::stream::iter(messages).boxed())
}

#[tonic::async_trait]
impl EventStoreService for Fake {
    type AppendPipelineStream = Answers<pb::AppendPipelineResponse>;
    type ReadStreamStream = Answers<pb::ReadStreamResponse>;
    type ReadAllStream = Answers<pb::ReadAllResponse>;
    type SubscribeAllStream = Feed;
    type SubscribeStreamStream = Answers<pb::SubscribeStreamResponse>;

    async fn append_to_stream(
        &self,
        request: Request<pb::AppendToStreamRequest>,
    ) -> Result<Response<pb::AppendToStreamResponse>, Status> {
        if self.state.lock().unwrap().silent {
            futures::future::pending::<()>().await;
        }
        self.append_one(request.into_inner()).map(Response::new)
    }

    async fn append_to_many(
        &self,
        request: Request<pb::AppendToManyRequest>,
    ) -> Result<Response<pb::AppendToManyResponse>, Status> {
        if self.state.lock().unwrap().silent {
            futures::future::pending::<()>().await;
        }
        self.append_to_many(request.into_inner()).map(Response::new)
    }

    async fn append_pipeline(
        &self,
        request: Request<Streaming<pb::AppendPipelineRequest>>,
    ) -> Result<Response<Self::AppendPipelineStream>, Status> {
        let (fake, requests) = (self.clone(), request.into_inner());
        let answer = move |message: Result<pb::AppendPipelineRequest, Status>| {
            let fake = fake.clone();
            async move {
                let message = message?;
                let bytes = prost::Message::encoded_len(&message);
                let most = fake.state.lock().unwrap().message_bytes_max;
                if most.is_some_and(|most| bytes > most) {
                    return Err(refusal(tonic::Code::InvalidArgument, "TOO_LARGE"));
                }
                let appends = message.appends;
                if fake.state.lock().unwrap().silent {
                    futures::future::pending::<()>().await;
                }
                fake.state.lock().unwrap().pipeline_messages.push(appends.len());
                let mut results = Vec::new();
                for append in appends {
                    use pb::{pipelined_append::Append, pipelined_result::Result as Answer};
                    let result = match append.append {
                        Some(Append::AppendToStream(append)) => {
                            fake.append_one(append).map(Answer::AppendedToStream)
                        }
                        Some(Append::AppendToMany(append)) => {
                            fake.append_to_many(append).map(Answer::AppendedToMany)
                        }
                        None => return Err(Status::invalid_argument("no append")),
                    };
                    let result = result.unwrap_or_else(|refused| {
                        Answer::Error(
                            prost::Message::decode(refused.details()).expect("refusals carry a status"),
                        )
                    });
                    results.push(pb::PipelinedResult { result: Some(result) });
                }
                // Responses are delayed, so that a broken connection loses some.
                tokio::time::sleep(Duration::from_micros(200)).await;
                Ok(pb::AppendPipelineResponse { results })
            }
        };
        Ok(Response::new(requests.then(answer).boxed()))
    }

    async fn read_stream(
        &self,
        request: Request<pb::ReadStreamRequest>,
    ) -> Result<Response<Self::ReadStreamStream>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        self.state.lock().unwrap().read_from.push(request.from_revision);
        let (events, last_revision) = self.read(Wanted {
            stream: Some(&request.stream),
            from: request.from_revision,
            limit: request.limit,
            backwards: request.direction() == pb::Direction::Backwards,
            until: request.until.map_or(u64::MAX, |until| match until {
                pb::read_stream_request::Until::UntilRevision(revision) => revision,
                pb::read_stream_request::Until::UntilTime(time) => self.reached(Some(time)) - 1,
            }),
        });
        let head = *self.head.borrow();
        Ok(messages(self, &events, |events| pb::ReadStreamResponse {
            events,
            head,
            last_revision,
        }))
    }

    async fn read_all(
        &self,
        request: Request<pb::ReadAllRequest>,
    ) -> Result<Response<Self::ReadAllStream>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        self.state.lock().unwrap().read_from.push(request.from_position);
        let (events, _) = self.read(Wanted {
            stream: None,
            from: request.from_position,
            limit: request.limit,
            backwards: request.direction() == pb::Direction::Backwards,
            until: request.until.map_or(u64::MAX, |until| match until {
                pb::read_all_request::Until::UntilPosition(position) => position,
                pb::read_all_request::Until::UntilTime(time) => self.reached(Some(time)),
            }),
        });
        let head = *self.head.borrow();
        Ok(messages(self, &events, |events| pb::ReadAllResponse {
            events,
            head,
        }))
    }

    async fn subscribe_all(
        &self,
        request: Request<pb::SubscribeAllRequest>,
    ) -> Result<Response<Self::SubscribeAllStream>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        let after = match request.start {
            Some(pb::subscribe_all_request::Start::After(after)) => Some(after),
            Some(pb::subscribe_all_request::Start::End(())) => Some(*self.head.borrow()),
            None => None,
        };
        Ok(Response::new(self.feed(None, after, request.query)))
    }

    async fn subscribe_stream(
        &self,
        request: Request<pb::SubscribeStreamRequest>,
    ) -> Result<Response<Self::SubscribeStreamStream>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        let after = match request.start {
            Some(pb::subscribe_stream_request::Start::AfterRevision(after)) => Some(after),
            _ => None,
        };
        let same = |answer: Result<pb::SubscribeAllResponse, Status>| {
            use pb::{subscribe_all_response::Content as All, subscribe_stream_response::Content as One};
            let content = answer?.content.map(|content| match content {
                All::Events(events) => One::Events(events),
                All::CaughtUp(caught_up) => One::CaughtUp(caught_up),
                All::FellBehind(fell_behind) => One::FellBehind(fell_behind),
                All::Checkpoint(checkpoint) => One::Checkpoint(checkpoint),
            });
            Ok(pb::SubscribeStreamResponse { content })
        };
        Ok(Response::new(
            self.feed(Some(request.stream), after, request.query)
                .map(same)
                .boxed(),
        ))
    }

    async fn get_stream(
        &self,
        request: Request<pb::GetStreamRequest>,
    ) -> Result<Response<pb::GetStreamResponse>, Status> {
        self.admit().await?;
        let name = request.into_inner().stream;
        let (events, _) = self.read(Wanted {
            stream: Some(&name),
            until: u64::MAX,
            ..Wanted::default()
        });
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            let info = ErrorDetails::with_error_info("STREAM_NOT_FOUND", "annals", HashMap::new());
            let mut status: tonic_types::Status =
                prost::Message::decode(Status::with_error_details(tonic::Code::NotFound, "", info).details())
                    .unwrap();
            status.details.push(prost_types::Any {
                type_url: "type.googleapis.com/annals.v1.StreamNotFound".into(),
                value: prost::Message::encode_to_vec(&pb::StreamNotFound { stream: name }),
            });
            let details = prost::Message::encode_to_vec(&status).into();
            return Err(Status::with_details(
                tonic::Code::NotFound,
                "no such stream",
                details,
            ));
        };
        let stream = pb::Stream {
            last_revision: last.revision,
            last_position: last.position,
            first_position: first.position,
            created_at: first.recorded_at,
            name,
            ..pb::Stream::default()
        };
        Ok(Response::new(pb::GetStreamResponse { stream: Some(stream) }))
    }

    async fn list_streams(
        &self,
        request: Request<pb::ListStreamsRequest>,
    ) -> Result<Response<pb::ListStreamsResponse>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        let mut names: Vec<_> = self
            .state
            .lock()
            .unwrap()
            .log
            .iter()
            .map(|event| event.stream.clone())
            .collect();
        names.sort();
        names.dedup();
        names.retain(|name| name.starts_with(&request.prefix) && *name > request.page_token);
        let more = names.len() > 2;
        names.truncate(2);
        let next_page_token = if more { names[1].clone() } else { String::new() };
        let created_at = Some(prost_types::Timestamp::default());
        let stream = |name| pb::Stream {
            name,
            created_at,
            ..Default::default()
        };
        let streams = names.into_iter().map(stream).collect();
        Ok(Response::new(pb::ListStreamsResponse {
            streams,
            next_page_token,
        }))
    }

    async fn get_position_at_time(
        &self,
        request: Request<pb::GetPositionAtTimeRequest>,
    ) -> Result<Response<pb::GetPositionAtTimeResponse>, Status> {
        self.admit().await?;
        let position = self.reached(request.into_inner().time);
        Ok(Response::new(pb::GetPositionAtTimeResponse { position }))
    }

    async fn save_snapshot(
        &self,
        request: Request<pb::SaveSnapshotRequest>,
    ) -> Result<Response<pb::SaveSnapshotResponse>, Status> {
        self.admit().await?;
        let request = request.into_inner();
        let saved_at = Some(prost_types::Timestamp::default());
        self.state.lock().unwrap().snapshot = Some(pb::Snapshot {
            stream: request.stream,
            revision: request.revision,
            schema_version: request.schema_version,
            data: request.data,
            saved_at,
        });
        Ok(Response::new(pb::SaveSnapshotResponse { saved_at }))
    }

    async fn load_snapshot(
        &self,
        _: Request<pb::LoadSnapshotRequest>,
    ) -> Result<Response<pb::LoadSnapshotResponse>, Status> {
        self.admit().await?;
        let snapshot = self.state.lock().unwrap().snapshot.clone();
        Ok(Response::new(pb::LoadSnapshotResponse { snapshot }))
    }

    async fn set_retention(
        &self,
        _: Request<pb::SetRetentionRequest>,
    ) -> Result<Response<pb::SetRetentionResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn get_retention(
        &self,
        _: Request<pb::GetRetentionRequest>,
    ) -> Result<Response<pb::GetRetentionResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn set_prefix_retention(
        &self,
        _: Request<pb::SetPrefixRetentionRequest>,
    ) -> Result<Response<pb::SetPrefixRetentionResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn get_prefix_retention(
        &self,
        _: Request<pb::GetPrefixRetentionRequest>,
    ) -> Result<Response<pb::GetPrefixRetentionResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn list_prefix_retentions(
        &self,
        _: Request<pb::ListPrefixRetentionsRequest>,
    ) -> Result<Response<pb::ListPrefixRetentionsResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn delete_stream(
        &self,
        _: Request<pb::DeleteStreamRequest>,
    ) -> Result<Response<pb::DeleteStreamResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn tombstone_stream(
        &self,
        _: Request<pb::TombstoneStreamRequest>,
    ) -> Result<Response<pb::TombstoneStreamResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn start_scavenge(
        &self,
        _: Request<pb::StartScavengeRequest>,
    ) -> Result<Response<pb::StartScavengeResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn stop_scavenge(
        &self,
        _: Request<pb::StopScavengeRequest>,
    ) -> Result<Response<pb::StopScavengeResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn get_scavenge(
        &self,
        _: Request<pb::GetScavengeRequest>,
    ) -> Result<Response<pb::GetScavengeResponse>, Status> {
        Err(Status::unimplemented("the fake keeps everything"))
    }

    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        self.state.lock().unwrap().infos += 1;
        self.admit().await?;
        let max_append_bytes = self.state.lock().unwrap().append_bytes_max;
        Ok(Response::new(pb::GetServerInfoResponse {
            version: "fake".into(),
            engine: "memory".into(),
            store_id: uuid::Uuid::nil().to_string(),
            head: *self.head.borrow(),
            indexed: 0,
            started_at: Some(prost_types::Timestamp::default()),
            limits: Some(pb::Limits {
                max_append_bytes,
                ..pb::Limits::default()
            }),
        }))
    }
}
