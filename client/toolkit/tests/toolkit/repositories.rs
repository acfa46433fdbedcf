//! Aggregates: decisions on the current state, decided again after conflicts, loaded from snapshots.

use std::sync::atomic::{AtomicU32, Ordering};

use annals_client::{Client, Error, Event, ExpectedRevision, Position, Revision, Uuid};
use annals_toolkit::metadata::Context;
use annals_toolkit::testing::{Server, given};
use annals_toolkit::{CommandError, ConflictPolicy, DomainEvent, Repository, Snapshots};
use futures::future::join_all;
use serde_json::Value;

use crate::domain::{Order, OrderEvent};

async fn orders(client: &Client, count: usize) -> Repository<Order> {
    let orders: Repository<Order> = Repository::new(client.clone());
    for nth in 0..count {
        orders
            .execute("1", |order: &Order| order.add(&format!("item {nth}")))
            .await
            .unwrap();
    }
    orders
}

#[test]
fn rules_are_tested_without_a_server() {
    let item = OrderEvent::ItemAdded {
        item: "tea".to_owned(),
        cents: 100,
    };
    given::<Order>([])
        .when(Order::confirm)
        .then_rejected("an empty order can't be confirmed");
    given::<Order>([Order::create("ada"), item.clone()])
        .when(Order::confirm)
        .then([OrderEvent::OrderConfirmed {}]);
    let confirmed = given::<Order>([item.clone(), OrderEvent::OrderConfirmed {}]);
    confirmed.when(Order::confirm).then([]);
    confirmed
        .when(|order| order.add("milk"))
        .then_rejected("a confirmed order takes no items");
}

#[test]
#[should_panic(expected = "the events decided on are on the left")]
fn a_rule_that_decides_otherwise_fails_its_test() {
    given::<Order>([]).when(|order| order.add("tea")).then([]);
}

#[tokio::test]
async fn a_command_appends_what_was_decided() {
    let server = Server::start().unwrap();
    let orders: Repository<Order> = Repository::new(server.client().unwrap());
    let created = orders
        .execute("1", |_: &Order| Ok::<_, String>([Order::create("ada")]))
        .await
        .unwrap();
    assert_eq!(
        (created.revision, created.position),
        (Some(Revision(0)), Some(Position(1)))
    );
    assert_eq!(created.state.customer.as_deref(), Some("ada"));
    let refused = orders.execute("1", Order::confirm).await.unwrap_err();
    assert_eq!(refused.rejection(), Some("an empty order can't be confirmed"));
    orders
        .execute("1", |order: &Order| order.add("tea"))
        .await
        .unwrap();
    let confirmed = orders.execute("1", Order::confirm).await.unwrap();
    let again = orders.execute("1", Order::confirm).await.unwrap();
    assert_eq!(confirmed.revision, Some(Revision(2)));
    assert_eq!(
        (again.revision, again.position, again.events),
        (Some(Revision(2)), None, vec![])
    );
    let loaded = orders.load("1").await.unwrap();
    assert_eq!(
        (&loaded.state, loaded.revision),
        (&confirmed.state, Some(Revision(2)))
    );
    let before = orders.load("1").until_revision(1).await.unwrap();
    assert!(!before.state.confirmed && before.revision == Some(Revision(1)));
    assert_eq!(orders.load("2").await.unwrap().revision, None);
}

#[tokio::test]
async fn an_aggregate_is_seen_as_it_was() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let orders = orders(&client, 3).await;
    let events = client
        .read_stream("order-1")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let then = orders.load("1").until_time(events[1].recorded_at).await.unwrap();
    assert_eq!(then.revision, Some(Revision(1)));
    let before = events[0].recorded_at - std::time::Duration::from_secs(60);
    assert_eq!(orders.load("1").until_time(before).await.unwrap().revision, None);
}

