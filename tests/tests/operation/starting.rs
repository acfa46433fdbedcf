//! How a server starts, and how it reports invalid settings, addresses and data.

use std::{fs, process::Command};

use annals_client::{ExpectedRevision as Expected, Revision};
use annals_tests::harness::{Cli, Engine, Finished, Options, Server, binary, finish, sample::event};

/// Runs a server that must end on its own.
fn run(arguments: &[&str]) -> Finished {
    let mut command = Command::new(binary("annals-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ANNALS_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    finish(command, &[])
}

#[test]
fn help_teaches_by_example_and_names_every_variable() {
    let help = run(&["--help"]).expect_code(0).stdout;
    let options = [
        "listen",
        "http-listen",
        "engine",
        "data",
        "cluster-file",
        "key-prefix",
        "advertise",
        "log",
        "log-level",
        "max-event-bytes",
        "max-append-bytes",
        "max-snapshot-bytes",
        "max-subscriptions",
        "tail-bytes",
        "cache-bytes",
        "accept-recorded-times",
        "accept-lost-events-after",
        "scavenge-every",
        "state-deletion-age",
        "drain-seconds",
        "config",
    ];
    for option in options {
        assert!(help.contains(&format!("--{option} ")), "--{option}: {help}");
        let variable = format!("ANNALS_{}", option.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}: {help}");
    }
    for word in [
        "Examples:",
        "annals-server --engine memory",
        "/metrics",
        "Exit codes:",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(
        run(&["--version"])
            .expect_code(0)
            .stdout
            .contains(env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_wrong_setting_ends_with_2_and_is_named() {
    let cases: [(&[&str], &str); 9] = [
        (&["--listen", "nowhere"], "nowhere"),
        (&["--engine", "steam"], "steam"),
        (&["--max-event-bytes", "0"], "--max-event-bytes"),
        (&["--max-append-bytes", "9000000"], "8000000"),
        (&["--log-level", "loud"], "loud"),
        (&["--drain-seconds", "4000"], "3600"),
        (&["--state-deletion-age", "30s"], "--state-deletion-age"),
        (&["--config", "/nowhere/annals.toml"], "/nowhere/annals.toml"),
        (&["--sing"], "--sing"),
    ];
    for (arguments, named) in cases {
        let refused = run(arguments).expect_code(2);
        assert!(
            refused.stderr.contains(named),
            "{arguments:?}: {}",
            refused.stderr
        );
        assert!(
            refused.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn a_port_that_is_taken_ends_with_1_and_touches_no_data() {
    let server = Server::start(Engine::Memory);
    let data = server.folder().join("untouched");
    let (taken, data_argument) = (server.grpc_address().to_string(), data.to_str().unwrap());
    for option in ["--listen", "--http-listen"] {
        let other = if option == "--listen" {
            "--http-listen"
        } else {
            "--listen"
        };
        let refused = run(&[option, &taken, other, "127.0.0.1:0", "--data", data_argument]).expect_code(1);
        assert!(
            refused.stderr.contains(&taken) && refused.stderr.contains(option),
            "{}",
            refused.stderr
        );
        assert!(!data.exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_another_server_has_open_is_refused_and_stays_whole() {
    let server = Server::start(Engine::Embedded);
    let client = server.client();
    client
        .append("order-1", Expected::NoStream, [event("T")])
        .await
        .unwrap();
    let data = server.data();
    let refused = run(&[
        "--listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ]);
    let refused = refused.expect_code(1);
    assert!(
        refused.stderr.contains(data.to_str().unwrap()),
        "{}",
        refused.stderr
    );
    client
        .append("order-1", Expected::Exactly(Revision(0)), [event("T")])
        .await
        .unwrap();
    assert_eq!(client.read_all().await.unwrap().collect().await.unwrap().len(), 2);
}

#[test]
fn a_file_as_the_data_folder_is_refused() {
    let server = Server::start(Engine::Memory);
    let file = server.folder().join("file");
    fs::write(&file, "not a folder").unwrap();
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
        "--data",
        file.to_str().unwrap(),
    ];
    let refused = run(&arguments);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains(file.to_str().unwrap()),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn settings_come_from_flags_variables_and_a_file_in_this_order() {
    let mut server = Server::start(Engine::Memory);
    let file = server.folder().join("server.toml");
    fs::write(
        &file,
        "max_event_bytes = \"1KiB\"\nmax_append_bytes = \"64KiB\"\nmax_subscriptions = 5\n",
    )
    .unwrap();
    assert!(server.terminate().success());
    server.options = Options::new(Engine::Memory)
        .set("--config", file.to_str().unwrap())
        .variable("ANNALS_MAX_EVENT_BYTES", "2KiB")
        .variable("ANNALS_MAX_APPEND_BYTES", "32KiB")
        .set("--max-event-bytes", "3KiB");
    server.start_again();
    let info = Cli::of(&server)
        .run(["info"])
        .expect_code(0)
        .json_lines()
        .remove(0);
    assert_eq!(info["limits"]["max_event_bytes"], 3 << 10, "the flag wins");
    assert_eq!(info["limits"]["max_append_bytes"], 32 << 10, "then the variable");
    assert_eq!(info["limits"]["max_subscriptions"], 5, "then the file");
    assert!(server.terminate().success());
    fs::write(&file, "max_evnt_bytes = 1\n").unwrap();
    let refused = run(&["--config", file.to_str().unwrap()]).expect_code(2);
    assert!(refused.stderr.contains("max_evnt_bytes"), "{}", refused.stderr);
}
