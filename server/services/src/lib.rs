//! Services above the event store, without gRPC types and without an engine. What they keep is in the store: events in
//! system streams for what users define, and state in system scopes for what changes all the time. A service could be
//! deleted without touching the store.
//!
//! | folder | holds |
//! |---|---|
//! | `checkpoints` | named positions that consumers report |
//! | `groups` | consumer groups |

pub mod checkpoints;
pub mod groups;

use std::time::Duration;

use annals_store::{Position, Result, Store};

/// Returns the age of the first event after a position of the log whose last position is `head`; zero if there is none.
///
/// # Errors
/// [`annals_store::Error::Unavailable`].
pub async fn lag(store: &Store, position: Position, head: Position) -> Result<Duration> {
    if position >= head {
        return Ok(Duration::ZERO);
    }
    let recorded_at = store.recorded_after(position, head).await?;
    let lag = recorded_at.map_or(0, |at| store.now().micros.saturating_sub(at.micros));
    Ok(Duration::from_micros(lag))
}
