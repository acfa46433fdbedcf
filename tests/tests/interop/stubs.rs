//! Stubs for languages without a client: the output of `buf generate` is enough for a program that appends and
//! subscribes.
//!
//! They download their dependencies, so they are ignored unless they are asked for, as `just test-clients` does.

use std::{process::Command, time::Duration};

use annals_tests::{
    harness::{Engine, Server, finish_within},
    interop::{Language, repository},
};

/// Packages are downloaded, and compiled on a small machine.
const FETCH_AND_BUILD_PATIENCE: Duration = Duration::from_secs(600);

/// The output of each program, whatever its language.
const STORY: &str = r#"appended OrderPlaced at revision 0
appended OrderPaid at revision 1 already: true
refused OrderCancelled: REVISION_CONFLICT
received OrderPlaced {"total":42} at revision 0
received OrderPaid {"by":"card"} at revision 1
caught up
"#;

fn appends_and_subscribes(language: Language) {
    let server = Server::start(Engine::Embedded);
    let program = repository().join("client").join(language.name()).join("run");
    let mut command = Command::new(program);
    command.arg(server.endpoint());
    let finished = finish_within(FETCH_AND_BUILD_PATIENCE, command, &[]).expect_code(0);
    assert_eq!(finished.stdout, STORY, "{}", finished.stderr);
    println!("{}: appended and subscribed", language.name());
}

#[test]
#[ignore = "run by `just test-clients`"]
fn a_go_program_appends_and_subscribes() {
    appends_and_subscribes(Language::Go);
}

#[test]
#[ignore = "run by `just test-clients`"]
fn a_java_program_appends_and_subscribes() {
    appends_and_subscribes(Language::Java);
}
