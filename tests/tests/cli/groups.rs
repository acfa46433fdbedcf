//! Consumer groups on the command line: created, consumed with a command, and repaired.

use std::time::{Duration, Instant};

use annals_tests::harness::{Cli, Engine, PATIENCE, Server};
use serde_json::Value;

#[test]
fn a_group_is_consumed_with_a_command_and_its_parked_events_are_repaired() {
    let server = Server::start(Engine::Memory);
    let cli = Cli::of(&server);
    let run = |arguments: &[&str]| cli.run(arguments).expect_code(0).json_lines();
    let created = run(&[
        "groups",
        "create",
        "shipping",
        "--stream-prefix",
        "order-",
        "--max-attempts",
        "1",
    ]);
    assert_eq!(created[0]["mode"], "ordered");
    for number in ["1", "2", "3"] {
        let stream = format!("order-{number}");
        run(&["append", &stream, "--type", "OrderPlaced", "--data", number]);
    }
    let done = cli.run(["groups", "describe", "none"]).expect_code(3);
    assert!(done.stderr.contains("does not exist"));

    // Until all events are done or parked; then it is asked to stop, and stops gracefully.
    let exec = "grep -q '\"data\":2' && { echo 'no stock' >&2; exit 1; }; true";
    let consume = cli.command(["consume", "shipping", "--exec", exec, "--concurrency", "2"]);
    let consuming = consume_until(consume, || {
        let described = &run(&["groups", "describe", "shipping"])[0];
        described["done_position"] == described["head"]
    });
    assert_eq!(consuming, Some(0));

    let parked = run(&["parked", "list", "shipping"]);
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0]["reason"], "no stock");
    assert_eq!(parked[0]["stream"], "order-2");
    let position = parked[0]["position"].to_string();
    let replayed = run(&["parked", "replay", "shipping", &position]);
    assert_eq!(replayed[0]["replayed"], 1);
    assert_eq!(
        run(&["parked", "discard", "shipping", "--all"])[0]["discarded"],
        0
    );
    assert_eq!(run(&["parked", "list", "shipping"]), Vec::<Value>::new());
    assert_eq!(run(&["groups"]).len(), 1);
    assert_eq!(
        run(&["groups", "reset", "shipping", "--to", "beginning"])[0]["position"],
        0
    );
    assert_eq!(run(&["groups", "delete", "shipping"])[0]["deleted"], true);
    assert_eq!(run(&["groups", "delete", "shipping"])[0]["deleted"], false);
}

/// Runs a consumer until a condition holds, asks it to stop, and returns its exit code.
fn consume_until(mut command: std::process::Command, is_enough: impl Fn() -> bool) -> Option<i32> {
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    while !is_enough() {
        assert!(began.elapsed() < PATIENCE, "the group does not finish");
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap().code()
}
