//! Moves of a log with its state.

use std::fs;

use annals_client::{Append, Client, Error, Event, StateEntry, StateWrite};
use annals_proto::v1::{self as pb, group_service_client::GroupServiceClient};
use annals_tests::{
    harness::{Cli, Server, within_patience},
    on_every_engine,
};

use super::{accepting, content, export, log, move_to};

on_every_engine!(
    state_is_moved_with_its_versions,
    what_services_keep_is_moved,
    a_move_that_ended_within_the_state_is_repeated,
    a_file_without_state_is_imported_and_a_bad_one_is_not,
);

const SCOPES: [&str; 3] = ["counts", "deleted", "names \"ž\""];

/// The entries of each scope, and its last version.
async fn state(client: &Client) -> Vec<(Vec<StateEntry>, u64)> {
    let mut scopes = Vec::new();
    for scope in SCOPES {
        let page = client.list_state(scope).page_size(1_000).await.unwrap();
        assert!(!page.has_more);
        scopes.push((page.entries, page.scope_version));
    }
    scopes
}

/// Writes events with state, entries of any bytes, and deletions.
async fn fill(client: &Client) {
    for n in 0..50_u32 {
        let append = Append::new().write("counted", [Event::json("Counted", &n).unwrap()]);
        let write = StateWrite::new().put("counts", "last", n.to_string());
        client.append_to_many(append.write_state(write)).await.unwrap();
    }
    let odd = (0..100_u8).fold(StateWrite::new(), |write, n| {
        write.put(SCOPES[2], format!("k/{n}"), vec![n, 0, 255])
    });
    client.write_state(odd).await.unwrap();
    let large = StateWrite::new()
        .put("counts", "large", vec![b'x'; 65_536])
        .put("counts", "empty", Vec::new())
        .put("deleted", "a", "1");
    client.write_state(large).await.unwrap();
    let deletions = StateWrite::new().delete("deleted", "a").delete(SCOPES[2], "k/7");
    client.write_state(deletions).await.unwrap();
}

async fn state_is_moved_with_its_versions(server: Server) {
    let client = server.client();
    fill(&client).await;
    let file = export(&server);
    let there = accepting(server.engine());
    for _ in 0..2 {
        assert_eq!(move_to(&there, &file)["scopes"], 3);
        assert_eq!(state(&there.client()).await, state(&client).await);
        assert_eq!(log(&there).await, log(&server).await);
    }
    assert_eq!(content(&export(&there)), content(&file), "byte for byte");
    // Versions are checked as before, and continue.
    let moved = there.client();
    let last = moved.get_state("counts", "last").await.unwrap().unwrap();
    let count = |version| {
        let write = StateWrite::new().put("counts", "last", "new");
        moved.write_state(write.expect_version("counts", "last", version))
    };
    assert!(matches!(
        count(last.version - 1).await,
        Err(Error::ChecksFailed { .. })
    ));
    let versions = count(last.version).await.unwrap().versions;
    assert_eq!(versions, [state(&client).await[0].1 + 1]);
    // A subscriber from before, which may not know of the deletion, is refused; one that is up to date is not.
    let expired = match moved.subscribe_state("deleted").after_version(1).await {
        Ok(mut subscription) => within_patience("an error", subscription.next())
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(
            expired,
            Error::StateVersionExpired {
                first: 2,
                last: 2,
                ..
            }
        ),
        "{expired}"
    );
    let mut subscription = moved.subscribe_state("deleted").after_version(2).await.unwrap();
    within_patience("a notice", subscription.next()).await.unwrap();
    // A store whose state has changed is another one.
    let import = ["import", file.to_str().unwrap(), "--keep-recorded-times"];
    let failed = Cli::of(&there).run(import).expect_code(1);
    assert!(failed.stderr.contains("other state"), "{}", failed.stderr);
}

