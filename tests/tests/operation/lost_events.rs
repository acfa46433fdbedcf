//! Acknowledged events that are missing from the disk: a server with the embedded engine does not start as if nothing
//! had happened.

use std::{fs, path::PathBuf};

use annals_client::{Event, ExpectedRevision as Expected, Position, Revision};
use annals_tests::harness::{Engine, Options, Server, sample::event};

const EVENTS: u64 = 40;

fn segment(server: &Server) -> PathBuf {
    server.data().join("store/log/0000000001.seg")
}

/// The bytes of the log's only file, without the zeros that are written ahead.
fn log(server: &Server) -> Vec<u8> {
    let mut bytes = fs::read(segment(server)).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(used);
    bytes
}

/// The offsets at which the records of a log begin, and at which the last one ends.
fn boundaries(log: &[u8]) -> Vec<usize> {
    let begin = log
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == b"anl1");
    begin.map(|(at, _)| at).chain([log.len()]).collect()
}

async fn appended(server: &Server) {
    let client = server.client();
    for revision in 0..EVENTS {
        let expected = if revision == 0 {
            Expected::NoStream
        } else {
            Expected::Exactly(Revision(revision - 1))
        };
        client
            .append("order-1", expected, [event("Ordered")])
            .await
            .unwrap();
    }
}

/// Starts the server, which must end with 3, and returns its output.
fn refused(server: &mut Server) -> String {
    server.spawn();
    let status = server.wait_for_its_end();
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert_eq!(status.code(), Some(3), "{said}");
    said
}

/// The event after which events are missing, as reported by the server.
fn left(said: &str) -> u64 {
    let after = said.split("--accept-lost-events-after ").nth(1).unwrap();
    let digits = after.chars().take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap()
}

