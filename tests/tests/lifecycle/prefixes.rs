//! A retention for all streams whose names begin with a prefix.

use annals_client::{Error, Retention, Revision, ScavengeState};
use annals_tests::{
    harness::{PATIENCE, Server},
    on_every_engine, on_every_engine_that_persists,
};
use tokio::time::{Duration, Instant, sleep};

use super::{append, listed, log, revisions};

on_every_engine!(
    one_entry_holds_for_all_streams_of_a_prefix,
    the_longest_prefix_and_a_streams_own_retention_replace_it,
    events_of_a_prefix_grow_too_old_and_stay_gone,
    what_a_prefix_removed_by_count_is_kept_again_until_it_is_scavenged,
    a_change_rests_on_the_version_that_was_seen,
    bad_prefixes_are_refused,
);
on_every_engine_that_persists!(it_is_known_after_a_restart);

const THREE: [&str; 3] = ["A", "B", "C"];

async fn one_entry_holds_for_all_streams_of_a_prefix(server: Server) {
    let client = server.client();
    append(&client, "session-1", &THREE).await;
    append(&client, "order-1", &THREE).await;
    let set = client
        .set_prefix_retention("session-", Retention::new().max_count(1))
        .await
        .unwrap();
    assert_eq!((set.prefix.as_str(), set.version), ("session-", 1));
    append(&client, "session-2", &THREE).await;
    assert_eq!(revisions(&client, "session-1").await, [2]);
    assert_eq!(revisions(&client, "session-2").await, [2]);
    assert_eq!(revisions(&client, "order-1").await, [0, 1, 2]);
    let info = client.stream_info("session-2").await.unwrap();
    assert_eq!(
        (info.first_revision, info.last_revision),
        (Revision(2), Revision(2))
    );
    assert_eq!(
        info.retention,
        Retention::new(),
        "nothing is set for the stream itself"
    );
    assert_eq!(info.retention_prefix.as_deref(), Some("session-"));
    assert_eq!(
        client.stream_info("order-1").await.unwrap().retention_prefix,
        None
    );
    assert_eq!(
        log(&client).await,
        ["C", "A", "B", "C", "$prefix-retention-set", "C"],
        "it is stored in the log"
    );
    assert_eq!(listed(&client, "session-").await, ["session-1", "session-2"]);
    assert_eq!(revisions(&client, "$$$session-").await, [0]);
}

async fn the_longest_prefix_and_a_streams_own_retention_replace_it(server: Server) {
    let client = server.client();
    for stream in ["session-1", "session-eu-1", "session-eu-2"] {
        append(&client, stream, &["A", "B", "C", "D", "E"]).await;
    }
    let counted = |count| Retention::new().max_count(count);
    client.set_prefix_retention("session-", counted(1)).await.unwrap();
    client
        .set_prefix_retention("session-eu-", counted(3))
        .await
        .unwrap();
    assert_eq!(revisions(&client, "session-1").await, [4]);
    assert_eq!(revisions(&client, "session-eu-1").await, [2, 3, 4]);
    // Fewer than the prefix retains, then more: removed events stay removed.
    client.set_retention("session-eu-1", counted(2)).await.unwrap();
    assert_eq!(revisions(&client, "session-eu-1").await, [3, 4]);
    client.set_retention("session-eu-1", counted(9)).await.unwrap();
    assert_eq!(revisions(&client, "session-eu-1").await, [3, 4]);
    assert_eq!(
        client.stream_info("session-eu-1").await.unwrap().retention_prefix,
        None
    );
    // The same for a stream without a retention.
    let set = client.set_retention("session-eu-2", counted(9)).await.unwrap();
    assert_eq!(set.retention.truncate_before, 2);
    assert_eq!(revisions(&client, "session-eu-2").await, [2, 3, 4]);
    // Once its own retention is removed, that of the prefix applies again.
    client
        .set_retention("session-eu-2", Retention::new())
        .await
        .unwrap();
    client
        .set_prefix_retention("session-eu-", Retention::new())
        .await
        .unwrap();
    assert_eq!(
        revisions(&client, "session-eu-2").await,
        [4],
        "that of the shorter prefix"
    );
}

