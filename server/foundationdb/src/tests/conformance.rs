//! The conformance suite, each case in its own store in one cluster.

use std::sync::Arc;

use annals_engine::Engine;

use super::{fresh_prefix, open, shared_cluster};

async fn fresh() -> Option<(Arc<dyn Engine>, ())> {
    let cluster = shared_cluster()?;
    let engine = open(cluster, &fresh_prefix()).await;
    Some((Arc::new(engine), ()))
}

annals_engine::conformance_suite!(fresh);
