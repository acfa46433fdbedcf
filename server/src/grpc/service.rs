//! The calls.

use annals_proto::v1 as pb;
use annals_store::{Append, Appended, Until};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    EventStore,
    append_log::AppendLine,
    generated::event_store_service_server::EventStoreService,
    raw::{ReadAllResponse, ReadStreamResponse, SubscriptionResponse},
    request, response,
    session::Session,
    status::Refusal,
    stream::{self, Answers, Counted},
};
use crate::{handover, metrics::Call};

/// Counts how a call ended that has one answer.
fn answer<T>(mut call: Call, result: Result<T, Refusal>) -> Result<Response<T>, Status> {
    match result {
        Ok(answer) => {
            call.ended(Code::Ok);
            Ok(Response::new(answer))
        }
        Err(refusal) => Err(refuse(call, refusal)),
    }
}

fn refuse(mut call: Call, refusal: Refusal) -> Status {
    let status = Status::from(refusal);
    call.ended(status.code());
    status
}

impl EventStore {
    async fn append_one(
        &self,
        request: pb::AppendToStreamRequest,
    ) -> Result<pb::AppendToStreamResponse, Refusal> {
        let append = request::append_to_stream(request, self.store.limits())?;
        Ok(response::appended(&self.written(append).await?))
    }

    async fn append_many(&self, request: pb::AppendRequest) -> Result<pb::AppendResponse, Refusal> {
        let append = request::append(request, self.store.limits())?;
        let streams: Vec<_> = append.streams().cloned().collect();
        let appended = self.written(append).await?;
        Ok(response::appended_to_many(&appended, &streams))
    }

    async fn written(&self, append: Append) -> annals_store::Result<Appended> {
        let line = AppendLine::of(&append);
        let result = self.store.append(append).await;
        if let Some(line) = line {
            line.write(&result);
        }
        result
    }

    async fn streams(&self, request: pb::ListStreamsRequest) -> Result<pb::ListStreamsResponse, Refusal> {
        let page = request::list_streams(request)?;
        // One more than asked for tells whether there is another page.
        let mut found = self
            .store
            .streams(&page.prefix, page.after.as_ref(), page.limit + 1)
            .await?;
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        let last = found.last().filter(|_| more);
        Ok(pb::ListStreamsResponse {
            next_page_token: last.map_or_else(String::new, |info| info.name.to_string()),
            streams: found.iter().map(response::stream).collect(),
        })
    }

    async fn stream(&self, request: &pb::GetStreamRequest) -> Result<pb::GetStreamResponse, Refusal> {
        let info = self.store.stream(&request::stream_name(request)?).await?;
        Ok(pb::GetStreamResponse {
            stream: Some(response::stream(&info)),
        })
    }

    async fn position_at(
        &self,
        request: &pb::GetPositionAtTimeRequest,
    ) -> Result<pb::GetPositionAtTimeResponse, Refusal> {
        let position = match request::position_at_time(request)? {
            Until::Time(time) => self.store.position_at(time).await?,
            Until::Position(position) => position,
        };
        Ok(pb::GetPositionAtTimeResponse { position: position.0 })
    }

    async fn save(&self, request: pb::SaveSnapshotRequest) -> Result<pb::SaveSnapshotResponse, Refusal> {
        let save = request::save_snapshot(request, self.store.limits())?;
        let saved_at = self.store.save_snapshot(save).await?;
        Ok(pb::SaveSnapshotResponse {
            saved_at: Some(response::timestamp(saved_at)),
        })
    }

    async fn load(&self, request: &pb::LoadSnapshotRequest) -> Result<pb::LoadSnapshotResponse, Refusal> {
        let loaded = self.store.load_snapshot(request::load_snapshot(request)?).await?;
        Ok(pb::LoadSnapshotResponse {
            snapshot: Some(response::snapshot(loaded)),
        })
    }

    async fn retention(
        &self,
        request: &pb::GetRetentionRequest,
    ) -> Result<pb::GetRetentionResponse, Refusal> {
        let kept = self.store.retention(&request::retention_of(request)?).await?;
        Ok(pb::GetRetentionResponse {
            retention: Some(response::retention(&kept.retention)),
            version: kept.version,
            tombstoned: kept.tombstoned,
        })
    }

    async fn set(&self, request: &pb::SetRetentionRequest) -> Result<pb::SetRetentionResponse, Refusal> {
        let set = request::set_retention(request)?;
        let kept = self
            .store
            .set_retention(&set.stream, set.retention, set.expected_version)
            .await?;
        Ok(pb::SetRetentionResponse {
            retention: Some(response::retention(&kept.retention)),
            version: kept.version,
        })
    }

