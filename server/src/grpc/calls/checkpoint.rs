//! The calls of `annals.v1.CheckpointService`.

use annals_proto::v1 as pb;
use annals_services::checkpoints::Checkpoints;
use tonic::{Request, Response, Status};

use super::service::answer;
use crate::{
    grpc::{generated::v1::checkpoint_service_server::CheckpointService, request, response, status::Refusal},
    metrics::Metrics,
};

/// The service `annals.v1.CheckpointService`, on the checkpoints of a store.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    checkpoints: Checkpoints,
    metrics: Metrics,
}

impl Checkpoint {
    pub(crate) const fn new(checkpoints: Checkpoints, metrics: Metrics) -> Self {
        Self { checkpoints, metrics }
    }

    async fn set(&self, request: pb::SetCheckpointRequest) -> Result<pb::SetCheckpointResponse, Refusal> {
        let checkpoint = self.checkpoints.set(request::set_checkpoint(request)?).await?;
        Ok(pb::SetCheckpointResponse {
            checkpoint: Some(response::checkpoint(checkpoint)),
        })
    }

    async fn get(&self, request: &pb::GetCheckpointRequest) -> Result<pb::GetCheckpointResponse, Refusal> {
        let name = request::checkpoint_name("name", &request.name)?;
        let status = self.checkpoints.get(&name).await?;
        Ok(pb::GetCheckpointResponse {
            status: Some(response::checkpoint_status(status)),
        })
    }

    async fn list(
        &self,
        request: pb::ListCheckpointsRequest,
    ) -> Result<pb::ListCheckpointsResponse, Refusal> {
        let page = self.checkpoints.list(request::list_checkpoints(request)?).await?;
        Ok(pb::ListCheckpointsResponse {
            statuses: page
                .statuses
                .into_iter()
                .map(response::checkpoint_status)
                .collect(),
            has_more: page.has_more,
            head: page.head.0,
        })
    }

    async fn delete(
        &self,
        request: &pb::DeleteCheckpointRequest,
    ) -> Result<pb::DeleteCheckpointResponse, Refusal> {
        let name = request::checkpoint_name("name", &request.name)?;
        let deleted = self.checkpoints.delete(&name).await?;
        Ok(pb::DeleteCheckpointResponse { deleted })
    }
}

#[tonic::async_trait]
impl CheckpointService for Checkpoint {
    async fn set_checkpoint(
        &self,
        request: Request<pb::SetCheckpointRequest>,
    ) -> Result<Response<pb::SetCheckpointResponse>, Status> {
        let call = self.metrics.call("SetCheckpoint");
        answer(call, self.set(request.into_inner()).await)
    }

    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        let call = self.metrics.call("GetCheckpoint");
        answer(call, self.get(request.get_ref()).await)
    }

    async fn list_checkpoints(
        &self,
        request: Request<pb::ListCheckpointsRequest>,
    ) -> Result<Response<pb::ListCheckpointsResponse>, Status> {
        let call = self.metrics.call("ListCheckpoints");
        answer(call, self.list(request.into_inner()).await)
    }

    async fn delete_checkpoint(
        &self,
        request: Request<pb::DeleteCheckpointRequest>,
    ) -> Result<Response<pb::DeleteCheckpointResponse>, Status> {
        let call = self.metrics.call("DeleteCheckpoint");
        answer(call, self.delete(request.get_ref()).await)
    }
}