async fn what_services_keep_is_moved(server: Server) {
    let mut groups = GroupServiceClient::new(server.channel());
    for name in ["mails", "invoices"] {
        let request = pb::CreateGroupRequest {
            name: name.to_owned(),
            ..pb::CreateGroupRequest::default()
        };
        groups.create_group(request).await.unwrap();
    }
    let file = export(&server);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("\"scope\":\"$groups\"") && text.contains("\"stream\":\"$groups\""),
        "{text}"
    );
    let there = accepting(server.engine());
    move_to(&there, &file);
    assert_eq!(log(&there).await, log(&server).await);
    assert_eq!(content(&export(&there)), content(&file));
    let list = pb::ListGroupsRequest::default();
    let mut moved = GroupServiceClient::new(there.channel());
    let found = moved.list_groups(list.clone()).await.unwrap().into_inner();
    assert_eq!(found.groups.len(), 2);
    assert_eq!(found, groups.list_groups(list).await.unwrap().into_inner());
}

async fn a_move_that_ended_within_the_state_is_repeated(server: Server) {
    let client = server.client();
    fill(&client).await;
    let file = export(&server);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let states: Vec<usize> = (0..lines.len())
        .filter(|n| lines[*n].starts_with("{\"state\""))
        .collect();
    assert!(states.len() > SCOPES.len(), "a scope of more than one part");
    let there = accepting(server.engine());
    for last in states {
        let import = ["import", "-", "--keep-recorded-times"];
        let cut = lines[..=last].concat();
        let failed = Cli::of(&there).run_with(import, cut.as_bytes()).expect_code(1);
        assert!(failed.stderr.contains("last line"), "{}", failed.stderr);
        let write = StateWrite::new().put("counts", "last", "x");
        let refused = there.client().write_state(write).await.unwrap_err();
        assert!(matches!(refused, Error::MoveUnfinished { .. }), "{refused}");
    }
    move_to(&there, &file);
    assert_eq!(state(&there.client()).await, state(&client).await);
}

async fn a_file_without_state_is_imported_and_a_bad_one_is_not(server: Server) {
    fill(&server.client()).await;
    let file = export(&server);
    let text = fs::read_to_string(&file).unwrap();
    let is_state = |line: &&str| line.starts_with("{\"state\"");
    let state_lines: Vec<&str> = text.lines().filter(is_state).collect();
    let there = accepting(server.engine());
    let other = there.folder().join("other.ndjson");
    // The second part of the same scope as the first.
    let continues = |line: &&str| !line.contains("\"after_version\":0");
    let nth = state_lines.iter().position(continues).unwrap();
    let (first, second) = (state_lines[nth - 1], state_lines[nth]);
    let bad = [
        (
            "a part that is missing",
            text.replacen(&format!("{first}\n"), "", 1),
            "do not follow",
        ),
        (
            "a part twice",
            text.replacen(second, &format!("{second}\n{second}"), 1),
            "do not follow",
        ),
        (
            "no base64",
            text.replacen("\"value_base64\":\"", "\"value_base64\":\"*", 1),
            "base64",
        ),
    ];
    for (what, content, said) in bad {
        fs::write(&other, content).unwrap();
        let import = ["import", other.to_str().unwrap(), "--keep-recorded-times"];
        let failed = Cli::of(&there).run(import).expect_code(1);
        assert!(failed.stderr.contains(said), "{what}: {}", failed.stderr);
        assert!(log(&there).await.is_empty(), "{what}");
        assert!(
            state(&there.client()).await.iter().all(|(_, last)| *last == 0),
            "{what}"
        );
    }
    // As an earlier version exported it.
    let without: Vec<&str> = text
        .split_inclusive('\n')
        .filter(|line| !is_state(line))
        .collect();
    fs::write(&other, without.concat()).unwrap();
    assert_eq!(move_to(&there, &other)["scopes"], serde_json::Value::Null);
    assert_eq!(log(&there).await, log(&server).await);
    // The events alone, at new positions: state stays where it is.
    let import = ["import", file.to_str().unwrap(), "--renumber"];
    let _ = Cli::of(&there).run(import).expect_code(0);
    assert!(state(&there.client()).await.iter().all(|(_, last)| *last == 0));
}
