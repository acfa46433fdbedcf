//! The call of `annals.internal.v1.ForwardingService`: appends that another server of the log forwards.

use annals_store::Store;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{
    generated_internal::forwarding_service_server::ForwardingService, pipeline::Pipeline, stream::Counted,
};
use crate::{grpc::internal::ForwardRequest, metrics::Metrics};

/// The service `annals.internal.v1.ForwardingService`, on a store.
pub(super) struct Forward {
    store: Store,
    drain: CancellationToken,
    metrics: Metrics,
}

impl Forward {
    pub(super) fn new(store: Store, drain: CancellationToken, metrics: Metrics) -> Self {
        Self {
            store,
            drain,
            metrics,
        }
    }
}

#[tonic::async_trait]
impl ForwardingService for Forward {
    type ForwardStream = Counted<Pipeline<Streaming<ForwardRequest>>>;

    async fn forward(
        &self,
        request: Request<Streaming<ForwardRequest>>,
    ) -> Result<Response<Self::ForwardStream>, Status> {
        let requests = request.into_inner();
        let pipeline = Pipeline::new(self.store.clone(), requests, true, self.drain.clone());
        Ok(Response::new(Counted::new(
            pipeline,
            self.metrics.call("Forward"),
        )))
    }
}
