//! Projections into state: what this store has that the others do not. `projections` has the common contract.

use std::fs;
use std::path::Path;
use std::time::Duration;

use annals_client::{
    Client, Event, ExpectedRevision, Position, QueryItem, RecordedEvent, StateItem, StateWrite, Uuid,
};
use annals_toolkit::Projections;
use annals_toolkit::projection::{Definition, Handler, Projection, ProjectionPolicy};
use annals_toolkit::store::state::{StateModel, StateStore};
use annals_toolkit::store::{BoxError, DeadLetter, Generation, Move, ReadModelStore, StoreError};
use annals_toolkit::testing::Server;
use futures::future::BoxFuture;
use serde_json::{Value, json};

const FAST: ProjectionPolicy = ProjectionPolicy {
    batch_max: 100,
    attempts_max: 3,
    pause_first: Duration::from_millis(10),
    pause_max: Duration::from_millis(200),
};

/// A handler of events, as a function.
type Handle = for<'a> fn(&'a RecordedEvent, &'a mut StateModel) -> BoxFuture<'a, Result<(), BoxError>>;

/// A projection `NAME` of the streams `NAME-…` into the table `NAME_rows`.
struct Rows {
    definition: Definition,
    handle: Handle,
}

impl Rows {
    fn new(name: &str, handle: Handle) -> Self {
        let definition = Definition::new(name)
            .query(QueryItem::new().in_stream_prefix(format!("{name}-")))
            .state_table(format!("{name}_rows"));
        Rows { definition, handle }
    }
}

impl Projection<StateModel> for Rows {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut StateModel) -> Result<(), BoxError> {
        (self.handle)(event, model).await
    }
}

impl Handler<StateModel> for Rows {
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        model: &'a mut StateModel,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        (self.handle)(event, model)
    }
}

fn nothing<'a>(_: &'a RecordedEvent, _: &'a mut StateModel) -> BoxFuture<'a, Result<(), BoxError>> {
    Box::pin(async { Ok(()) })
}

fn one_row<'a>(event: &'a RecordedEvent, model: &'a mut StateModel) -> BoxFuture<'a, Result<(), BoxError>> {
    Box::pin(async move {
        if event.event_type == "Bad" {
            return Err("bad".into());
        }
        model.put("a_rows", event.revision.to_string(), "")
    })
}

async fn append(client: &Client, stream: &str, types: &[&str]) -> Position {
    let events = types.iter().map(|kind| Event::new(*kind, "{}"));
    let appended = client.append(stream, ExpectedRevision::Any, events).await;
    appended.unwrap().last_position
}

async fn events(client: &Client, stream: &str) -> Vec<RecordedEvent> {
    client.read_stream(stream).await.unwrap().collect().await.unwrap()
}

/// Runs a projection until it has reached a position, and returns its dead letters.
async fn run(client: &Client, store: &StateStore, rows: Rows, position: Position) -> Vec<DeadLetter> {
    let name = rows.definition.name().to_owned();
    let projections = Projections::new(client.clone())
        .policy(FAST)
        .add(store, rows)
        .start();
    projections.wait_for(position).await.unwrap();
    let letters = store.dead_letters(&name).await.unwrap();
    projections.stop().await;
    letters
}

async fn keys(client: &Client, scope: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let mut list = client.list_state(scope).page_size(1_000);
        if let Some(last) = keys.last() {
            list = list.after(last);
        }
        let page = list.await.unwrap();
        keys.extend(page.entries.into_iter().map(|entry| entry.key));
        if !page.has_more {
            return keys;
        }
    }
}

