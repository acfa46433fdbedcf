//! Checks continuously whether the storage answers, and sets the server's health accordingly.
//!
//! The embedded engine always answers, or fails permanently. A cluster may be unavailable for a while: calls then get
//! `ENGINE_UNAVAILABLE`, and load balancers see that the server is not ready. The process keeps running, because a
//! new one would find the same cluster; so `/health/live` does not change.

use std::{convert::Infallible, time::Duration};

use annals_store::Store;
use tokio::sync::watch;
use tracing::{error, info};

use crate::{grpc::Health, phase::Phase};

/// Time between checks. An unavailable cluster is detected up to this much later than a read times out.
const INTERVAL: Duration = Duration::from_secs(1);

/// Sets phase and health according to the state of the storage. Never returns.
pub(crate) async fn follow(store: &Store, phase: &watch::Sender<Phase>, health: &Health) -> Infallible {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let answers = store.answers().await;
        let answered = *phase.borrow() == Phase::Serving;
        match answers {
            Ok(()) if answered => {}
            Ok(()) => {
                info!("the storage answers again; serving");
                phase.send_replace(Phase::Serving);
                health.serving().await;
            }
            Err(error) => {
                // Logged each time, so that the log shows how long it lasted and the latest reason.
                error!(%error, "the storage does not answer; not serving");
                phase.send_replace(Phase::Unreachable);
                health.not_serving().await;
            }
        }
    }
}
