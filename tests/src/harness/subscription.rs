//! Helpers that wait for items of the client library's subscriptions.

use annals_client::{RecordedEvent, Subscription, SubscriptionItem};

use super::within_patience;

/// The positions of all events until the subscription is caught up, and the position that it then reported.
///
/// # Panics
/// If it fails, or is not caught up in time.
pub async fn until_caught_up(subscription: &mut Subscription) -> (Vec<u64>, u64) {
    let mut positions = Vec::new();
    loop {
        match next(subscription, "being caught up").await {
            SubscriptionItem::Event(event) => positions.push(event.position.0),
            SubscriptionItem::CaughtUp { position, .. } => return (positions, position.0),
            _ => {}
        }
    }
}

/// The next event; other items before it are skipped.
///
/// # Panics
/// If the subscription fails, or no event comes in time.
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
        .expect("a subscription does not end on its own")
        .expect("nothing went wrong")
}