fn missing(left: u64) -> String {
    match EVENTS - left {
        1 => format!("the acknowledged event {EVENTS} is missing"),
        _ => format!("the acknowledged events {} to {EVENTS} are missing", left + 1),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_cut_or_damaged_ends_the_server_with_3_and_the_range() {
    for clean in [true, false] {
        let mut server = Server::start(Engine::Embedded);
        appended(&server).await;
        if clean {
            assert!(server.terminate().success());
        } else {
            server.kill();
        }
        let whole = log(&server);
        let records = boundaries(&whole);
        let last = records.len() - 1;
        let cuts = [
            whole.len() * 6 / 10,
            records[last - 1],
            records[last - 1] + 7,
            whole.len() - 1,
            records[3],
        ];
        for cut in cuts {
            fs::write(segment(&server), &whole[..cut]).unwrap();
            let said = refused(&mut server);
            assert!(said.contains(&missing(left(&said))), "cut at {cut}: {said}");
            assert!(said.contains("Restore a backup"), "{said}");
        }
        let flips = [
            whole.len() * 6 / 10,
            records[last - 1] + 40,
            whole.len() - 1,
            records[3] + 2,
        ];
        for flip in flips {
            let mut damaged = whole.clone();
            damaged[flip] ^= 0x10;
            fs::write(segment(&server), &damaged).unwrap();
            let said = refused(&mut server);
            assert!(said.contains(&missing(left(&said))), "flipped at {flip}: {said}");
        }
        fs::write(segment(&server), &whole).unwrap();
        server.start_again();
        assert_eq!(server.client().server_info().await.unwrap().head, EVENTS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_in_a_large_group_is_not_taken_for_a_torn_record() {
    let mut server = Server::start(Engine::Embedded);
    let client = server.client();
    for nth in 0..4 {
        let group = (0..387).map(|_| event("Ordered")).collect::<Vec<Event>>();
        let expected = if nth == 0 {
            Expected::NoStream
        } else {
            Expected::Exactly(Revision(nth * 387 - 1))
        };
        client.append("order-1", expected, group).await.unwrap();
    }
    assert!(server.terminate().success());
    let mut damaged = log(&server);
    let last = damaged.len() - 1_000;
    damaged[last] ^= 1;
    fs::write(segment(&server), &damaged).unwrap();
    let said = refused(&mut server);
    assert!(
        said.contains("the acknowledged events 1162 to 1548 are missing"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_that_is_accepted_gives_the_store_a_new_identity() {
    let mut server = Server::start(Engine::Embedded);
    appended(&server).await;
    let before = server.client().server_info().await.unwrap();
    assert!(server.terminate().success());
    let whole = log(&server);
    fs::write(segment(&server), &whole[..whole.len() * 6 / 10]).unwrap();
    let left = left(&refused(&mut server));
    assert!(left > 0 && left < EVENTS);

    // Another position is not accepted.
    server.options =
        Options::new(Engine::Embedded).set("--accept-lost-events-after", &(left - 1).to_string());
    let said = refused(&mut server);
    let named = format!(
        "--accept-lost-events-after is {}, but the last event left is {left}",
        left - 1
    );
    assert!(said.contains(&named), "{said}");

    server.options = Options::new(Engine::Embedded).set("--accept-lost-events-after", &left.to_string());
    server.start_again();
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert!(
        said.contains(&format!("acknowledged events {} to {EVENTS}", left + 1)),
        "{said}"
    );
    let client = server.client();
    let after = client.server_info().await.unwrap();
    assert_ne!(after.store_id, before.store_id);
    assert_eq!(after.head, left);
    assert_eq!(
        client.read_all().await.unwrap().collect().await.unwrap().len() as u64,
        left
    );
    let appended = client
        .append(
            "order-1",
            Expected::Exactly(Revision(left - 1)),
            [event("Ordered")],
        )
        .await
        .unwrap();
    assert_eq!(appended.last_position, left + 1);

    // With the option still set, and without it, it is an ordinary store from here on.
    server.restart();
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert!(said.contains("nothing is lost"), "{said}");
    server.options = Options::new(Engine::Embedded);
    server.restart();
    let again = server.client().server_info().await.unwrap();
    assert_eq!((again.store_id, again.head), (after.store_id, Position(left + 1)));
    // And losses are found as before.
    server.kill();
    let whole = log(&server);
    fs::write(segment(&server), &whole[..whole.len() - 3]).unwrap();
    let said = refused(&mut server);
    assert!(
        said.contains(&format!("the acknowledged event {} is missing", left + 1)),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_durable_mark_is_missing_is_refused_until_that_is_accepted() {
    let mut server = Server::start(Engine::Embedded);
    appended(&server).await;
    assert!(server.terminate().success());
    fs::remove_file(server.data().join("store/durable")).unwrap();
    let said = refused(&mut server);
    assert!(
        said.contains("acknowledged events after 40 may be missing"),
        "{said}"
    );
    server.options = Options::new(Engine::Embedded).set("--accept-lost-events-after", "40");
    server.start_again();
    assert_eq!(server.client().server_info().await.unwrap().head, EVENTS);
}

/// Enough was appended for the first events to be flushed to the tree, which is rebuilt from the remaining log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_of_events_that_were_flushed_is_accepted_as_well() {
    let mut server = Server::start(Engine::Embedded);
    let client = server.client();
    for number in 0..24 {
        let large = Event::new("Large", format!("\"{}\"", "x".repeat(900_000)));
        let stream = format!("large-{number}");
        client.append(stream, Expected::NoStream, [large]).await.unwrap();
    }
    let before = client.server_info().await.unwrap();
    assert!(server.terminate().success());
    let whole = log(&server);
    fs::write(segment(&server), &whole[..whole.len() / 2]).unwrap();
    let said = refused(&mut server);
    let left = left(&said);
    assert!((10..13).contains(&left), "{said}");
    let missing = format!("the acknowledged events {} to 24 are missing", left + 1);
    assert!(said.contains(&missing), "{said}");

    server.options = Options::new(Engine::Embedded).set("--accept-lost-events-after", &left.to_string());
    server.start_again();
    let client = server.client();
    let after = client.server_info().await.unwrap();
    assert_ne!(after.store_id, before.store_id);
    assert_eq!(after.head, left);
    let read = client.read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(read.len() as u64, left);
    let stream = format!("large-{left}");
    let appended = client
        .append(stream, Expected::NoStream, [event("Ordered")])
        .await
        .unwrap();
    assert_eq!(appended.last_position, left + 1);
    server.options = Options::new(Engine::Embedded);
    server.restart();
    let again = server.client().server_info().await.unwrap();
    assert_eq!((again.store_id, again.head), (after.store_id, Position(left + 1)));
}
