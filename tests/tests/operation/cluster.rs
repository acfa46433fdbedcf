//! A server whose FoundationDB cluster is unavailable, at the start or later. (`crash` covers faults under load.)

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use annals_client::{ExpectedRevision as Expected, Position};
use annals_fdbserver::{Cluster, Layout};
use annals_proto::v1 as pb;
use annals_tests::harness::{
    ClusterStore, Options, Refusal, Server, binary, finish, foundationdb, http, sample::event,
    within_patience,
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

annals_tests::tests_that_need!(foundationdb:
    a_server_waits_for_a_cluster_that_is_not_there_and_says_so,
    a_server_whose_cluster_goes_away_is_not_ready_until_it_is_back,
    a_cluster_file_that_is_missing_or_is_none_ends_with_2_and_is_named,
);

/// A cluster takes some seconds to recover, and a server some to notice.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for a status of `/health/ready`, and checks that the gRPC health and `/health/live` agree with it. Returns
/// the body.
async fn until_ready_is(server: &Server, status: u16) -> String {
    let deadline = Instant::now() + PATIENCE;
    let serving = match status {
        200 => ServingStatus::Serving,
        _ => ServingStatus::NotServing,
    };
    loop {
        let told = HealthClient::new(server.channel())
            .check(HealthCheckRequest::default())
            .await
            .map(|told| told.into_inner().status());
        // A server that responds over gRPC also listens for HTTP.
        let (ready, said) = match told {
            Ok(_) => http::get(server.http_address(), "/health/ready"),
            Err(_) => (0, String::new()),
        };
        if ready == status && told.as_ref().is_ok_and(|told| *told == serving) {
            let (live, _) = http::get(server.http_address(), "/health/live");
            assert_eq!(live, 200, "starting the process again would not help");
            return said;
        }
        assert!(
            Instant::now() < deadline,
            "ready is {ready} ({said}), gRPC returned {told:?}; {status} never came"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_server_waits_for_a_cluster_that_is_not_there_and_says_so() {
    let programs = foundationdb::programs();
    let cluster = Cluster::prepare(programs, Layout::SINGLE);
    let store = ClusterStore::fresh_in(cluster.cluster_file());
    let mut server = Options::on(&store).start_without_waiting();
    let said = until_ready_is(&server, 503).await;
    assert!(said.contains("the storage does not answer"), "{said}");
    let refused = server.stub().get_server_info(pb::GetServerInfoRequest {}).await;
    let refusal = Refusal::of(refused).expect(Code::Unavailable, "ENGINE_UNAVAILABLE");
    assert!(refusal.message.contains("does not answer"), "{}", refusal.message);
    let named = cluster.cluster_file().display().to_string();
    let line = server
        .logs()
        .wait_for(
            0,
            &["ERROR", "waiting for the storage", "did not respond", &named],
            || false,
        )
        .unwrap();
    assert!(line.contains("127.0.0.1:"), "the coordinators are named: {line}");

    // A client that waited, like a program that is started before its store.
    let (client, appending) = (server.client(), event("T"));
    let waiting = tokio::spawn(async move { client.append("s", Expected::NoStream, [appending]).await });
    tokio::task::block_in_place(|| {
        cluster.start_all();
        cluster.configure();
    });
    assert!(server.wait_until_it_listens());
    until_ready_is(&server, 200).await;
    let appended = within_patience("the append that waited", waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(appended.last_position, 1);
    assert!(server.terminate().success());
}

async fn a_server_whose_cluster_goes_away_is_not_ready_until_it_is_back() {
    let programs = foundationdb::programs();
    let cluster = tokio::task::block_in_place(|| Cluster::start(programs, Layout::SINGLE));
    let mut server = Options::on(&ClusterStore::fresh_in(cluster.cluster_file())).start();
    let client = server.client();
    client
        .append("s", Expected::NoStream, [event("T")])
        .await
        .unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    for _ in 0..2 {
        until_ready_is(&server, 200).await;
        cluster.kill(0);
        let said = until_ready_is(&server, 503).await;
        assert!(said.contains("the storage does not answer"), "{said}");
        let impatient = client.clone().with_timeout(Duration::from_secs(1));
        impatient
            .append("s", Expected::Any, [event("T")])
            .await
            .unwrap_err();
        cluster.start_again(0);
        until_ready_is(&server, 200).await;
    }
    let before = client.server_info().await.unwrap().head;
    let appended = client
        .append("s", Expected::StreamExists, [event("Last")])
        .await
        .unwrap();
    assert!(appended.last_position > before.max(Position(1)));
    loop {
        let item = within_patience("the subscription", subscription.next())
            .await
            .unwrap()
            .unwrap();
        if matches!(item, annals_client::SubscriptionItem::Event(event) if event.event_type == "Last") {
            break;
        }
    }
    let said = server.logs().since(0).join("\n");
    assert!(
        said.contains("the storage does not answer; not serving"),
        "{said}"
    );
    assert!(said.contains("the storage answers again; serving"), "{said}");
    assert!(server.terminate().success());
}

async fn a_cluster_file_that_is_missing_or_is_none_ends_with_2_and_is_named() {
    let _ = foundationdb::programs();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fdb.cluster");
    for (content, problem) in [
        (None, "No such file"),
        (Some("description:id@nowhere\n"), "is not of the form"),
        (Some("\u{0}\u{1}garbage"), "is not of the form"),
    ] {
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let mut command = Command::new(binary("annals-server"));
        command
            .args([
                "--engine",
                "foundationdb",
                "--listen",
                "127.0.0.1:0",
                "--http-listen",
                "127.0.0.1:0",
            ])
            .arg("--cluster-file")
            .arg(&path);
        let refused = finish(command, &[]).expect_code(2);
        assert!(
            refused.stderr.contains(problem) && refused.stderr.contains(path.to_str().unwrap()),
            "{content:?}: {}",
            refused.stderr
        );
    }
}