/// Waits until the entries of removed generations have been deleted in the background.
async fn settled(client: &Client, name: &str) {
    let scope = format!("projections/{name}");
    loop {
        let entry = client.get_state(&scope, "builds").await.unwrap().unwrap();
        if entry.json::<Value>().unwrap()["removed"] == json!([]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A server, a client of it, and a store of read models in its state.
fn open() -> (Server, Client, StateStore) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let store = StateStore::new(client.clone());
    (server, client, store)
}

fn from(from: u64, to: u64) -> Move {
    Move {
        from: Position(from),
        to: Position(to),
    }
}

async fn begin(store: &StateStore, rows: &Rows) -> Generation {
    store
        .create(&rows.definition, 1, Uuid::new_v4(), true)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_handler_reads_its_own_changes() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", |event, model| {
        Box::pin(async move {
            model.put("a_rows", "b", "1")?;
            model.put_json("a_rows", "a", &event.revision.0)?;
            model.put("a_rows", "removed", "")?;
            model.delete("a_rows", "removed")?;
            assert_eq!(model.get("a_rows", "removed").await?, None);
            assert_eq!(
                model.get_json::<u64>("a_rows", "a").await?,
                Some(event.revision.0)
            );
            let items = model.items("a_rows", "").await?;
            let items: Vec<_> = items
                .iter()
                .map(|(key, value)| (key.as_str(), &value[..]))
                .collect();
            if event.revision == 0 {
                assert_eq!(items, [("a", &b"0"[..]), ("b", b"1")]);
            } else {
                assert_eq!(items, [("a", &b"1"[..]), ("b", b"1"), ("old", b"\xff")]);
            }
            model.put("a_rows", "old", &b"\xff"[..])
        })
    });
    let position = append(&client, "a-1", &["A", "A"]).await;
    assert_eq!(run(&client, &store, rows, position).await, []);
    let entry = store.get("a_rows", "a").await.unwrap().unwrap();
    assert_eq!(entry.json::<u64>().unwrap(), 1);
    assert_eq!(store.get("a_rows", "removed").await.unwrap(), None);
    assert_eq!(store.entries("a_rows", "o").await.unwrap().len(), 1);
    assert_eq!(store.entries("none", "").await.unwrap(), []);
    let scope = store.scope("a_rows").await.unwrap().unwrap();
    let mut subscription = client.subscribe_state(scope).await.unwrap();
    assert!(matches!(subscription.next().await.unwrap(), StateItem::Put(_)));
}

#[tokio::test]
async fn a_batch_whose_changes_do_not_fit_is_divided() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", |event, model| {
        Box::pin(async move {
            let (changes, bytes) = match event.event_type.as_str() {
                "Many" => (400, 1),
                "Large" => (10, 60_000),
                _ => (1_000, 1),
            };
            for nth in 0..changes {
                model.put("a_rows", format!("{}-{nth}", event.revision), vec![b'x'; bytes])?;
            }
            Ok(())
        })
    });
    let types = [["Many"; 5].as_slice(), &["TooMany"], &["Large"; 20], &["Many"; 2]].concat();
    let position = append(&client, "a-1", &types).await;
    let letters = run(&client, &store, rows, position).await;
    let told: Vec<_> = letters
        .iter()
        .map(|one| (one.revision.0, one.reason.as_str()))
        .collect();
    assert_eq!(told, [(5, "it changes more than 999 entries")]);
    assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 7 * 400 + 200);
}

#[tokio::test]
async fn a_batch_is_divided_only_where_that_helps() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", |event, model| {
        Box::pin(async move {
            for nth in 0..333 {
                model.put("a_rows", format!("{}-{nth}", event.revision), "")?;
            }
            Ok(())
        })
    });
    let generation = begin(&store, &rows).await;
    append(&client, "a-1", &["A"; 5]).await;
    let events = events(&client, "a-1").await;
    let projection = (&rows.definition, &rows as &dyn Handler<StateModel>);
    // 999 changes fit beside that of the checkpoint.
    let refused = store.apply(&generation, from(0, 5), &events, projection).await;
    assert!(
        matches!(refused, Err(StoreError::DoesNotFit { fitting: 3 })),
        "{refused:?}"
    );
    assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 0);
    let applied = store.apply(&generation, from(0, 3), &events[..3], projection);
    applied.await.unwrap();
    assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 999);
}

#[tokio::test]
async fn an_event_with_an_invalid_change_becomes_a_dead_letter() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", |event, model| {
        Box::pin(async move {
            match event.event_type.as_str() {
                "Key" => model.put("a_rows", "a\nb", ""),
                "Value" => model.put("a_rows", "a", vec![0; 65_537]),
                "Table" => model.put("b_rows", "a", ""),
                "Reason" => Err("x".repeat(100_000).into()),
                _ => model.put("a_rows", event.revision.to_string(), ""),
            }
        })
    });
    let mut types = ["A"; 40];
    [types[3], types[13], types[14], types[30]] = ["Key", "Value", "Table", "Reason"];
    let position = append(&client, "a-1", &types).await;
    let letters = run(&client, &store, rows, position).await;
    let revisions: Vec<u64> = letters.iter().map(|letter| letter.revision.0).collect();
    assert_eq!(revisions, [3, 13, 14, 30]);
    assert_eq!(
        letters[2].reason,
        "the projection has no table \"b_rows\"; add it with `Definition::state_table`"
    );
    assert_eq!(letters[3].reason, "x".repeat(8_000));
    assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 36);
}

