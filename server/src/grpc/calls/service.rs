//! The calls of `annals.v1.EventStoreService`. `answers` implements those with a single response.

use annals_proto::v1 as pb;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    EventStore,
    pipeline::Pipeline,
    stream::{self, Answers, Counted},
};
use crate::{
    grpc::{
        generated::v1::event_store_service_server::EventStoreService,
        request,
        status::Refusal,
        wire::{
            encoded::{AppendPipelineRequest, AppendToManyRequest, AppendToStreamRequest},
            raw::{ReadAllResponse, ReadStreamResponse, SubscriptionResponse},
        },
    },
    metrics::Call,
};

/// Responds to a unary call, and counts how it ended.
pub(super) fn answer<T>(mut call: Call, result: Result<T, Refusal>) -> Result<Response<T>, Status> {
    match result {
        Ok(answer) => {
            call.ended(Code::Ok);
            Ok(Response::new(answer))
        }
        Err(refusal) => Err(refuse(call, refusal)),
    }
}

/// Fails a call, and counts it.
pub(super) fn refuse(mut call: Call, refusal: Refusal) -> Status {
    let status = Status::from(refusal);
    call.ended(status.code());
    status
}

#[tonic::async_trait]
impl EventStoreService for EventStore {
    async fn append_to_stream(
        &self,
        request: Request<AppendToStreamRequest>,
    ) -> Result<Response<pb::AppendToStreamResponse>, Status> {
        let call = self.metrics.call("AppendToStream");
        answer(call, self.append_one(request.get_ref()).await)
    }

    async fn append_to_many(
        &self,
        request: Request<AppendToManyRequest>,
    ) -> Result<Response<pb::AppendToManyResponse>, Status> {
        let call = self.metrics.call("AppendToMany");
        answer(call, self.append_many(request.into_inner()).await)
    }

    type AppendPipelineStream = Counted<Pipeline<Streaming<AppendPipelineRequest>>>;

    async fn append_pipeline(
        &self,
        request: Request<Streaming<AppendPipelineRequest>>,
    ) -> Result<Response<Self::AppendPipelineStream>, Status> {
        let requests = request.into_inner();
        let pipeline = Pipeline::new(self.store.clone(), requests, false, self.drain.clone());
        Ok(Response::new(Counted::new(
            pipeline,
            self.metrics.call("AppendPipeline"),
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

    async fn set_prefix_retention(
        &self,
        request: Request<pb::SetPrefixRetentionRequest>,
    ) -> Result<Response<pb::SetPrefixRetentionResponse>, Status> {
        let call = self.metrics.call("SetPrefixRetention");
        answer(call, self.set_prefix(request.get_ref()).await)
    }

    async fn get_prefix_retention(
        &self,
        request: Request<pb::GetPrefixRetentionRequest>,
    ) -> Result<Response<pb::GetPrefixRetentionResponse>, Status> {
        let call = self.metrics.call("GetPrefixRetention");
        answer(call, self.prefix_retention(request.get_ref()).await)
    }

    async fn list_prefix_retentions(
        &self,
        request: Request<pb::ListPrefixRetentionsRequest>,
    ) -> Result<Response<pb::ListPrefixRetentionsResponse>, Status> {
        let call = self.metrics.call("ListPrefixRetentions");
        answer(call, self.prefix_retentions(request.get_ref()).await)
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
