//! Whether the storage answers, looked at all the time and told by the server's health.
//!
//! The embedded engine always does, or fails for good. A cluster may be gone for a while: calls get `ENGINE_UNAVAILABLE` then,
//! and whoever distributes them is told to send them elsewhere. The process goes on, because another one would find the same
//! cluster; so `/health/live` stays as it was.

use std::{convert::Infallible, time::Duration};

use annals_store::Store;
use tokio::sync::watch;
use tracing::{error, info};

use crate::{grpc::Health, server::Phase};

/// How often it is looked. A cluster that does not answer is found out this much later than a read is given up.
const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps phase and health as the storage is, for ever.
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
                // Each time, so that the log shows how long it lasted and what was said last.
                error!(%error, "the storage does not answer; not serving");
                phase.send_replace(Phase::Unreachable);
                health.not_serving().await;
            }
        }
    }
}
