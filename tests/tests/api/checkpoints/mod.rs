//! Checkpoints over gRPC.

mod bad_input;

use std::time::Duration;

use annals_client::ExpectedRevision;
use annals_proto::v1::{
    self as pb, checkpoint_service_client::CheckpointServiceClient, set_checkpoint_request::Expected,
};
use annals_tests::{
    harness::{Cli, Metrics, Refusal, Server, sample, within_patience},
    on_every_engine, on_every_engine_that_persists,
};
use serde_json::json;
use tonic::{Code, transport::Channel};

on_every_engine!(
    checkpoints_are_set_listed_and_deleted,
    a_checkpoint_is_set_only_as_expected,
    metrics_have_the_lag_of_each_checkpoint,
    clients_set_and_find_checkpoints,
    people_see_checkpoints_on_the_command_line,
    the_scope_of_checkpoints_is_no_scope_of_clients,
);
on_every_engine_that_persists!(checkpoints_outlive_the_servers_end);

type Stub = CheckpointServiceClient<Channel>;

fn stub(server: &Server) -> Stub {
    CheckpointServiceClient::new(server.channel())
}

fn set(name: &str, position: u64) -> pb::SetCheckpointRequest {
    pb::SetCheckpointRequest {
        name: name.to_owned(),
        position,
        consumer: "shop".to_owned(),
        instance: "host:1".to_owned(),
        expected: None,
    }
}

async fn append(server: &Server, count: u64) {
    let client = server.client();
    for _ in 0..count {
        client
            .append("order-1", ExpectedRevision::Any, [sample::event("Placed")])
            .await
            .unwrap();
    }
}

async fn listed(stub: &mut Stub, request: pb::ListCheckpointsRequest) -> pb::ListCheckpointsResponse {
    stub.list_checkpoints(request).await.unwrap().into_inner()
}

fn names(page: &pb::ListCheckpointsResponse) -> Vec<&str> {
    let checkpoints = page
        .statuses
        .iter()
        .map(|status| status.checkpoint.as_ref().unwrap());
    checkpoints.map(|checkpoint| checkpoint.name.as_str()).collect()
}

async fn status(stub: &mut Stub, name: &str) -> pb::CheckpointStatus {
    let request = pb::GetCheckpointRequest {
        name: name.to_owned(),
    };
    let response = stub.get_checkpoint(request).await.unwrap();
    response.into_inner().status.unwrap()
}

async fn checkpoints_are_set_listed_and_deleted(server: Server) {
    append(&server, 5).await;
    let mut stub = stub(&server);
    for (name, position) in [("orders", 3), ("orders/daily", 5), ("customers", 0)] {
        stub.set_checkpoint(set(name, position)).await.unwrap();
    }
    let again = stub
        .set_checkpoint(set("orders", 3))
        .await
        .unwrap()
        .into_inner()
        .checkpoint
        .unwrap();
    let found = status(&mut stub, "orders").await;
    let checkpoint = found.checkpoint.unwrap();
    assert_eq!(checkpoint, again);
    assert_eq!(
        (
            checkpoint.position,
            checkpoint.consumer.as_str(),
            checkpoint.instance.as_str(),
            found.lag_events
        ),
        (3, "shop", "host:1", 2)
    );
    assert!(checkpoint.updated_at.unwrap().seconds > 1_700_000_000);
    assert_ne!(found.lag.unwrap(), prost_types::Duration::default());
    let at_the_head = status(&mut stub, "orders/daily").await;
    assert_eq!(
        (at_the_head.lag_events, at_the_head.lag),
        (0, Some(prost_types::Duration::default()))
    );

    let all = listed(&mut stub, pb::ListCheckpointsRequest::default()).await;
    assert_eq!(names(&all), ["customers", "orders", "orders/daily"]);
    assert_eq!((all.has_more, all.head), (false, 5));
    let lags: Vec<_> = all.statuses.iter().map(|status| status.lag_events).collect();
    assert_eq!(lags, [5, 2, 0]);
    let request = pb::ListCheckpointsRequest {
        name_prefix: "orders".to_owned(),
        page_size: Some(1),
        ..Default::default()
    };
    let first = listed(&mut stub, request.clone()).await;
    assert_eq!((names(&first), first.has_more), (vec!["orders"], true));
    let request = pb::ListCheckpointsRequest {
        after_name: "orders".to_owned(),
        ..request
    };
    let second = listed(&mut stub, request).await;
    assert_eq!((names(&second), second.has_more), (vec!["orders/daily"], false));

    for deleted in [true, false] {
        let request = pb::DeleteCheckpointRequest {
            name: "orders".to_owned(),
        };
        let response = stub.delete_checkpoint(request).await.unwrap().into_inner();
        assert_eq!(response.deleted, deleted);
    }
    let request = pb::GetCheckpointRequest {
        name: "orders".to_owned(),
    };
    let refusal =
        Refusal::of(stub.get_checkpoint(request).await).expect(Code::NotFound, "CHECKPOINT_NOT_FOUND");
    assert_eq!(refusal.message, "checkpoint \"orders\" does not exist");
    assert_eq!(refusal.metadata["name"], "orders");
}

