//! Two servers of one FoundationDB cluster that are upgraded one after the other, and downgraded again, while clients
//! append to both and subscribe to both.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_tests::harness::{
    ClusterStore, Metrics, Options, Server,
    Version::{self, Current, Newer},
    within_patience,
};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::RwLock,
    task::{JoinHandle, JoinSet},
};
use tonic::{Code, transport::Channel};

use super::{
    client::{self, AppendToStream, NewEvent},
    log::{Kept, Log},
};

annals_tests::tests_that_need!(newer and foundationdb: a_cluster_is_upgraded_and_downgraded_under_load);

const WRITERS_PER_SERVER: usize = 12;
/// Appends of each server's clients between two restarts.
const APPENDS: u64 = 300;
/// How long a client waits before it tries again.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Load {
    stop: AtomicBool,
    /// Held for reading by each append, so that none is written while the log is read.
    gate: RwLock<()>,
    next: AtomicU64,
    /// Appends with a response, by server.
    written: [AtomicU64; 2],
    /// The numbers of their events.
    numbers: Mutex<BTreeSet<u64>>,
}

impl Load {
    /// Appends until it is stopped; an append without a response is sent again to the same server.
    async fn write(self: Arc<Self>, server: usize, channel: Channel) {
        while !self.stop.load(Ordering::Relaxed) {
            let _open = self.gate.read().await;
            let first = self.next.fetch_add(2, Ordering::Relaxed);
            let append = AppendToStream {
                stream: format!("counted-{}", first % 5),
                events: [first, first + 1].map(NewEvent::numbered).into(),
            };
            while let Err(status) = client::append(&channel, "AppendToStream", &append).await {
                assert_ne!(status.code(), Code::InvalidArgument, "{status:?}");
                tokio::time::sleep(PAUSE).await;
            }
            self.numbers.lock().extend([first, first + 1]);
            self.written[server].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the clients of both servers have appended.
    async fn continues(&self) {
        let enough = [0, 1].map(|server| self.written[server].load(Ordering::Relaxed) + APPENDS);
        within_patience("appends through both servers", async {
            while (0..2).any(|server| self.written[server].load(Ordering::Relaxed) < enough[server]) {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    }
}

/// Follows the log through one server until the event at position `until` was delivered; then returns all events.
fn follow(channel: Channel, until: Arc<AtomicU64>) -> JoinHandle<Vec<Bytes>> {
    tokio::spawn(async move {
        let (mut events, mut last) = (Vec::new(), 0);
        while last < until.load(Ordering::Relaxed) {
            let after = last;
            let deliver = |event: Bytes| {
                last = Kept::of(&event).event.position;
                events.push(event);
            };
            // Fails when the server ends. Ended and resumed now and then, to compare positions with `until`.
            let subscription = client::subscribe(&channel, after, false, deliver);
            let _ = tokio::time::timeout(Duration::from_secs(2), subscription).await;
            tokio::time::sleep(PAUSE).await;
        }
        events
    })
}

/// Checks the log through both servers while no client appends. Returns the versions that wrote the new events.
async fn check(log: &mut Log, load: &Load, servers: &[Server; 2], what: &str) -> Vec<Version> {
    let closed = within_patience("the writers to rest", load.gate.write()).await;
    let writers = log.extend(&servers[0]).await;
    for (nth, server) in servers.iter().enumerate() {
        log.check(server, "counted-0", &format!("{what}, server {nth}"))
            .await;
    }
    drop(closed);
    writers
}

async fn a_cluster_is_upgraded_and_downgraded_under_load() {
    let store = ClusterStore::fresh();
    let mut servers = [(); 2].map(|()| Options::on(&store).start());
    // Of two servers that write at once, the one with the greater name forwards its appends.
    let forwards = usize::from(servers[1].grpc_address().to_string() > servers[0].grpc_address().to_string());
    let (load, end) = (Arc::new(Load::default()), Arc::new(AtomicU64::new(u64::MAX)));
    let mut writers = JoinSet::new();
    for (nth, server) in servers.iter().enumerate() {
        for _ in 0..WRITERS_PER_SERVER {
            writers.spawn(Arc::clone(&load).write(nth, server.channel()));
        }
    }
    let followers = [0, 1].map(|nth| follow(servers[nth].channel(), Arc::clone(&end)));
    let mut log = Log::default();
    let mut versions = [Current; 2];
    let mut forwarded = Vec::new();
    for (upgraded, version, killed) in [
        (0, Current, false),
        (0, Newer, false),
        (1, Newer, true),
        (0, Current, true),
        (1, Current, false),
    ] {
        if versions[upgraded] != version {
            if killed {
                servers[upgraded].kill();
            } else {
                assert!(servers[upgraded].terminate().success());
            }
            servers[upgraded].start_again_as(version);
            versions[upgraded] = version;
            // Events of the other version may have been written until now.
            check(&mut log, &load, &servers, "restarted").await;
        }
        load.continues().await;
        if versions[0] != versions[1] {
            within_patience("appends that are forwarded", async {
                while Metrics::of(&servers[forwards]).value("annals_forwarded_appends_total") == 0.0 {
                    tokio::time::sleep(PAUSE).await;
                }
            })
            .await;
            forwarded.push(versions[forwards]);
        }
        let what = format!("{versions:?}");
        let wrote = check(&mut log, &load, &servers, &what).await;
        assert!(!wrote.is_empty());
        assert!(wrote.iter().all(|writer| versions.contains(writer)), "{what}");
    }
    load.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = within_patience("the writers", writers.join_next()).await {
        ended.unwrap();
    }
    check(&mut log, &load, &servers, "at the end").await;
    assert!(
        forwarded.contains(&Current) && forwarded.contains(&Newer),
        "{forwarded:?}"
    );

    // Each event once, with the client's field.
    let found: Vec<u64> = log.0.values().map(|kept| kept.event.number).collect();
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!((found.len(), &distinct), (distinct.len(), &*load.numbers.lock()));
    end.store(*log.0.last_key_value().unwrap().0, Ordering::Relaxed);
    for follower in followers {
        let delivered = within_patience("a subscription", follower).await.unwrap();
        let expected: Vec<Bytes> = log.0.values().map(|kept| kept.bytes.clone()).collect();
        assert!(delivered == expected, "a subscription delivered other events");
    }
    let newer = log.0.values().filter(|kept| kept.writer() == Newer).count();
    println!("{} events, {newer} of them by the newer version", log.0.len());
    assert!(newer > 0 && newer < log.0.len());
}
