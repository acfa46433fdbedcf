//! The calls of `annals.v1.StateService`.

use annals_proto::v1 as pb;
use annals_store::Store;
use futures::stream;
use tonic::{Request, Response, Status};

use super::{
    service::{answer, refuse},
    stream::{Answers, Counted},
};
use crate::{
    grpc::{
        generated::v1::state_service_server::StateService,
        request, response,
        status::{Refusal, of_store},
    },
    metrics::Metrics,
};

/// The service `annals.v1.StateService`, on a store.
#[derive(Clone)]
pub(crate) struct State {
    store: Store,
    metrics: Metrics,
}

impl State {
    pub(crate) const fn new(store: Store, metrics: Metrics) -> Self {
        Self { store, metrics }
    }

    async fn get(&self, request: &pb::GetStateRequest) -> Result<pb::GetStateResponse, Refusal> {
        let (entry, scope_version) = self.store.state(&request::get_state(request)?).await?;
        Ok(pb::GetStateResponse {
            entry: entry.map(response::state_entry),
            scope_version,
        })
    }

    async fn list(&self, request: &pb::ListStateRequest) -> Result<pb::ListStateResponse, Refusal> {
        let page = self.store.list_state(&request::list_state(request)?).await?;
        Ok(pb::ListStateResponse {
            entries: page.entries.into_iter().map(response::state_entry).collect(),
            has_more: page.has_more,
            scope_version: page.version,
        })
    }

    async fn write(&self, request: pb::WriteStateRequest) -> Result<pb::WriteStateResponse, Refusal> {
        let write = request::write_state(request, self.store.limits())?;
        Ok(response::state_written(self.store.write_state(write).await?))
    }
}

#[tonic::async_trait]
impl StateService for State {
    async fn get_state(
        &self,
        request: Request<pb::GetStateRequest>,
    ) -> Result<Response<pb::GetStateResponse>, Status> {
        let call = self.metrics.call("GetState");
        answer(call, self.get(request.get_ref()).await)
    }

    async fn list_state(
        &self,
        request: Request<pb::ListStateRequest>,
    ) -> Result<Response<pb::ListStateResponse>, Status> {
        let call = self.metrics.call("ListState");
        answer(call, self.list(request.get_ref()).await)
    }

    async fn write_state(
        &self,
        request: Request<pb::WriteStateRequest>,
    ) -> Result<Response<pb::WriteStateResponse>, Status> {
        let call = self.metrics.call("WriteState");
        answer(call, self.write(request.into_inner()).await)
    }

    type SubscribeStateStream = Answers<pb::SubscribeStateResponse>;

    async fn subscribe_state(
        &self,
        request: Request<pb::SubscribeStateRequest>,
    ) -> Result<Response<Self::SubscribeStateStream>, Status> {
        let call = self.metrics.call("SubscribeState");
        let subscribe = async {
            let subscribe = request::subscribe_state(request.get_ref())?;
            Ok(self.store.subscribe_state(subscribe).await?)
        };
        match subscribe.await {
            Ok(subscription) => {
                let answers = stream::try_unfold(subscription, async |mut subscription| {
                    let notice = subscription.next().await.map_err(of_store)?;
                    Ok::<_, Status>(Some((response::state_notice(notice), subscription)))
                });
                Ok(Response::new(Counted::new(Box::pin(answers), call)))
            }
            Err(refusal) => Err(refuse(call, refusal)),
        }
    }
}