#[tokio::test]
async fn what_others_did_meanwhile_is_decided_on_again() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let patient = ConflictPolicy {
        tries_max: 100,
        ..ConflictPolicy::default()
    };
    let orders: Repository<Order> = Repository::new(client).conflicts(patient);
    let adding = (0..20).map(|nth| {
        let orders = orders.clone();
        async move {
            orders
                .execute("1", |order: &Order| order.add(&nth.to_string()))
                .await
                .unwrap()
        }
    });
    let mut revisions: Vec<_> = join_all(adding)
        .await
        .into_iter()
        .map(|done| done.revision)
        .collect();
    revisions.sort_unstable();
    assert_eq!(
        revisions,
        (0..20).map(|nth| Some(Revision(nth))).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_only_so_often() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let policy = ConflictPolicy {
        tries_max: 3,
        ..ConflictPolicy::default()
    };
    let orders: Repository<Order> = Repository::new(client.clone()).conflicts(policy);
    let decided = AtomicU32::new(0);
    let runtime = tokio::runtime::Handle::current();
    let outrun = |order: &Order| {
        decided.fetch_add(1, Ordering::Relaxed);
        let client = client.clone();
        // Another client appends first each time.
        std::thread::scope(|scope| {
            let append = || {
                let event = order.add("other").unwrap()[0].encode().unwrap();
                runtime
                    .block_on(client.append("order-1", ExpectedRevision::Any, [event]))
                    .unwrap();
            };
            scope.spawn(append).join().unwrap();
        });
        order.add("mine")
    };
    let error = orders.execute("1", outrun).await.unwrap_err();
    assert!(
        matches!(error, CommandError::Store(Error::RevisionConflict { .. })),
        "{error:?}"
    );
    assert_eq!(decided.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_the_caller_expects_is_not_decided_again() {
    let server = Server::start().unwrap();
    let orders = orders(&server.client().unwrap(), 2).await;
    let add = |order: &Order| order.add("tea");
    for (expected, fits) in [
        (ExpectedRevision::Exactly(Revision(0)), false),
        (ExpectedRevision::NoStream, false),
        (ExpectedRevision::Exactly(Revision(1)), true),
        (ExpectedRevision::StreamExists, true),
        (ExpectedRevision::Any, true),
    ] {
        let done = orders.execute("1", add).expected(expected).await;
        assert_eq!(done.is_ok(), fits, "{expected}");
    }
    let missing = orders
        .execute("2", add)
        .expected(ExpectedRevision::StreamExists)
        .await;
    assert!(matches!(
        missing,
        Err(CommandError::Store(Error::RevisionConflict { actual: None, .. }))
    ));
}

#[tokio::test]
async fn a_command_with_an_id_has_its_effect_once() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let frequent = Snapshots {
        every: 5,
        ..Snapshots::default()
    };
    let orders: Repository<Order> = Repository::new(client.clone()).snapshots(frequent);
    let id = Uuid::now_v7();
    let add = |order: &Order| order.add("tea");
    let first = orders.execute("1", add).command_id(id).await.unwrap();
    assert!(!first.already_executed);
    for nth in 0..12 {
        let again = orders.execute("1", add).command_id(id).await.unwrap();
        assert!(again.already_executed);
        assert_eq!((again.position, &again.events), (first.position, &first.events));
        assert_eq!(again.revision, Some(Revision(nth)));
        orders.execute("1", add).await.unwrap();
        orders.settle().await;
    }
    let loaded = orders.load("1").await.unwrap();
    assert!(
        loaded.snapshot_revision.is_some(),
        "no snapshot hides the command"
    );
    let events = client
        .read_stream("order-1")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(events.len(), 13);
    assert_eq!(events[0].id, Uuid::new_v5(&id, b"0"));
    assert_eq!(events[0].tags, [format!("command:{id}")]);
}

#[tokio::test]
async fn snapshots_are_saved_beside_the_command_and_loaded() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let orders = orders(&client, 49).await;
    orders.settle().await;
    assert!(client.load_snapshot("order-1").await.unwrap().is_none());
    let done = orders
        .execute("1", |order: &Order| order.add("the fiftieth"))
        .await
        .unwrap();
    orders.settle().await;
    let snapshot = client.load_snapshot("order-1").await.unwrap().unwrap();
    assert_eq!((snapshot.revision, snapshot.schema_version), (Revision(49), 1));
    assert_eq!(snapshot.json::<Order>().unwrap(), done.state);
    let done = orders
        .execute("1", |order: &Order| order.add("one more"))
        .await
        .unwrap();
    let loaded = orders.load("1").keep_events().await.unwrap();
    assert_eq!(
        (loaded.snapshot_revision, loaded.events.len()),
        (Some(Revision(49)), 1)
    );
    assert_eq!(loaded.state, done.state);
    // A snapshot with another schema version, or one that can't be decoded, is skipped.
    let of_version = |schema_version| Snapshots {
        schema_version,
        ..Snapshots::default()
    };
    client
        .save_snapshot("order-1", 50, "nonsense")
        .schema_version(3)
        .await
        .unwrap();
    for version in [2, 3] {
        let changed = orders.clone().snapshots(of_version(version));
        let loaded = changed.load("1").await.unwrap();
        assert_eq!((loaded.snapshot_revision, &loaded.state), (None, &done.state));
    }
    client
        .delete_stream("order-1", ExpectedRevision::Any)
        .await
        .unwrap();
    let gone = orders.load("1").await.unwrap();
    assert_eq!((gone.revision, gone.state), (None, Order::default()));
}

#[tokio::test]
async fn old_forms_and_unknown_types_are_met_when_reading() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let old = Event::json("OrderCreated", &serde_json::json!({"customerName": "ada"})).unwrap();
    client
        .append("order-1", ExpectedRevision::NoStream, [old])
        .await
        .unwrap();
    let orders: Repository<Order> = Repository::new(client.clone());
    assert_eq!(
        orders.load("1").await.unwrap().state.customer.as_deref(),
        Some("ada")
    );
    client
        .append("order-1", ExpectedRevision::Any, [Event::new("Other", "{}")])
        .await
        .unwrap();
    let error = orders.load("1").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"Other\" at position 2 is not one of"),
        "{error}"
    );
}

#[tokio::test]
async fn metadata_flow_into_the_events() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let orders: Repository<Order> = Repository::new(client.clone());
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = Context::current()
        .user_id("ada")
        .correlation_id("request")
        .traceparent(trace);
    let create = |_: &Order| Ok::<_, String>([Order::create("ada")]);
    request
        .scope(orders.execute("1", create).into_future())
        .await
        .unwrap();
    let id = Uuid::now_v7();
    orders.execute("2", create).command_id(id).await.unwrap();
    let events = client.read_all().await.unwrap().collect().await.unwrap();
    let [first, second] = [0, 1].map(|nth| events[nth].json_metadata::<Value>().unwrap());
    assert_eq!(
        (&first["userId"], &first["correlationId"]),
        (&"ada".into(), &"request".into())
    );
    assert_eq!(
        (&first["schemaVersion"], &first["causationId"]),
        (&2.into(), &Value::Null)
    );
    assert!(first["traceparent"].as_str().unwrap().starts_with(&trace[..36]));
    assert_eq!(second["correlationId"], id.to_string());
    assert_eq!(second["causationId"], id.to_string());
}
