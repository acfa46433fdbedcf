//! The call of `annals.internal.v1.ForwardingService`: appends that another server of the log forwards.

use annals_store::Store;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{pipeline::Pipeline, stream::Counted};
use crate::{
    grpc::generated::{internal::ForwardRequest, internal_v1::forwarding_service_server::ForwardingService},
    metrics::Metrics,
};

/// The service `annals.internal.v1.ForwardingService`, on a store.
pub(crate) struct Forward {
    store: Store,
    drain: CancellationToken,
    metrics: Metrics,
}

impl Forward {
    pub(crate) fn new(store: Store, drain: CancellationToken, metrics: Metrics) -> Self {
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
