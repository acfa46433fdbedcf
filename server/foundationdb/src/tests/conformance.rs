//! The conformance suite, each case in its own store in one cluster.

use std::sync::Arc;

use annals_engine::Engine;

use super::{fresh_prefix, open, shared_cluster};

async fn fresh() -> (Arc<dyn Engine>, ()) {
    let engine = open(shared_cluster(), &fresh_prefix()).await;
    (Arc::new(engine), ())
}

annals_engine::conformance_suite!(fresh, annals_installed::needs_foundationdb);
