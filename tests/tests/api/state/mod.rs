//! State over gRPC and on the command line.

mod bad_input;

use std::collections::BTreeMap;

use annals_client::{Append, Client, Error, Event, Found, StateItem, StateSubscription, StateWrite, Uuid};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Cli, Server, sample},
    on_every_engine, on_every_engine_that_persists,
};
use serde_json::json;

on_every_engine!(
    entries_are_put_deleted_and_listed,
    the_last_page_says_that_nothing_follows,
    a_write_is_made_as_a_whole_or_not_at_all,
    an_append_and_its_state_are_written_together,
    clients_that_count_together_lose_no_update,
    subscribers_learn_of_each_change,
    people_use_state_on_the_command_line,
);
on_every_engine_that_persists!(
    state_outlives_the_servers_end,
    a_subscriber_converges_although_the_server_is_killed,
);

type Entries = BTreeMap<String, (String, u64)>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All entries of a scope, by pages of seven.
async fn listed(client: &Client, scope: &str) -> Entries {
    let mut entries = Entries::new();
    let mut after = String::new();
    loop {
        let mut list = client.list_state(scope).page_size(7);
        if !after.is_empty() {
            list = list.after(&after);
        }
        let page = list.await.unwrap();
        for entry in page.entries {
            assert!(entry.key > after, "pages are in order");
            after.clone_from(&entry.key);
            entries.insert(entry.key, (text(&entry.value), entry.version));
        }
        if !page.has_more {
            return entries;
        }
    }
}

async fn entries_are_put_deleted_and_listed(server: Server) {
    let client = server.client();
    let puts = (0..20).fold(StateWrite::new(), |write, n| {
        write.put("s", format!("k{n:02}"), format!("{n}"))
    });
    let written = client.write_state(puts).await.unwrap();
    assert_eq!(written.versions, (1..=20).collect::<Vec<u64>>());
    let change = StateWrite::new()
        .delete("s", "k03")
        .put("s", "k04", "new")
        .delete("s", "never");
    let written = client.write_state(change.clone()).await.unwrap();
    assert_eq!(
        (written.versions.as_slice(), written.already_written),
        (&[21, 22, 0][..], false)
    );
    let again = client.write_state(change).await.unwrap();
    assert_eq!((again.versions, again.already_written), (written.versions, true));
    let entries = listed(&client, "s").await;
    assert_eq!((entries.len(), &entries["k04"]), (19, &("new".to_owned(), 22)));
    assert_eq!(client.get_state("s", "k03").await.unwrap(), None);
    assert_eq!(client.get_state("another", "k04").await.unwrap(), None);
    let page = client.list_state("s").prefix("k1").await.unwrap();
    assert_eq!(
        (page.entries.len(), page.has_more, page.scope_version),
        (10, false, 22)
    );
}

async fn the_last_page_says_that_nothing_follows(server: Server) {
    let client = server.client();
    let puts = (0..20).fold(StateWrite::new(), |write, n| {
        write.put("small", format!("k{n:02}"), "v")
    });
    client.write_state(puts).await.unwrap();
    for (page_size, count, has_more) in [(9, 9, true), (10, 10, false), (11, 10, false)] {
        let page = client.list_state("small").prefix("k1").page_size(page_size);
        let page = page.await.unwrap();
        assert_eq!((page.entries.len(), page.has_more), (count, has_more));
    }
    // Pages that end because of their bytes, each engine after its own number of them.
    const COUNT: usize = 40;
    for n in 0..COUNT {
        let write = StateWrite::new().put("large", format!("k{n:02}"), vec![b'v'; 65_536]);
        client.write_state(write).await.unwrap();
    }
    let (mut keys, mut has_more): (Vec<String>, _) = (Vec::new(), true);
    while has_more {
        let list = client.list_state("large").page_size(1_000);
        let page = match keys.last() {
            Some(last) => list.after(last).await.unwrap(),
            None => list.await.unwrap(),
        };
        assert!(!page.entries.is_empty(), "nothing follows {:?}", keys.last());
        keys.extend(page.entries.into_iter().map(|entry| entry.key));
        has_more = page.has_more;
    }
    assert_eq!(keys.len(), COUNT);
}

