//! The echo of calls of state: a fixed entry, and the version 1 for each change.

use annals_proto::v1 as pb;
use bytes::Bytes;
use pb::state_service_server::StateService;
use tonic::{Request, Response};

use super::{Answered, Answers, RECORDED_AT, unimplemented};
use crate::load::DATA_BYTES;

/// The service of state.
#[derive(Clone, Copy, Debug)]
pub(super) struct State;

#[tonic::async_trait]
impl StateService for State {
    type SubscribeStateStream = Answers<pb::SubscribeStateResponse>;

    async fn get_state(&self, request: Request<pb::GetStateRequest>) -> Answered<pb::GetStateResponse> {
        let entry = pb::StateEntry {
            key: request.into_inner().key,
            value: Bytes::from_static(&[b'x'; DATA_BYTES]),
            version: 1,
            changed_at: Some(RECORDED_AT),
        };
        Ok(Response::new(pb::GetStateResponse {
            entry: Some(entry),
            scope_version: 1,
        }))
    }

    async fn list_state(&self, _: Request<pb::ListStateRequest>) -> Answered<pb::ListStateResponse> {
        unimplemented()
    }

    async fn write_state(&self, request: Request<pb::WriteStateRequest>) -> Answered<pb::WriteStateResponse> {
        Ok(Response::new(pb::WriteStateResponse {
            versions: request.into_inner().changes.iter().map(|_| 1).collect(),
            changed_at: Some(RECORDED_AT),
            already_written: false,
        }))
    }

    async fn subscribe_state(
        &self,
        _: Request<pb::SubscribeStateRequest>,
    ) -> Answered<Self::SubscribeStateStream> {
        unimplemented()
    }
}
