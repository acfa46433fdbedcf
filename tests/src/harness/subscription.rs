//! What tests wait for from a subscription of the client library.

use annals_client::{RecordedEvent, Subscription, SubscriptionItem};

use super::within_patience;

/// Events until it is caught up, as positions, and the position that it told then.
///
/// # Panics
/// If it fails, or is not caught up in time.
pub async fn until_caught_up(subscription: &mut Subscription) -> (Vec<u64>, u64) {
    let mut positions = Vec::new();
    loop {
        match next(subscription, "being caught up").await {
            SubscriptionItem::Event(event) => positions.push(event.position),
            SubscriptionItem::CaughtUp { position } => return (positions, position),
            _ => {}
        }
    }
}

/// The next event, whatever else is told before it.
///
/// # Panics
/// If it fails, or none comes in time.
pub async fn next_event(subscription: &mut Subscription) -> RecordedEvent {
    loop {
        if let SubscriptionItem::Event(event) = next(subscription, "an event").await {
            return event;
        }
    }
}

async fn next(subscription: &mut Subscription, what: &str) -> SubscriptionItem {
    within_patience(what, subscription.next())
        .await
        .expect("a subscription does not end by itself")
        .expect("nothing went wrong")
}
