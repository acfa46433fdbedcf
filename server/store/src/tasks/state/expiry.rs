//! Forgets receipts and deletions that have expired.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use crate::{shared::Shared, state::expiry};

/// Pause when nothing more has expired.
const PAUSE: Duration = Duration::from_secs(60);
/// Pause between two commits, so that writes do not wait for many of them in a row.
const STEP: Duration = Duration::from_millis(20);

/// Runs until the store closes.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing.watch();
    loop {
        let pause = match expiry::remove_some(&shared).await {
            Ok(true) => STEP,
            Ok(false) => PAUSE,
            Err(error) => {
                warn!(%error, "cannot remove expired receipts and deletions of state; trying again");
                PAUSE
            }
        };
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