async fn a_write_is_made_as_a_whole_or_not_at_all(server: Server) {
    let client = server.client();
    client
        .write_state(StateWrite::new().put("s", "a", "1"))
        .await
        .unwrap();
    let write = StateWrite::new().put("s", "b", "2").put("t", "c", "3");
    let refused = write
        .clone()
        .expect_version("s", "a", 2)
        .expect_absent("s", "z")
        .expect_absent("s", "a");
    let invalid = client.write_state(refused).await;
    assert!(
        matches!(invalid, Err(Error::InvalidField(_))),
        "an entry is checked twice: {invalid:?}"
    );
    let refused = client
        .write_state(write.clone().expect_version("s", "a", 2).expect_absent("s", "z"))
        .await;
    let Err(Error::ChecksFailed { failed, count: 1 }) = refused else {
        panic!("{refused:?}");
    };
    let Found::State {
        scope,
        key,
        expected,
        actual,
    } = &failed[0].found
    else {
        panic!("{failed:?}");
    };
    assert_eq!(
        (failed[0].index, scope.as_str(), key.as_str(), *expected, *actual),
        (0, "s", "a", Some(2), Some(1))
    );
    assert!(listed(&client, "t").await.is_empty());
    let written = client
        .write_state(write.id(Uuid::now_v7()).expect_version("s", "a", 1))
        .await
        .unwrap();
    assert_eq!(written.versions, [2, 1]);
    let id = Uuid::now_v7();
    client
        .write_state(StateWrite::new().id(id).put("s", "d", "4"))
        .await
        .unwrap();
    let other = client
        .write_state(StateWrite::new().id(id).put("s", "d", "5"))
        .await;
    assert!(matches!(other, Err(Error::StateIdConflict { .. })), "{other:?}");
}

async fn an_append_and_its_state_are_written_together(server: Server) {
    let client = server.client();
    let event = || Event::new("Sold", "{}");
    let sold = |expected: u64| {
        StateWrite::new()
            .put("stock", "apple", "6")
            .expect_version("stock", "apple", expected)
    };
    client
        .write_state(StateWrite::new().put("stock", "apple", "7"))
        .await
        .unwrap();
    let refused = client
        .append_to_many(Append::new().write("order-1", [event()]).write_state(sold(9)))
        .await;
    assert!(matches!(refused, Err(Error::ChecksFailed { .. })), "{refused:?}");
    assert!(matches!(
        client.stream_info("order-1").await,
        Err(Error::StreamNotFound { .. })
    ));
    let append = Append::new().write("order-1", [event()]).write_state(sold(1));
    let appended = client.append_to_many(append.clone()).await.unwrap();
    assert_eq!(
        (appended.state_versions.as_slice(), appended.already_appended),
        (&[2][..], false)
    );
    let again = client.append_to_many(append).await.unwrap();
    assert_eq!((again.state_versions, again.already_appended), (vec![2], true));
    assert_eq!(listed(&client, "stock").await["apple"], ("6".to_owned(), 2));
}

