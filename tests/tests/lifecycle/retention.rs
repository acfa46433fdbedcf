//! Retention: by count, by age, by revision.

use annals_client::{Error, ExpectedRevision as Expected, Retention, Revision};
use annals_tests::{
    harness::{PATIENCE, Server, sample::event},
    on_every_engine,
};
use tokio::time::{Duration, Instant, sleep};

use super::{append, log, read, revisions, revisions_of};

on_every_engine!(
    only_the_last_events_are_kept,
    events_grow_too_old,
    a_stream_is_truncated_and_stays,
    what_is_gone_does_not_come_back,
    a_change_rests_on_the_version_that_was_seen,
    of_two_changes_at_the_same_time_none_is_lost,
);

const FIVE: [&str; 5] = ["A", "B", "C", "D", "E"];

async fn only_the_last_events_are_kept(server: Server) {
    let client = server.client();
    append(&client, "order-1", &FIVE).await;
    let set = client
        .set_retention("order-1", Retention::new().max_count(2))
        .await
        .unwrap();
    assert_eq!((set.version, set.retention.max_count), (1, Some(2)));
    assert_eq!(revisions(&client, "order-1").await, [3, 4]);
    append(&client, "order-1", &["F"]).await;
    assert_eq!(revisions(&client, "order-1").await, [4, 5]);
    let info = client.stream_info("order-1").await.unwrap();
    assert_eq!(
        (info.first_revision, info.last_revision),
        (Revision(4), Revision(5))
    );
    assert_eq!(info.retention, Retention::new().max_count(2));
    let from = client.read_stream("order-1").from_revision(1);
    assert_eq!(
        revisions_of(from).await,
        [4, 5],
        "a read that starts at a removed event begins with the first retained one"
    );
    // Before the stream exists.
    client
        .set_retention("order-2", Retention::new().max_count(1))
        .await
        .unwrap();
    append(&client, "order-2", &FIVE).await;
    assert_eq!(revisions(&client, "order-2").await, [4]);
}

async fn events_grow_too_old(server: Server) {
    let client = server.client();
    append(&client, "order-1", &["A", "B"]).await;
    append(&client, "other", &["O"]).await;
    client
        .set_retention("order-1", Retention::new().max_age(Duration::from_secs(1)))
        .await
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !read(&client, "order-1").await.is_empty() {
        assert!(
            Instant::now() < deadline,
            "events with a maximum age of a second are not removed"
        );
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(log(&client).await, ["O", "$retention-set"]);
    let info = client.stream_info("order-1").await.unwrap();
    assert_eq!(
        (info.first_revision, info.last_revision),
        (Revision(2), Revision(1))
    );
    // The stream remains.
    let next = client
        .append("order-1", Expected::Exactly(Revision(1)), [event("C")])
        .await
        .unwrap();
    assert_eq!(next.first_revision, 2);
    let kept = client
        .set_retention("order-1", Retention::new().max_age(Duration::from_secs(3_600)))
        .await
        .unwrap();
    assert!(
        kept.retention.truncate_before >= 2,
        "removed events stay removed: {kept:?}"
    );
}

async fn a_stream_is_truncated_and_stays(server: Server) {
    let client = server.client();
    append(&client, "order-1", &FIVE).await;
    let before = |revision| Retention::new().truncate_before(revision);
    client.set_retention("order-1", before(3)).await.unwrap();
    assert_eq!(revisions(&client, "order-1").await, [3, 4]);
    let backwards = client.read_stream("order-1").backwards();
    assert_eq!(revisions_of(backwards).await, [4, 3]);
    let less = client.set_retention("order-1", before(1)).await.unwrap();
    assert_eq!((less.version, less.retention), (1, before(3)), "it only grows");
    let refused = client.set_retention("order-1", before(6)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::RevisionBeyondEnd {
                revision: Revision(6),
                last_revision: Some(Revision(4)),
                ..
            }
        ),
        "{refused}"
    );
    client.set_retention("order-1", before(5)).await.unwrap();
    assert_eq!(revisions(&client, "order-1").await, Vec::<u64>::new());
    let refused = client
        .append("order-1", Expected::NoStream, [event("F")])
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            Error::RevisionConflict {
                actual: Some(Revision(4)),
                ..
            }
        ),
        "{refused}"
    );
}

async fn what_is_gone_does_not_come_back(server: Server) {
    let client = server.client();
    append(&client, "order-1", &FIVE).await;
    client
        .set_retention("order-1", Retention::new().max_count(2))
        .await
        .unwrap();
    append(&client, "order-1", &["F"]).await;
    let set = client.set_retention("order-1", Retention::new()).await.unwrap();
    assert_eq!(set.retention, Retention::new().truncate_before(4));
    append(&client, "order-1", &["G"]).await;
    assert_eq!(revisions(&client, "order-1").await, [4, 5, 6]);
}

async fn a_change_rests_on_the_version_that_was_seen(server: Server) {
    let client = server.client();
    let (five, six) = (Retention::new().max_count(5), Retention::new().max_count(6));
    assert_eq!(client.retention("order-1").await.unwrap().version, 0);
    let first = client.set_retention_if_version("order-1", five, 0).await.unwrap();
    let repeated = client.set_retention_if_version("order-1", five, 0).await.unwrap();
    assert_eq!((first.version, repeated), (1, first));
    let refused = client
        .set_retention_if_version("order-1", six, 0)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            Error::VersionConflict {
                expected: 0,
                actual: 1,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(
        client
            .set_retention_if_version("order-1", six, 1)
            .await
            .unwrap()
            .version,
        2
    );
    assert_eq!(client.retention("order-1").await.unwrap().retention, six);
}

async fn of_two_changes_at_the_same_time_none_is_lost(server: Server) {
    let client = server.client();
    append(&client, "order-1", &FIVE).await;
    let changes = (1..=20).map(|nth| {
        let client = client.clone();
        async move {
            let wanted = Retention::new().max_count(100 + nth);
            client.set_retention("order-1", wanted).await.unwrap().version
        }
    });
    let mut versions = futures::future::join_all(changes).await;
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<u64>>());
}