    async fn delete(&self, request: pb::DeleteStreamRequest) -> Result<pb::DeleteStreamResponse, Refusal> {
        let (stream, expected) = request::delete(request)?;
        let deleted = self.store.delete_stream(&stream, expected).await?;
        Ok(pb::DeleteStreamResponse {
            last_revision: deleted.last_revision.0,
            position: deleted.position.0,
            already_deleted: deleted.already_deleted,
        })
    }

    async fn tombstone(
        &self,
        request: pb::TombstoneStreamRequest,
    ) -> Result<pb::TombstoneStreamResponse, Refusal> {
        let (stream, expected) = request::tombstone(request)?;
        let tombstoned = self.store.tombstone_stream(&stream, expected).await?;
        Ok(pb::TombstoneStreamResponse {
            position: tombstoned.position.0,
            already_tombstoned: tombstoned.already_tombstoned,
        })
    }

    async fn start(&self) -> Result<pb::StartScavengeResponse, Refusal> {
        let scavenge = self.store.start_scavenge().await?;
        Ok(pb::StartScavengeResponse {
            scavenge: Some(response::scavenge(Some(&scavenge))),
        })
    }

    async fn stop(&self) -> Result<pb::StopScavengeResponse, Refusal> {
        let scavenge = self.store.stop_scavenge().await?;
        Ok(pb::StopScavengeResponse {
            scavenge: Some(response::scavenge(scavenge.as_ref())),
        })
    }

    async fn scavenge(&self) -> Result<pb::GetScavengeResponse, Refusal> {
        let scavenge = self.store.scavenge().await?;
        Ok(pb::GetScavengeResponse {
            scavenge: Some(response::scavenge(scavenge.as_ref())),
        })
    }

    fn server_info(&self) -> pb::GetServerInfoResponse {
        let info = self.store.info();
        pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: self.engine.to_owned(),
            store_id: info.id.to_string(),
            head: info.head.0,
            indexed: info.indexed.0,
            started_at: Some(self.started_at.into()),
            limits: Some(response::limits(self.store.limits())),
        }
    }
}

#[tonic::async_trait]
impl EventStoreService for EventStore {
    async fn append_to_stream(
        &self,
        request: Request<pb::AppendToStreamRequest>,
    ) -> Result<Response<pb::AppendToStreamResponse>, Status> {
        let call = self.metrics.call("AppendToStream");
        answer(call, self.append_one(request.into_inner()).await)
    }

    async fn append(
        &self,
        request: Request<pb::AppendRequest>,
    ) -> Result<Response<pb::AppendResponse>, Status> {
        let call = self.metrics.call("Append");
        answer(call, self.append_many(request.into_inner()).await)
    }

    type AppendSessionStream = Counted<Session<Streaming<pb::AppendSessionRequest>>>;

    async fn append_session(
        &self,
        request: Request<Streaming<pb::AppendSessionRequest>>,
    ) -> Result<Response<Self::AppendSessionStream>, Status> {
        let handed_over = request.metadata().contains_key(handover::HEADER);
        let requests = request.into_inner();
        let session = Session::new(self.store.clone(), requests, handed_over, self.drain.clone());
        Ok(Response::new(Counted::new(
            session,
            self.metrics.call("AppendSession"),
        )))
    }

    type ReadStreamStream = Answers<ReadStreamResponse>;

