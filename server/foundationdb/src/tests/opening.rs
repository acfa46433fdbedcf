//! Opening a store: refusals, and clusters that do not respond.

use std::fs;

use annals_engine::{Engine as _, Error};
use annals_fdbserver::{Cluster, Layout, Programs};
use tokio::time::timeout;

use super::{PATIENCE, fresh_prefix, get, open, own_cluster, prefix, set, settings, shared_cluster};
use crate::{FoundationDbEngine, KeyPrefix, OpenError, Settings};

annals_installed::tests_that_need!(foundationdb:
    a_store_opens_once_its_cluster_has_come,
    a_snapshot_tells_whether_the_cluster_answers,
    opening_writes_nothing,
);

async fn refusal(settings: Settings) -> OpenError {
    FoundationDbEngine::open(settings)
        .await
        .err()
        .expect("it does not open")
}

#[tokio::test]
async fn a_cluster_file_that_is_missing_or_is_none_is_refused_with_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("fdb.cluster");
    for (content, problem) in [
        (None, "No such file"),
        (Some(""), "it has 0 lines that are not comments"),
        (Some("# only a comment\n"), "it has 0 lines"),
        (Some("a:b@127.0.0.1:4500\na:b@127.0.0.1:4501\n"), "it has 2 lines"),
        (Some("127.0.0.1:4500\n"), "is not of the form"),
        (Some("name@127.0.0.1:4500\n"), "is not of the form"),
        (Some("a:b@127.0.0.1\n"), "is not of the form"),
        (Some("a:b@127.0.0.1:4500,\n"), "is not of the form"),
    ] {
        if let Some(content) = content {
            fs::write(&path, content).expect("writes");
        }
        let error = refusal(Settings::new(&path)).await;
        assert!(
            matches!(error, OpenError::ClusterFile { .. }),
            "{content:?}: {error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains(problem) && text.contains("fdb.cluster"),
            "{content:?}: {text}"
        );
    }
}

#[test]
fn key_prefixes_are_printable_and_short() {
    for good in [
        "a",
        "annals",
        "prod/annals-2",
        "~",
        &"x".repeat(KeyPrefix::BYTES_MAX),
    ] {
        assert_eq!(
            good.parse().map(|p: KeyPrefix| p.to_string()),
            Ok(good.to_owned())
        );
    }
    for bad in [
        "",
        " ",
        "a b",
        "a\0",
        "a\n",
        "\u{ff}",
        "é",
        &"x".repeat(KeyPrefix::BYTES_MAX + 1),
    ] {
        let refused = bad.parse::<KeyPrefix>().expect_err("is no prefix");
        assert!(
            refused.contains("1 to 100 printable ASCII characters"),
            "{bad:?}: {refused}"
        );
    }
}

/// Needs only the client library, so it also runs where no server is installed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_file_that_points_nowhere_is_told_in_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("fdb.cluster");
    // It accepts connections and sends nothing, like a machine that hangs.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = silent.local_addr().expect("it is bound");
    fs::write(&path, format!("# nowhere\ntest:nowhere@{address}\n")).expect("writes");
    let impatient = Settings {
        open_timeout_ms: 500,
        ..Settings::new(&path)
    };
    for _ in 0..2 {
        let error = timeout(PATIENCE, refusal(impatient.clone()))
            .await
            .expect("opening does not wait indefinitely");
        let expected = OpenError::Unreachable {
            path: path.clone(),
            coordinators: address.to_string(),
            timeout_ms: 500,
        };
        assert_eq!(error, expected);
        let text = error.to_string();
        for part in [
            "did not respond within 500 ms",
            "fdb.cluster",
            &address.to_string(),
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }
}

async fn a_store_opens_once_its_cluster_has_come() {
    let cluster = Cluster::prepare(&Programs::expect(), Layout::SINGLE);
    let impatient = Settings {
        open_timeout_ms: 500,
        ..Settings::new(cluster.cluster_file())
    };
    let error = refusal(impatient).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");

    tokio::task::block_in_place(|| {
        cluster.start_all();
        cluster.configure();
    });
    let engine = open(&cluster, &prefix("late")).await;
    set(&engine, "key", "value").await;
    assert!(get(&engine, "key").await.is_some());
}

async fn a_snapshot_tells_whether_the_cluster_answers() {
    let cluster = own_cluster(Layout::SINGLE);
    let settings = Settings {
        transaction_timeout_ms: 500,
        ..settings(cluster.cluster_file(), &fresh_prefix())
    };
    let engine = FoundationDbEngine::open(settings).await.expect("opens");
    let patient = async |answers: bool| {
        timeout(PATIENCE, async {
            loop {
                match engine.snapshot().await.map(drop) {
                    Ok(()) if answers => return,
                    Err(Error::Unavailable(reason)) if !answers => {
                        assert!(
                            reason.contains("did not respond within 500 ms while opening a snapshot"),
                            "{reason}"
                        );
                        return;
                    }
                    Ok(()) | Err(Error::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
        .expect("opening a snapshot shows the state of the cluster");
    };
    patient(true).await;
    cluster.kill(0);
    patient(false).await;
    cluster.start_again(0);
    patient(true).await;
}

async fn opening_writes_nothing() {
    let cluster = shared_cluster();
    let key_prefix = fresh_prefix();
    drop(open(cluster, &key_prefix).await);
    let found = cluster.cli(&format!("getrangekeys {key_prefix} {key_prefix}\\xff"));
    assert!(
        found.contains("Range limited") && !found.contains(&format!("`{key_prefix}")),
        "{found}"
    );
}
