//! Runs the application as a process against a real server.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

use std::process::{Command, Output};

use annals_toolkit::testing::Server;

fn command(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_annals-courses"));
    command.args(arguments).env("ANNALS_ENDPOINT", server.endpoint());
    command
}

/// Returns the exit code and the output.
fn run(server: &Server, arguments: &[&str]) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(server, arguments).output().unwrap();
    let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), said)
}

#[test]
fn students_take_courses_and_give_them_back() {
    let server = Server::start().unwrap();
    for (arguments, code, said) in [
        (
            &["define", "c1", "2"][..],
            0,
            "{\"courseId\":\"c1\",\"position\":1}\n",
        ),
        (
            &["define", "c1", "2"],
            2,
            "error: course c1 exists already (course_exists)\n",
        ),
        (
            &["subscribe", "s2", "c1"],
            0,
            "{\"courseId\":\"c1\",\"studentId\":\"s2\",\"position\":2}\n",
        ),
        (
            &["subscribe", "s1", "c1"],
            0,
            "{\"courseId\":\"c1\",\"studentId\":\"s1\",\"position\":3}\n",
        ),
        (
            &["subscribe", "s3", "c1"],
            2,
            "error: course c1 is full: it takes 2 (course_full)\n",
        ),
        (
            &["change-capacity", "c1", "3"],
            0,
            "{\"courseId\":\"c1\",\"position\":4}\n",
        ),
        (
            &["subscribe", "s3", "c1"],
            0,
            "{\"courseId\":\"c1\",\"studentId\":\"s3\",\"position\":5}\n",
        ),
        (
            &["unsubscribe", "s2", "c1"],
            0,
            "{\"courseId\":\"c1\",\"studentId\":\"s2\",\"position\":6}\n",
        ),
        (
            &["show", "c1"],
            0,
            "{\"courseId\":\"c1\",\"capacity\":3,\"students\":[\"s1\",\"s3\"]}\n",
        ),
        (
            &["show", "c2"],
            2,
            "error: there is no course c2; define it first (course_not_found)\n",
        ),
    ] {
        assert_eq!(run(&server, arguments), (code, said.to_owned()), "{arguments:?}");
    }
}

#[test]
fn programs_that_run_at_once_never_overbook_a_course() {
    let server = Server::start().unwrap();
    run(&server, &["define", "c1", "3"]);
    let running: Vec<_> = (0..12)
        .map(|nth| {
            let mut command = command(&server, &["subscribe", &format!("s{nth}"), "c1"]);
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    let codes = running
        .into_iter()
        .map(|mut process| process.wait().unwrap().code().unwrap());
    let mut codes: Vec<i32> = codes.collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    let (_, shown) = run(&server, &["show", "c1"]);
    assert_eq!(shown.matches("\"s").count(), 1 + 3, "{shown}");
}

#[test]
fn the_demonstration_fills_a_course() {
    let server = Server::start().unwrap();
    let (code, told) = run(&server, &["demo"]);
    assert_eq!((code, told.matches("(course_full)").count()), (0, 7), "{told}");
    assert!(told.contains("-late: {\"courseId\":"), "{told}");
}

#[test]
fn a_store_that_is_away_is_not_the_rules_fault() {
    let mut server = Server::start().unwrap();
    server.kill();
    let (code, told) = run(&server, &["show", "c1"]);
    assert_eq!((code, &told[..7]), (1, "error: "), "{told}");
}
