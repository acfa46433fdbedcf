//! Subscriptions that continue through all kills.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_client::QueryItem;
use annals_tests::{
    checker::{Filter, FilterItem, Start, SubscribeRequest, Target},
    harness::{Followed, Metrics, PATIENCE, Recorder, Server},
};

/// A subscription that is followed in the background.
pub struct Subscriber {
    name: &'static str,
    /// The position at which it stops, once it is set.
    stop_at: Arc<AtomicU64>,
    /// The last position that it reported.
    seen: Arc<AtomicU64>,
    following: tokio::task::JoinHandle<()>,
}

impl Subscriber {
    fn follow(name: &'static str, mut followed: Followed) -> Self {
        let (stop_at, seen) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(AtomicU64::new(0)));
        let (stop, last) = (Arc::clone(&stop_at), Arc::clone(&seen));
        let following = tokio::spawn(async move {
            while followed.last_position < stop.load(Ordering::Relaxed) {
                // Bounded, because the position may be set while nothing more comes.
                let _ = tokio::time::timeout(Duration::from_millis(200), followed.next()).await;
                last.store(followed.last_position, Ordering::Relaxed);
            }
        });
        Self {
            name,
            stop_at,
            seen,
            following,
        }
    }

    /// Waits until it has reported this position.
    pub async fn stop_at(self, position: u64, server: &Server) {
        self.stop_at.store(position, Ordering::Relaxed);
        let Ok(ended) = tokio::time::timeout(PATIENCE, self.following).await else {
            let seen = self.seen.load(Ordering::Relaxed);
            panic!(
                "{} saw {seen} of {position}; {}",
                self.name,
                Metrics::of(server).text()
            );
        };
        ended.expect("a subscription resumes automatically and never breaks the protocol");
    }
}

/// Subscribes to everything, to one type, and to one category.
pub async fn subscribe(server: &Server, recorder: &Recorder) -> Vec<Subscriber> {
    let client = server.client();
    let to_log = |item: Option<FilterItem>| SubscribeRequest {
        target: Target::Log,
        start: Start::Beginning,
        filter: Filter {
            items: item.into_iter().collect(),
        },
    };
    let all = recorder
        .subscribe(to_log(None), client.subscribe_all())
        .await
        .unwrap();
    let rare = FilterItem {
        types: vec!["Rare".to_owned()],
        ..FilterItem::default()
    };
    let rare = recorder
        .subscribe(
            to_log(Some(rare)),
            client.subscribe_all().query(QueryItem::new().of_type("Rare")),
        )
        .await
        .unwrap();
    let category = FilterItem {
        stream_prefixes: vec!["new-1".to_owned()],
        ..FilterItem::default()
    };
    let category = recorder
        .subscribe(
            to_log(Some(category)),
            client
                .subscribe_all()
                .query(QueryItem::new().in_stream_prefix("new-1")),
        )
        .await
        .unwrap();
    vec![
        Subscriber::follow("the subscriber to all", all),
        Subscriber::follow("the subscriber to a type", rare),
        Subscriber::follow("the subscriber to a category", category),
    ]
}
