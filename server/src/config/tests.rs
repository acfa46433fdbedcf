use std::{path::Path, time::Duration};

use clap::{CommandFactory, Parser};

use super::{Age, ByteSize, Config, EngineConfig, EngineName, Flags, ListenAddress, LogFormat, Options};
use crate::Error;

fn from_args(args: &[&str]) -> Options {
    Flags::try_parse_from(std::iter::once(&"annals-server").chain(args))
        .unwrap()
        .options
}

fn refused(options: Options) -> String {
    match Config::resolve(options) {
        Err(Error::Config(message)) => message,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn without_anything_given_the_documented_defaults_hold() {
    let config = Config::resolve(Options::default()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:2113");
    assert_eq!(config.http_listen, None);
    assert_eq!(
        config.engine,
        EngineConfig::Embedded {
            data: "./annals-data".into(),
            cache_bytes: 128 << 20,
            accept_lost_events_after: None,
        }
    );
    assert_eq!((config.log, config.log_level.as_str()), (LogFormat::Text, "info"));
    assert_eq!(config.limits.event_bytes_max, 1 << 20);
    assert_eq!(config.limits.append_bytes_max, 4 << 20);
    assert_eq!(config.limits.subscriptions_max, 10_000);
    assert_eq!(config.tail_bytes, 64 << 20);
    assert_eq!(config.drain_timeout, Duration::from_secs(30));
    assert_eq!(config.scavenge_every, Some(Duration::from_secs(86_400)));
    assert_eq!(config.state_deletion_age, Duration::from_secs(86_400));
    assert!(
        !config.accept_recorded_times,
        "an audit trail's times must be the server's"
    );
}

#[test]
fn every_option_is_taken_from_flags_and_from_the_file_alike() {
    let flags = from_args(&[
        "--listen=0.0.0.0:5000",
        "--http-listen=[::1]:5001",
        "--engine=embedded",
        "--data=/data",
        "--cluster-file=/fdb.cluster",
        "--key-prefix=orders",
        "--log=json",
        "--log-level=annals_store=debug",
        "--max-event-bytes=2MiB",
        "--max-append-bytes=3MiB",
        "--max-snapshot-bytes=5MiB",
        "--max-subscriptions=7",
        "--tail-bytes=8MiB",
        "--cache-bytes=1GiB",
        "--accept-recorded-times",
        "--accept-lost-events-after=23",
        "--scavenge-every=12h",
        "--state-deletion-age=2w",
        "--drain-seconds=5",
    ]);
    let file = Options::from_toml(
        r#"
        listen = "0.0.0.0:5000"
        http_listen = "[::1]:5001"
        engine = "embedded"
        data = "/data"
        cluster_file = "/fdb.cluster"
        key_prefix = "orders"
        log = "json"
        log_level = "annals_store=debug"
        max_event_bytes = 2097152
        max_append_bytes = "3MiB"
        max_snapshot_bytes = "5MiB"
        max_subscriptions = 7
        tail_bytes = "8MiB"
        cache_bytes = "1GiB"
        accept_recorded_times = true
        accept_lost_events_after = 23
        scavenge_every = "12h"
        state_deletion_age = "2w"
        drain_seconds = 5
        "#,
    )
    .unwrap();
    assert_eq!(flags, file);
    let config = Config::resolve(flags).unwrap();
    assert_eq!(
        config.engine,
        EngineConfig::Embedded {
            data: "/data".into(),
            cache_bytes: 1 << 30,
            accept_lost_events_after: Some(23),
        }
    );
    assert_eq!(
        (config.limits.event_bytes_max, config.limits.append_bytes_max),
        (2 << 20, 3 << 20)
    );
    assert_eq!(config.limits.snapshot_bytes_max, 5 << 20);
    assert_eq!((config.limits.subscriptions_max, config.tail_bytes), (7, 8 << 20));
    assert_eq!(
        (config.log, config.drain_timeout),
        (LogFormat::Json, Duration::from_secs(5))
    );
    assert!(config.accept_recorded_times);
    assert_eq!(config.scavenge_every, Some(Duration::from_secs(12 * 3_600)));
    assert_eq!(config.state_deletion_age, Duration::from_secs(14 * 86_400));
    let off = Config::resolve(from_args(&["--scavenge-every=off"])).unwrap();
    assert_eq!(off.scavenge_every, None);
}

#[test]
fn each_option_given_wins_over_the_file_and_the_rest_of_the_file_stays() {
    let file = Options::from_toml("listen = \"127.0.0.1:1\"\ndata = \"/file\"\ndrain_seconds = 1").unwrap();
    let config = Config::resolve(from_args(&["--listen", "127.0.0.1:2"]).or(file)).unwrap();
    assert_eq!(config.listen.port, 2);
    assert_eq!(config.drain_timeout, Duration::from_secs(1));
    assert!(matches!(config.engine, EngineConfig::Embedded { data, .. } if data == Path::new("/file")));
}

#[test]
fn every_flag_has_the_variable_and_the_file_key_of_its_name() {
    let command = Flags::command();
    let flags: Vec<_> = command
        .get_arguments()
        .filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    assert_eq!(flags.len(), 21);
    for flag in flags {
        let name = flag.get_long().unwrap();
        let variable = flag.get_env().unwrap().to_str().unwrap();
        assert_eq!(
            variable,
            format!("ANNALS_{}", name.replace('-', "_").to_uppercase())
        );
        assert!(flag.get_help().is_some(), "--{name} has no help");
        if name != "config" {
            let problem = Options::from_toml(&format!("{} = []", name.replace('-', "_"))).unwrap_err();
            assert!(
                !problem.to_string().contains("unknown field"),
                "{name} can't be set in the file"
            );
        }
    }
}

#[test]
fn an_unknown_key_in_the_file_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nlisten_http = \"127.0.0.1:2\"\n").unwrap();
    let message = Options::from_file(&path).unwrap_err().to_string();
    for part in ["server.toml", "listen_http", "line 2", "http_listen"] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let flags = Flags::try_parse_from(["annals-server", "--config", "missing/server.toml"]).unwrap();
    let message = Config::from_flags(flags).unwrap_err().to_string();
    assert!(message.contains("missing/server.toml"), "{message}");
}

#[test]
fn values_out_of_bounds_are_refused_naming_the_option() {
    let size = |bytes| Some(ByteSize(bytes));
    for (option, options) in [
        (
            "--max-append-bytes",
            Options {
                max_append_bytes: size(0),
                ..Options::default()
            },
        ),
        (
            "--max-append-bytes",
            Options {
                max_append_bytes: size(8_000_001),
                ..Options::default()
            },
        ),
        (
            "--max-event-bytes",
            Options {
                max_event_bytes: size(0),
                ..Options::default()
            },
        ),
        (
            "--max-event-bytes",
            Options {
                max_event_bytes: size(9 << 20),
                ..Options::default()
            },
        ),
        (
            "--max-event-bytes",
            Options {
                max_event_bytes: size(2_000),
                max_append_bytes: size(1_000),
                ..Options::default()
            },
        ),
        (
            "--max-snapshot-bytes",
            Options {
                max_snapshot_bytes: size(0),
                ..Options::default()
            },
        ),
        (
            "--max-snapshot-bytes",
            Options {
                max_snapshot_bytes: size(8_000_001),
                ..Options::default()
            },
        ),
        (
            "--tail-bytes",
            Options {
                tail_bytes: size(1_000),
                ..Options::default()
            },
        ),
        (
            "--cache-bytes",
            Options {
                cache_bytes: size(1_000),
                ..Options::default()
            },
        ),
        (
            "--drain-seconds",
            Options {
                drain_seconds: Some(3_601),
                ..Options::default()
            },
        ),
        (
            "--state-deletion-age",
            Options {
                state_deletion_age: Some(Age(Duration::from_secs(59))),
                ..Options::default()
            },
        ),
        (
            "--state-deletion-age",
            Options {
                state_deletion_age: Some(Age(Duration::from_secs(365 * 86_400 + 1))),
                ..Options::default()
            },
        ),
        (
            "--log-level",
            Options {
                log_level: Some("loud".to_owned()),
                ..Options::default()
            },
        ),
        (
            "--http-listen",
            Options {
                listen: Some("h:65535".parse().unwrap()),
                ..Options::default()
            },
        ),
    ] {
        let message = refused(options);
        assert!(message.contains(option), "{option} is missing in {message:?}");
    }
}

#[test]
fn raising_the_event_limit_raises_the_append_limit_with_it() {
    let options = Options {
        max_event_bytes: Some(ByteSize(6_000_000)),
        ..Options::default()
    };
    let limits = Config::resolve(options).unwrap().limits;
    assert_eq!(limits.event_bytes_max, 6_000_000);
    assert_eq!(limits.append_bytes_max, 6_080_000);
}

#[test]
fn the_memory_engine_needs_no_directory() {
    let options = Options {
        engine: Some(EngineName::Memory),
        data: Some("/data".into()),
        ..Options::default()
    };
    assert_eq!(Config::resolve(options).unwrap().engine, EngineConfig::Memory);
}

#[test]
fn addresses_are_hosts_and_ports() {
    for (text, host, port) in [
        ("127.0.0.1:2113", "127.0.0.1", 2113),
        ("[::1]:0", "::1", 0),
        ("localhost:80", "localhost", 80),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ] {
        let address: ListenAddress = text.parse().unwrap();
        assert_eq!((address.host.as_str(), address.port), (host, port));
        assert_eq!(address.to_string(), text);
    }
    for text in [
        "",
        "2113",
        ":2113",
        "localhost",
        "localhost:",
        "localhost:65536",
        "::1:2113",
        "http://h:1",
        "a b:1",
    ] {
        assert!(text.parse::<ListenAddress>().is_err(), "{text:?} was accepted");
    }
}

#[test]
fn sizes_have_units() {
    for (text, bytes) in [
        ("0", 0),
        ("1048576", 1 << 20),
        ("64MiB", 64 << 20),
        ("1 GiB", 1 << 30),
        ("5MB", 5_000_000),
        ("7kB", 7_000),
        ("3B", 3),
    ] {
        assert_eq!(text.parse::<ByteSize>().unwrap(), ByteSize(bytes), "{text}");
    }
    for text in [
        "",
        "MiB",
        "-1",
        "1.5GiB",
        "64M",
        "64 mib",
        "99999999999999999999",
        "18446744073709551615KiB",
    ] {
        assert!(text.parse::<ByteSize>().is_err(), "{text:?} was accepted");
    }
    assert_eq!(ByteSize(64 << 20).to_string(), "64MiB");
    assert_eq!(ByteSize(1_000).to_string(), "1000 bytes");
    let message = Options::from_toml("tail_bytes = -1").unwrap_err().to_string();
    assert!(message.contains("negative"), "{message}");
}

#[test]
fn help_teaches_with_examples() {
    let help = Flags::command().render_long_help().to_string();
    for part in [
        "Examples:",
        "--engine memory",
        "ANNALS_LISTEN",
        "server.toml",
        "/health/ready",
        "Exit codes",
    ] {
        assert!(help.contains(part), "{part:?} is missing in the help");
    }
}

#[cfg(feature = "foundationdb")]
#[test]
fn the_cluster_and_the_prefix_are_taken_for_foundationdb() {
    let config = Config::resolve(from_args(&["--engine=foundationdb"])).unwrap();
    let EngineConfig::FoundationDb(settings) = &config.engine else {
        panic!("another engine: {:?}", config.engine);
    };
    assert_eq!(settings.cluster_file, Path::new("/etc/foundationdb/fdb.cluster"));
    assert_eq!(settings.key_prefix.as_str(), "annals");
    assert!(config.engine.is_shared());

    let args = [
        "--engine=foundationdb",
        "--cluster-file=/fdb.cluster",
        "--key-prefix=orders",
    ];
    let EngineConfig::FoundationDb(settings) = Config::resolve(from_args(&args)).unwrap().engine else {
        panic!("another engine");
    };
    assert_eq!(settings.cluster_file, Path::new("/fdb.cluster"));
    assert_eq!(settings.key_prefix.as_str(), "orders");

    let message = refused(from_args(&["--engine=foundationdb", "--key-prefix=two words"]));
    assert!(
        message.contains("--key-prefix") && message.contains("two words"),
        "{message}"
    );
}

#[cfg(not(feature = "foundationdb"))]
#[test]
fn a_build_without_foundationdb_says_so() {
    let message = refused(from_args(&["--engine=foundationdb"]));
    assert!(
        message.contains("not part of this build") && message.contains("feature `foundationdb`"),
        "{message}"
    );
}