async fn events_of_a_prefix_grow_too_old_and_stay_gone(server: Server) {
    let client = server.client();
    append(&client, "session-1", &THREE).await;
    client
        .set_prefix_retention("session-", Retention::new().max_age(Duration::from_secs(1)))
        .await
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !revisions(&client, "session-1").await.is_empty() {
        assert!(
            Instant::now() < deadline,
            "events with a maximum age of a second are not removed"
        );
        sleep(Duration::from_millis(50)).await;
    }
    client
        .set_prefix_retention("session-", Retention::new().max_age(Duration::from_secs(3_600)))
        .await
        .unwrap();
    append(&client, "session-1", &["D"]).await;
    assert_eq!(revisions(&client, "session-1").await, [3]);
    client
        .set_prefix_retention("session-", Retention::new())
        .await
        .unwrap();
    assert_eq!(revisions(&client, "session-1").await, [3]);
    assert_eq!(client.prefix_retentions().await.unwrap(), []);
}

async fn what_a_prefix_removed_by_count_is_kept_again_until_it_is_scavenged(server: Server) {
    let client = server.client();
    append(&client, "session-1", &THREE).await;
    let counted = |count| Retention::new().max_count(count);
    client.set_prefix_retention("session-", counted(1)).await.unwrap();
    assert_eq!(revisions(&client, "session-1").await, [2]);
    client.set_prefix_retention("session-", counted(2)).await.unwrap();
    assert_eq!(revisions(&client, "session-1").await, [1, 2]);
    client.start_scavenge().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let scavenge = client.scavenge_status().await.unwrap().unwrap();
        if scavenge.state == ScavengeState::Finished {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "the scavenge does not finish: {scavenge:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(revisions(&client, "session-1").await, [1, 2]);
}

async fn a_change_rests_on_the_version_that_was_seen(server: Server) {
    let client = server.client();
    let (five, six) = (Retention::new().max_count(5), Retention::new().max_count(6));
    assert_eq!(client.prefix_retention("session-").await.unwrap().version, 0);
    let first = client.set_prefix_retention_at("session-", five, 0).await.unwrap();
    let repeated = client.set_prefix_retention_at("session-", five, 0).await.unwrap();
    assert_eq!((first.version, &repeated), (1, &first));
    let refused = client
        .set_prefix_retention_at("session-", six, 0)
        .await
        .unwrap_err();
    let Error::PrefixVersionConflict {
        prefix,
        expected: 0,
        actual: 1,
    } = &refused
    else {
        panic!("{refused}");
    };
    assert_eq!(prefix, "session-");
    assert!(refused.is_conflict());
    let changes = (0..10).map(|nth| {
        let client = client.clone();
        async move {
            let prefix = format!("p-{}", nth % 2);
            client
                .set_prefix_retention(prefix, Retention::new().max_count(1 + nth))
                .await
        }
    });
    for changed in futures::future::join_all(changes).await {
        changed.unwrap();
    }
    let versions = client.prefix_retentions().await.unwrap();
    let versions: Vec<u64> = versions.iter().map(|kept| kept.version).collect();
    assert_eq!(versions, [5, 5, 1], "of changes at the same time none is lost");
}

async fn bad_prefixes_are_refused(server: Server) {
    let client = server.client();
    let counted = Retention::new().max_count(1);
    let long = "x".repeat(513);
    for prefix in ["", "$", "$$session-", "a\u{7}b", long.as_str()] {
        let refused = client.set_prefix_retention(prefix, counted).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidField(_)), "{prefix:?}: {refused}");
    }
    let truncating = Retention::new().truncate_before(1);
    let refused = client
        .set_prefix_retention("session-", truncating)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::InvalidField(_)), "{refused}");
    let max = client.server_info().await.unwrap().limits.max_prefix_retentions;
    assert_eq!(max, 1_000);
}

async fn it_is_known_after_a_restart(mut server: Server) {
    let client = server.client();
    append(&client, "session-1", &THREE).await;
    client
        .set_prefix_retention("session-", Retention::new().max_count(1))
        .await
        .unwrap();
    server.restart();
    assert_eq!(revisions(&client, "session-1").await, [2]);
    append(&client, "session-1", &["D"]).await;
    assert_eq!(revisions(&client, "session-1").await, [3]);
    server.kill();
    server.start_again();
    assert_eq!(revisions(&client, "session-1").await, [3]);
    assert_eq!(client.prefix_retention("session-").await.unwrap().version, 1);
}