async fn a_checkpoint_is_set_only_as_expected(server: Server) {
    append(&server, 5).await;
    let mut stub = stub(&server);
    let expecting = |expected, position| pb::SetCheckpointRequest {
        expected: Some(expected),
        ..set("orders", position)
    };
    let (absent, at) = (Expected::Absent(()), Expected::ExpectedPosition);
    stub.set_checkpoint(expecting(absent, 2)).await.unwrap();
    stub.set_checkpoint(expecting(absent, 2)).await.unwrap();
    stub.set_checkpoint(expecting(at(2), 4)).await.unwrap();
    stub.set_checkpoint(expecting(at(2), 4)).await.unwrap();
    for (expected, words, expected_position) in
        [(absent, "to be absent", None), (at(2), "at position 2", Some(2))]
    {
        let refusal = Refusal::of(stub.set_checkpoint(expecting(expected, 5)).await)
            .expect(Code::Aborted, "CHECKPOINT_CONFLICT");
        let message = format!("checkpoint \"orders\" was expected {words} but is at position 4");
        assert_eq!(refusal.message, message);
        let detail: pb::CheckpointConflict = refusal.detail("annals.v1.CheckpointConflict");
        let wanted = pb::CheckpointConflict {
            name: "orders".to_owned(),
            expected_position,
            actual_position: Some(4),
        };
        assert_eq!(detail, wanted);
    }
    let missing = pb::SetCheckpointRequest {
        name: "none".to_owned(),
        ..expecting(at(1), 2)
    };
    let refusal =
        Refusal::of(stub.set_checkpoint(missing).await).expect(Code::Aborted, "CHECKPOINT_CONFLICT");
    assert_eq!(
        refusal.message,
        "checkpoint \"none\" was expected at position 1 but is absent"
    );
    let refusal = Refusal::of(stub.set_checkpoint(set("orders", 6)).await)
        .expect(Code::OutOfRange, "POSITION_BEYOND_HEAD");
    let detail: pb::PositionBeyondHead = refusal.detail("annals.v1.PositionBeyondHead");
    assert_eq!((detail.position, detail.head), (6, 5));
    assert_eq!(status(&mut stub, "orders").await.checkpoint.unwrap().position, 4);
}