    async fn read_stream(
        &self,
        request: Request<pb::ReadStreamRequest>,
    ) -> Result<Response<Self::ReadStreamStream>, Status> {
        let call = self.metrics.call("ReadStream");
        let read = async {
            Ok(self
                .store
                .read_stream(request::read_stream(request.into_inner())?)
                .await?)
        };
        match read.await {
            Ok(reader) => Ok(Response::new(stream::events(reader, call))),
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }

    type ReadAllStream = Answers<ReadAllResponse>;

    async fn read_all(
        &self,
        request: Request<pb::ReadAllRequest>,
    ) -> Result<Response<Self::ReadAllStream>, Status> {
        let call = self.metrics.call("ReadAll");
        let read = async {
            Ok(self
                .store
                .read_all(request::read_all(request.into_inner())?)
                .await?)
        };
        match read.await {
            Ok(reader) => Ok(Response::new(stream::log(reader, call))),
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }

    type SubscribeAllStream = Answers<SubscriptionResponse>;

    async fn subscribe_all(
        &self,
        request: Request<pb::SubscribeAllRequest>,
    ) -> Result<Response<Self::SubscribeAllStream>, Status> {
        let call = self.metrics.call("SubscribeAll");
        let subscribe = async {
            Ok(self
                .store
                .subscribe_all(request::subscribe_all(request.into_inner())?)
                .await?)
        };
        match subscribe.await {
            Ok(subscription) => Ok(Response::new(stream::notices(subscription, call))),
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }

    type SubscribeStreamStream = Answers<SubscriptionResponse>;

    async fn subscribe_stream(
        &self,
        request: Request<pb::SubscribeStreamRequest>,
    ) -> Result<Response<Self::SubscribeStreamStream>, Status> {
        let call = self.metrics.call("SubscribeStream");
        let subscribe = async {
            Ok(self
                .store
                .subscribe_stream(request::subscribe_stream(request.into_inner())?)
                .await?)
        };
        match subscribe.await {
            Ok(subscription) => Ok(Response::new(stream::notices(subscription, call))),
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }

    async fn get_stream(
        &self,
        request: Request<pb::GetStreamRequest>,
    ) -> Result<Response<pb::GetStreamResponse>, Status> {
        let call = self.metrics.call("GetStream");
        answer(call, self.stream(request.get_ref()).await)
    }

    async fn list_streams(
        &self,
        request: Request<pb::ListStreamsRequest>,
    ) -> Result<Response<pb::ListStreamsResponse>, Status> {
        let call = self.metrics.call("ListStreams");
        answer(call, self.streams(request.into_inner()).await)
    }

    async fn get_position_at_time(
        &self,
        request: Request<pb::GetPositionAtTimeRequest>,
    ) -> Result<Response<pb::GetPositionAtTimeResponse>, Status> {
        let call = self.metrics.call("GetPositionAtTime");
        answer(call, self.position_at(request.get_ref()).await)
    }

    async fn save_snapshot(
        &self,
        request: Request<pb::SaveSnapshotRequest>,
    ) -> Result<Response<pb::SaveSnapshotResponse>, Status> {
        let call = self.metrics.call("SaveSnapshot");
        answer(call, self.save(request.into_inner()).await)
    }

    async fn load_snapshot(
        &self,
        request: Request<pb::LoadSnapshotRequest>,
    ) -> Result<Response<pb::LoadSnapshotResponse>, Status> {
        let call = self.metrics.call("LoadSnapshot");
        answer(call, self.load(request.get_ref()).await)
    }

    async fn set_retention(
        &self,
        request: Request<pb::SetRetentionRequest>,
    ) -> Result<Response<pb::SetRetentionResponse>, Status> {
        let call = self.metrics.call("SetRetention");
        answer(call, self.set(request.get_ref()).await)
    }

    async fn get_retention(
        &self,
        request: Request<pb::GetRetentionRequest>,
    ) -> Result<Response<pb::GetRetentionResponse>, Status> {
        let call = self.metrics.call("GetRetention");
        answer(call, self.retention(request.get_ref()).await)
    }

    async fn delete_stream(
        &self,
        request: Request<pb::DeleteStreamRequest>,
    ) -> Result<Response<pb::DeleteStreamResponse>, Status> {
        let call = self.metrics.call("DeleteStream");
        answer(call, self.delete(request.into_inner()).await)
    }

    async fn tombstone_stream(
        &self,
        request: Request<pb::TombstoneStreamRequest>,
    ) -> Result<Response<pb::TombstoneStreamResponse>, Status> {
        let call = self.metrics.call("TombstoneStream");
        answer(call, self.tombstone(request.into_inner()).await)
    }

    async fn start_scavenge(
        &self,
        _request: Request<pb::StartScavengeRequest>,
    ) -> Result<Response<pb::StartScavengeResponse>, Status> {
        let call = self.metrics.call("StartScavenge");
        answer(call, self.start().await)
    }

    async fn stop_scavenge(
        &self,
        _request: Request<pb::StopScavengeRequest>,
    ) -> Result<Response<pb::StopScavengeResponse>, Status> {
        let call = self.metrics.call("StopScavenge");
        answer(call, self.stop().await)
    }

    async fn get_scavenge(
        &self,
        _request: Request<pb::GetScavengeRequest>,
    ) -> Result<Response<pb::GetScavengeResponse>, Status> {
        let call = self.metrics.call("GetScavenge");
        answer(call, self.scavenge().await)
    }

    async fn get_server_info(
        &self,
        _request: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let call = self.metrics.call("GetServerInfo");
        answer(call, Ok(self.server_info()))
    }
}
