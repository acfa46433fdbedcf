//! A failed fsync stops the server: events that were not acknowledged may be lost, and no response is sent that could
//! be wrong. Retrying as if nothing had happened would lose data silently, because the system may have dropped the
//! pages that it could not write (<https://wiki.postgresql.org/wiki/Fsync_Errors>).
//!
//! The fault comes from a small library that is loaded before the system's (`LD_PRELOAD`), compiled here. It needs a
//! C compiler, which the build needs anyway, and runs only on Linux.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]
#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf, process::Command, time::Duration};

use annals_client::{Client, Error, Event, ExpectedRevision as Expected, RetryPolicy, Unavailability};
use annals_tests::harness::{Engine, Options, PATIENCE, Recorder, Server, assert_sound, http, sample::event};

/// Makes `fsync` and `fdatasync` fail with EIO once the file named by `ANNALS_FAIL_SYNC` exists.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
    const char *trigger = getenv("ANNALS_FAIL_SYNC");
    return trigger && access(trigger, F_OK) == 0;
}

static int sync_with(const char *name, int fd) {
    if (fails()) { errno = EIO; return -1; }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
"#;

/// A server whose disk can be made to fail, and the file that triggers it.
fn server_with_fault() -> (Server, PathBuf) {
    let mut server = Server::start(Engine::Embedded);
    assert!(server.terminate().success());
    let (source, library) = (server.folder().join("shim.c"), server.folder().join("shim.so"));
    fs::write(&source, SHIM).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut compile = Command::new(&compiler);
    compile
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl");
    let output = compile
        .output()
        .unwrap_or_else(|error| panic!("there is no C compiler ({compiler}): {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let trigger = server.folder().join("fail");
    server.options = Options::new(Engine::Embedded)
        .variable("LD_PRELOAD", library)
        .variable("ANNALS_FAIL_SYNC", &trigger);
    server.start_again();
    (server, trigger)
}

/// Starts the server again on a working disk.
fn mend(server: &mut Server) {
    server.options = Options::new(Engine::Embedded);
    server.start_again();
}

fn assert_it_stopped_by_itself(server: &mut Server) {
    let status = server.wait_for_its_end();
    assert_eq!(status.code(), Some(3), "the exit code is that of failed storage");
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert!(said.contains("the storage failed; stopping at once"), "{said}");
    assert!(
        said.contains("Input/output error"),
        "the log has the error of the disk: {said}"
    );
    assert!(
        said.lines().any(|line| line.starts_with("error: ")),
        "the log ends with the reason: {said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_refuses_the_append_and_stops_the_server() {
    let (mut server, trigger) = server_with_fault();
    let client = server.client_without_retries();
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        acknowledged.push(
            client
                .append("order-1", Expected::Any, [event("T")])
                .await
                .unwrap(),
        );
    }
    let mut subscription = client.subscribe_all().after(20).await.unwrap();
    assert!(subscription.next().await.unwrap().is_ok(), "caught up");
    fs::write(&trigger, "").unwrap();
    let unlucky = event("Unlucky");
    let refused = client
        .append("order-1", Expected::Any, [unlucky.clone()])
        .await
        .unwrap_err();
    let told = matches!(
        refused,
        Error::Unavailable {
            reason: Unavailability::StorageFailed,
            ..
        }
    );
    assert!(told, "{refused}");
    let second = client.append("order-1", Expected::Any, [event("T")]).await;
    assert!(
        second.is_err(),
        "nothing is written after a failed fsync: {second:?}"
    );
    assert_it_stopped_by_itself(&mut server);

    fs::remove_file(&trigger).unwrap();
    mend(&mut server);
    let client = server.client();
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    for appended in &acknowledged {
        let event = &log[usize::try_from(appended.first_position.0).unwrap() - 1];
        assert_eq!(
            (event.revision, event.recorded_at),
            (appended.first_revision, appended.recorded_at)
        );
    }
    // After a retry it is there once, whatever the outcome of the first attempt.
    client
        .append("order-1", Expected::Any, [unlucky.clone()])
        .await
        .unwrap();
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(log.iter().filter(|event| event.id == unlucky.id).count(), 1);
    assert_eq!(log.len(), 21, "the second one was refused for good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_under_load_loses_nothing_that_was_acknowledged() {
    let (mut server, trigger) = server_with_fault();
    let recorder = Recorder::default();
    for round in 0..3 {
        let writers: Vec<_> = (0..16)
            .map(|n| {
                let recorder = recorder.clone();
                let builder = Client::builder().endpoint(server.endpoint()).timeout(PATIENCE);
                let client = builder.retry(RetryPolicy::never()).build().unwrap();
                tokio::spawn(async move {
                    loop {
                        let events = vec![Event::new("T", vec![n; 200]), event("U")];
                        if recorder
                            .append(&client, &format!("s-{n}"), Expected::Any, events)
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        fs::write(&trigger, "").unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_it_stopped_by_itself(&mut server);
        fs::remove_file(&trigger).unwrap();
        let faulty = server.options.clone();
        mend(&mut server);
        let log = server.client().read_all().await.unwrap().collect().await.unwrap();
        println!("round {round}: {} events after the fsync failed", log.len());
        assert_sound(&recorder.history(), &log);
        assert!(server.terminate().success());
        server.options = faulty;
        server.start_again();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_not_opened_on_a_disk_that_does_not_sync() {
    let (mut server, trigger) = server_with_fault();
    let client = server.client();
    client
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    assert_eq!(http::get(server.http_address(), "/health/live").0, 200);
    server.kill();
    fs::write(&trigger, "").unwrap();
    server.spawn();
    // It may open the store or refuse to; but it must not acknowledge.
    if server.wait_until_it_listens() {
        let refused = server
            .client_without_retries()
            .append("order-1", Expected::Any, [event("T")])
            .await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(server.wait_for_its_end().code(), Some(3));
    }
    fs::remove_file(&trigger).unwrap();
    mend(&mut server);
    let log = server.client().read_all().await.unwrap().collect().await.unwrap();
    assert!((1..=2).contains(&log.len()) && log[0].position == 1, "{log:?}");
}