async fn metrics_have_the_lag_of_each_checkpoint(server: Server) {
    append(&server, 5).await;
    assert_eq!(
        Metrics::of(&server).get("annals_checkpoint_lag_events", &[]),
        None
    );
    let mut stub = stub(&server);
    stub.set_checkpoint(set("customers", 5)).await.unwrap();
    stub.set_checkpoint(set("orders", 2)).await.unwrap();
    // Lags are read every ten seconds.
    let shown = async {
        loop {
            let metrics = Metrics::of(&server);
            if metrics
                .get("annals_checkpoint_lag_events", &["\"orders\""])
                .is_some()
            {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let metrics = within_patience("metrics of checkpoints", shown).await;
    let lag = |name, unit| {
        metrics.get(
            &format!("annals_checkpoint_lag_{unit}"),
            &[&format!("\"{name}\"")],
        )
    };
    assert_eq!(
        (lag("orders", "events"), lag("customers", "events")),
        (Some(3.0), Some(0.0))
    );
    assert_eq!(lag("customers", "seconds"), Some(0.0));
    assert!(lag("orders", "seconds").unwrap() > 0.0, "{}", metrics.text());
}

async fn clients_set_and_find_checkpoints(server: Server) {
    append(&server, 4).await;
    let client = server.client();
    assert_eq!(client.get_checkpoint("orders").await.unwrap(), None);
    let set = client
        .set_checkpoint("orders", 1)
        .consumer("shop")
        .instance("host:1");
    let set = set.expect_absent().await.unwrap();
    let status = client.get_checkpoint("orders").await.unwrap().unwrap();
    assert_eq!((&status.checkpoint, status.lag_events), (&set, 3));
    assert!(status.lag > Duration::ZERO);
    let refused = client
        .set_checkpoint("orders", 3)
        .expect_position(2)
        .await
        .unwrap_err();
    assert!(refused.is_conflict());
    assert_eq!(
        refused.to_string(),
        "checkpoint \"orders\" was expected at position 2 but is at position 1"
    );
    client
        .set_checkpoint("orders", 3)
        .expect_position(1)
        .await
        .unwrap();
    client.set_checkpoint("customers", 4).await.unwrap();
    let page = client
        .list_checkpoints()
        .prefix("o")
        .after("customers")
        .page_size(7)
        .await
        .unwrap();
    let found: Vec<_> = page
        .statuses
        .iter()
        .map(|status| (status.checkpoint.name.as_str(), status.lag_events))
        .collect();
    assert_eq!(
        (found, page.has_more, page.head),
        (vec![("orders", 1)], false, 4.into())
    );
    assert!(client.delete_checkpoint("orders").await.unwrap());
    assert!(!client.delete_checkpoint("orders").await.unwrap());
    assert_eq!(client.list_checkpoints().await.unwrap().statuses.len(), 1);
}

async fn people_see_checkpoints_on_the_command_line(server: Server) {
    append(&server, 4).await;
    let client = server.client();
    for (name, position) in [("orders", 4), ("customers", 1)] {
        client
            .set_checkpoint(name, position)
            .consumer("shop")
            .instance("host:1")
            .await
            .unwrap();
    }
    let cli = Cli::of(&server);
    let listed = cli.run(["checkpoints"]).expect_code(0).json_lines();
    assert_eq!(
        (&listed[0]["checkpoint"], &listed[0]["lag_events"]),
        (&json!("customers"), &json!(3))
    );
    assert!(listed[0]["lag_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (
            &listed[1]["position"],
            &listed[1]["lag_events"],
            &listed[1]["lag_seconds"]
        ),
        (&json!(4), &json!(0), &json!(0.0))
    );
    assert_eq!(
        (&listed[1]["consumer"], &listed[1]["instance"]),
        (&json!("shop"), &json!("host:1"))
    );
    let limited = cli
        .run(["checkpoints", "--limit", "1"])
        .expect_code(0)
        .json_lines();
    assert_eq!(limited.len(), 1);
    let table = cli
        .run(["checkpoints", "--prefix", "o", "--format", "table"])
        .expect_code(0);
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].contains("LAG EVENTS") && lines[1].starts_with("orders "),
        "{lines:?}"
    );
    for deleted in [true, false] {
        let printed = cli
            .run(["checkpoints", "delete", "orders"])
            .expect_code(0)
            .json_lines();
        assert_eq!(printed, [json!({"checkpoint": "orders", "deleted": deleted})]);
    }
    let refused = cli.run(["checkpoints", "delete", "$orders"]).expect_code(2);
    assert!(refused.stderr.contains("name"), "{}", refused.stderr);
}

async fn the_scope_of_checkpoints_is_no_scope_of_clients(server: Server) {
    stub(&server).set_checkpoint(set("orders", 0)).await.unwrap();
    let client = server.client();
    let refused = client.list_state("$checkpoints").await;
    assert!(
        matches!(refused, Err(annals_client::Error::InvalidField(_))),
        "{refused:?}"
    );
    let page = client.list_state("checkpoints").await.unwrap();
    assert!(page.entries.is_empty());
}

async fn checkpoints_outlive_the_servers_end(mut server: Server) {
    append(&server, 2).await;
    stub(&server).set_checkpoint(set("orders", 1)).await.unwrap();
    // What was acknowledged is durable: the server gets no chance to close anything.
    server.kill();
    server.start_again();
    let found = status(&mut stub(&server), "orders").await;
    assert_eq!((found.checkpoint.unwrap().position, found.lag_events), (1, 1));
}