#[tokio::test]
async fn a_failure_of_a_handler_that_another_process_disturbed_does_not_count() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", |_, _| {
        Box::pin(async { Err("it read the other's rows".into()) })
    });
    let generation = begin(&store, &rows).await;
    append(&client, "a-1", &["A"]).await;
    let events = events(&client, "a-1").await;
    let projection = (&rows.definition, &rows as &dyn Handler<StateModel>);
    let failed = store.apply(&generation, from(0, 1), &events, projection).await;
    assert!(
        matches!(failed, Err(StoreError::HandlerFailed { index: 0, .. })),
        "{failed:?}"
    );
    let other = StateStore::new(client.clone());
    let unused = Rows::new("a", nothing);
    let idle = (&unused.definition, &unused as &dyn Handler<StateModel>);
    other.apply(&generation, from(0, 1), &[], idle).await.unwrap();
    let failed = store.apply(&generation, from(0, 1), &events, projection).await;
    assert!(matches!(failed, Err(StoreError::Superseded)), "{failed:?}");
}

#[tokio::test]
async fn the_entries_of_removed_generations_are_deleted() {
    let (_server, client, store) = open();
    let types = [["Bad"].as_slice(), &["A"; 1_500]].concat();
    let position = append(&client, "a-1", &types).await;
    let projections = Projections::new(client.clone())
        .policy(FAST)
        .add(&store, Rows::new("a", one_row))
        .start();
    projections.wait_for(position).await.unwrap();
    projections.get("a").unwrap().rebuild().await.unwrap();
    settled(&client, "a").await;
    assert_eq!(keys(&client, "read-models/a_rows__1").await.len(), 0);
    assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 1_500);
    let letters = store.dead_letters("a").await.unwrap();
    assert_eq!(letters.iter().map(|one| one.generation).collect::<Vec<_>>(), [2]);
    assert_eq!(
        keys(&client, "projections/a/dead-letters").await,
        ["2/0000000000000001"]
    );
    assert_eq!(keys(&client, "projections/a").await, ["builds", "checkpoint/2"]);
}

#[tokio::test]
async fn a_generation_begins_empty_even_if_its_number_was_used() {
    let (_server, client, store) = open();
    let rows = Rows::new("a", one_row);
    let live = begin(&store, &rows).await;
    let create = || store.create(&rows.definition, 2, live.store_id, false);
    let old = create().await.unwrap();
    append(&client, "a-1", &["A"]).await;
    let events = events(&client, "a-1").await;
    let projection = (&rows.definition, &rows as &dyn Handler<StateModel>);
    store.apply(&old, from(0, 1), &events, projection).await.unwrap();
    // The process that removes it ends before it has deleted the entries.
    let removed = json!({
        "builds": [{"generation": 1, "version": 1, "state": "live"}],
        "removed": [{"generation": 2, "tables": ["a_rows"]}],
    });
    let removal = StateWrite::new()
        .put("projections/a", "builds", removed.to_string())
        .delete("projections/a", "checkpoint/2");
    client.write_state(removal).await.unwrap();
    assert_eq!(keys(&client, "read-models/a_rows__2").await, ["0"]);
    assert_eq!(create().await.unwrap().position, 0);
    assert_eq!(keys(&client, "read-models/a_rows__2").await.len(), 0);
    // A process that still follows the removed one can't write to the new one.
    let late = store.apply(&old, from(1, 2), &events, projection).await;
    assert!(matches!(late, Err(StoreError::Superseded)), "{late:?}");
    assert_eq!(keys(&client, "read-models/a_rows__2").await.len(), 0);
}

#[tokio::test]
async fn a_reader_gets_a_whole_generation_during_rebuilds() {
    let (_server, client, store) = open();
    let position = append(&client, "a-1", &["A"; 30]).await;
    let projections = Projections::new(client.clone())
        .policy(FAST)
        .add(&store, Rows::new("a", one_row))
        .start();
    projections.wait_for(position).await.unwrap();
    let reader = StateStore::new(client.clone());
    for _ in 0..3 {
        let running = projections.get("a").unwrap().clone();
        let rebuilding = tokio::spawn(async move { running.rebuild().await });
        while !rebuilding.is_finished() {
            assert_eq!(reader.entries("a_rows", "").await.unwrap().len(), 30);
            assert!(reader.get("a_rows", "7").await.unwrap().is_some());
        }
        rebuilding.await.unwrap().unwrap();
    }
    let generations = store.generations("a").await.unwrap();
    assert_eq!(generations.iter().map(|one| one.number).collect::<Vec<_>>(), [4]);
}