async fn clients_that_count_together_lose_no_update(server: Server) {
    let tasks = (0..8).map(|_| {
        let client = server.client();
        tokio::spawn(async move {
            for _ in 0..10 {
                let add_one = |value: Option<&[u8]>| {
                    let count: u64 = value.map_or(0, |value| text(value).parse().unwrap());
                    Some((count + 1).to_string())
                };
                client.update_state("counters", "visits", add_one).await.unwrap();
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(
        listed(&server.client(), "counters").await["visits"],
        ("80".to_owned(), 80)
    );
}

/// What a subscriber knows.
#[derive(Default)]
struct Known {
    entries: Entries,
    version: u64,
}

impl Known {
    fn take(&mut self, item: StateItem) {
        match item {
            StateItem::Put(entry) => {
                self.version = entry.version;
                self.entries
                    .insert(entry.key, (text(&entry.value), entry.version));
            }
            StateItem::Deletion { key, version } => {
                self.version = version;
                self.entries.remove(&key);
            }
            StateItem::CaughtUp { version } | StateItem::Checkpoint { version } => self.version = version,
            other => panic!("{other:?}"),
        }
    }

    async fn until(&mut self, subscription: &mut StateSubscription, version: u64) {
        while self.version < version {
            self.take(subscription.next().await.unwrap());
        }
    }
}

async fn subscribers_learn_of_each_change(server: Server) {
    let client = server.client();
    client
        .write_state(StateWrite::new().put("s", "a/1", "1").put("s", "b/1", "1"))
        .await
        .unwrap();
    let mut all = client.subscribe_state("s").await.unwrap();
    let mut some = client.subscribe_state("s").prefix("a/").await.unwrap();
    let (mut of_all, mut of_some) = (Known::default(), Known::default());
    for n in 2..40_u64 {
        let write = StateWrite::new().put("s", format!("a/{}", n % 5), n.to_string());
        let write = match n % 7 {
            0 => write.delete("s", format!("a/{}", (n + 1) % 5)),
            _ => write,
        };
        client.write_state(write).await.unwrap();
    }
    let last = client.list_state("s").await.unwrap().scope_version;
    of_all.until(&mut all, last).await;
    of_some.until(&mut some, last).await;
    let mut entries = listed(&client, "s").await;
    assert_eq!(of_all.entries, entries);
    entries.remove("b/1");
    assert_eq!(of_some.entries, entries);
    let mut resumed = client.subscribe_state("s").after_version(last).await.unwrap();
    assert_eq!(
        resumed.next().await.unwrap(),
        StateItem::CaughtUp { version: last }
    );
    let beyond = client.subscribe_state("s").after_version(last + 1).await;
    let error = beyond.unwrap_err();
    let Error::StateVersionBeyondEnd {
        version, last: known, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((version, known), (last + 1, last));
}

async fn people_use_state_on_the_command_line(server: Server) {
    let cli = Cli::of(&server);
    let missing = cli.run(["state", "get", "stock", "apple"]).expect_code(3);
    assert!(
        missing.stderr.contains("has no entry \"apple\""),
        "{}",
        missing.stderr
    );
    let put = cli
        .run([
            "state",
            "put",
            "stock",
            "apple",
            "{\"count\": 7}",
            "--expect-absent",
        ])
        .expect_code(0);
    assert_eq!(put.json_lines()[0]["version"], json!(1));
    let refused = cli
        .run(["state", "put", "stock", "apple", "8", "--expect-version", "4"])
        .expect_code(4);
    assert!(
        refused.stderr.contains("annals state get \"stock\" \"apple\""),
        "{}",
        refused.stderr
    );
    let _ = cli
        .run_with(["state", "put", "stock", "pear", "--file", "-"], b"\xff\x00")
        .expect_code(0);
    let listed = cli.run(["state", "list", "stock"]).expect_code(0).json_lines();
    assert_eq!(
        (&listed[0]["value"]["count"], &listed[1]["value_base64"]),
        (&json!(7), &json!("/wA="))
    );
    let table = cli
        .run(["state", "list", "stock", "--format", "table"])
        .expect_code(0);
    assert!(
        table.stdout.contains("apple") && table.stdout.contains("<2 bytes>"),
        "{}",
        table.stdout
    );
    let _ = cli
        .run(["state", "delete", "stock", "pear", "--expect-version", "2"])
        .expect_code(0);
    let watched = cli
        .run(["state", "watch", "stock", "--after", "1", "--until-caught-up"])
        .expect_code(0);
    assert_eq!(
        watched.json_lines(),
        [json!({"key": "pear", "version": 3, "deleted": true})]
    );
    let bytes = cli
        .run(["state", "get", "stock", "apple", "--out", "-"])
        .expect_code(0);
    assert_eq!(bytes.stdout, "{\"count\": 7}");
}

async fn state_outlives_the_servers_end(mut server: Server) {
    let client = server.client();
    let write = StateWrite::new().put("s", "a", "1");
    let append = Append::new()
        .write("x", [sample::event("Placed")])
        .write_state(StateWrite::new().put("s", "b", "2"));
    client.write_state(write.clone()).await.unwrap();
    client.append_to_many(append.clone()).await.unwrap();
    // Written state is durable: the server gets no chance to close anything.
    server.kill();
    server.start_again();
    let client = server.client();
    assert_eq!(listed(&client, "s").await.len(), 2);
    assert!(client.write_state(write).await.unwrap().already_written);
    let again = client.append_to_many(append).await.unwrap();
    assert_eq!((again.already_appended, again.state_versions), (true, vec![2]));
}

async fn a_subscriber_converges_although_the_server_is_killed(mut server: Server) {
    let client = server.client();
    let writer = tokio::spawn(async move {
        for n in 0..120_u64 {
            let write = StateWrite::new().put("s", format!("k{}", n % 9), n.to_string());
            let write = match n % 4 {
                0 => write.delete("s", format!("k{}", (n + 4) % 9)),
                _ => write,
            };
            client.write_state(write).await.unwrap();
        }
    });
    let client = server.client();
    let mut subscription = client.subscribe_state("s").await.unwrap();
    let mut known = Known::default();
    for _ in 0..3 {
        known.until(&mut subscription, known.version + 10).await;
        server.kill();
        server.start_again();
    }
    writer.await.unwrap();
    let last = client.list_state("s").await.unwrap().scope_version;
    known.until(&mut subscription, last).await;
    assert_eq!(known.entries, listed(&client, "s").await);
}

/// A raw put.
fn put(scope: &str, key: &str, value: &'static [u8]) -> pb::StateChange {
    pb::StateChange {
        scope: scope.to_owned(),
        key: key.to_owned(),
        change: Some(pb::state_change::Change::Put(value.into())),
    }
}