#[tokio::test]
async fn a_table_belongs_to_one_projection() {
    let (_server, _client, store) = open();
    begin(&store, &Rows::new("a", nothing)).await;
    let other = Definition::new("b").state_table("a_rows");
    let refused = store.create(&other, 1, Uuid::new_v4(), true).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "table \"a_rows\" of projection \"b\" belongs to projection \"a\""
    );
    let reserved = Definition::new("a/dead-letters");
    let refused = store
        .create(&reserved, 1, Uuid::new_v4(), true)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the name of projection \"a/dead-letters\" ends with \"/dead-letters\", which is reserved"
    );
}

#[tokio::test]
async fn prefixes_keep_applications_apart() {
    let (_server, client, _store) = open();
    let position = append(&client, "a-1", &["A"; 2]).await;
    for prefix in ["one/", "two/"] {
        let store = StateStore::with_scope_prefix(client.clone(), prefix);
        assert_eq!(run(&client, &store, Rows::new("a", one_row), position).await, []);
        assert_eq!(store.entries("a_rows", "").await.unwrap().len(), 2);
    }
    let entry = client.get_state("one/projections/a", "builds").await.unwrap();
    assert!(entry.is_some());
    assert_eq!(StateStore::new(client).generations("a").await.unwrap(), []);
}

#[tokio::test]
async fn a_read_model_of_another_language_is_continued() {
    let (_server, client, store) = open();
    let layout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/projection-in-state.json");
    let layout: Value = serde_json::from_str(&fs::read_to_string(layout).unwrap()).unwrap();
    let store_id = client.server_info().await.unwrap().store_id.to_string();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut write = StateWrite::new();
    for entry in layout["before"].as_array().unwrap() {
        let value = entry["value"].to_string().replace("STORE", &store_id);
        write = write.put(text(&entry["scope"]), text(&entry["key"]), value);
    }
    client.write_state(write).await.unwrap();
    let id = "6b1e7d1c-0000-4000-8000-000000000002".parse().unwrap();
    let events = [
        Event::new("A", ""),
        Event::new("Bad", "").with_id(id),
        Event::new("A", ""),
    ];
    client
        .append("layout-a", ExpectedRevision::NoStream, events)
        .await
        .unwrap();
    let mut rows = Rows::new("layout", |event, model| {
        Box::pin(async move {
            if event.event_type == "Bad" {
                return Err("bad".into());
            }
            let count: u64 = model
                .get_json("layout_rows", &event.stream)
                .await?
                .unwrap_or_default();
            model.put_json("layout_rows", &event.stream, &(count + 1))
        })
    });
    rows.definition = rows.definition.version(3);
    let projections = Projections::new(client.clone())
        .policy(FAST)
        .add(&store, rows)
        .start();
    projections.wait_for(Position(3)).await.unwrap();
    let row = store.get("layout_rows", "layout-a").await.unwrap().unwrap();
    assert_eq!(row.json::<u64>().unwrap(), 2);
    let [letter] = &store.dead_letters("layout").await.unwrap()[..] else {
        panic!("there is one dead letter");
    };
    assert_eq!(
        (letter.event_id, letter.reason.as_str(), letter.attempts),
        (id, "bad", 5)
    );
    assert_eq!(letter.buried_at.to_string(), "2026-12-01T10:20:30.456789Z");
    projections.get("layout").unwrap().rebuild().await.unwrap();
    settled(&client, "layout").await;
    projections.stop().await;
    let mut found = Vec::new();
    let mut scopes: Vec<_> = layout["after"].as_array().unwrap().iter().collect();
    scopes.dedup_by_key(|entry| entry["scope"].clone());
    for scope in scopes {
        let scope = text(&scope["scope"]);
        let page = client.list_state(&scope).await.unwrap();
        found.extend(page.entries.iter().map(|entry| {
            let mut value: Value = entry.json().unwrap();
            for (field, stands_for) in [("storeId", "STORE"), ("reason", "REASON"), ("buriedAt", "TIME")] {
                if let Some(field) = value.get_mut(field) {
                    *field = stands_for.into();
                }
            }
            json!({"scope": scope, "key": entry.key, "value": value})
        }));
    }
    let after = layout["after"].as_array().unwrap().iter().cloned();
    let after: Vec<_> = after.filter(|entry| entry.get("key").is_some()).collect();
    assert_eq!(found, after);
}
