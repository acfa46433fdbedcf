//! Moves a log to another store with `annals export` and `annals import --keep-recorded-times`: the same events in the
//! same order at the same positions, revisions and times.
//!
//! - `state`: the state that is beside a log, and what services keep in the log and in state.
//! - `whole`: a whole log, with its settings and snapshots.
//! - `partial`: incomplete and selected parts of a log.
//! - `times`: the recorded times that a server accepts.

mod partial;
mod state;
mod times;
mod whole;

use std::{
    fs,
    path::{Path, PathBuf},
};

use annals_client::{Event, ExpectedRevision};
use annals_proto::v1 as pb;
use annals_tests::harness::{Cli, Engine, Options, Server, sample, within_patience};
use prost_types::Timestamp;
use serde_json::Value;
use tokio_stream::StreamExt;

fn accepting(engine: Engine) -> Server {
    Options::new(engine)
        .set("--accept-recorded-times", "true")
        .start()
}

/// A log with events of all kinds, appended one by one, several per append, and pipelined.
async fn fill(server: &Server) -> PathBuf {
    let cli = Cli::of(server);
    let cases = server.folder().join("cases.ndjson");
    sample::write_lines(&cases, &sample::cases(400, 23));
    let _ = cli.run(["import", cases.to_str().unwrap()]).expect_code(0);
    let client = server.client();
    let odd: [(&[u8], &[u8]); 8] = [
        (b"{\n  \"pretty\": 1.10\n}\n", b"{\r\n}"),
        (b" {\"spaces\": 1} ", b" null"),
        (b"\x00\xff\xfe", b"\x80"),
        (b"", b""),
        (b"null", b"null"),
        (b"{\"b\":1,\"a\":10000000000000000000000}", b"[]"),
        ("\"žluťoučký \u{2028} \u{1f600}\"".as_bytes(), b"{}"),
        (b"not json", b"neither"),
    ];
    let events: Vec<_> = odd
        .iter()
        .map(|(data, metadata)| {
            let event = Event::new("Odd", data.to_vec()).with_metadata(metadata.to_vec());
            event.with_tag("b:2").with_tag("a:1")
        })
        .collect();
    client
        .append("odd \"names\"/ž", ExpectedRevision::NoStream, events)
        .await
        .unwrap();
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for nth in 0..500_u64 {
        let count = 1 + nth % 4;
        let events: Vec<_> = (0..count)
            .map(|n| Event::json("Counted", &(nth * 10 + n)).unwrap())
            .collect();
        let stream = format!("count-{}", nth % 3);
        pending.push(
            pipeline
                .append(stream, ExpectedRevision::Any, events)
                .await
                .unwrap(),
        );
    }
    for appended in pending {
        within_patience("an append", appended).await.unwrap();
    }
    let file = server.folder().join("log.ndjson");
    let _ = cli.run(["export", file.to_str().unwrap()]).expect_code(0);
    file
}

/// Everything about every event.
async fn log(server: &Server) -> Vec<annals_client::RecordedEvent> {
    let events = server.client().read_all().await.unwrap();
    events.map(Result::unwrap).collect().await
}

/// The lines of an export without those that name its store or depend on the state of indexing.
fn content(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("{\"appends\""));
    lines.map(str::to_owned).collect()
}

fn export(server: &Server) -> PathBuf {
    let file = server.folder().join("export.ndjson");
    let _ = Cli::of(server)
        .run(["export", file.to_str().unwrap()])
        .expect_code(0);
    file
}

fn move_to(server: &Server, file: &Path) -> Value {
    let import = [
        "import",
        file.to_str().unwrap(),
        "--keep-recorded-times",
        "--format",
        "ndjson",
    ];
    Cli::of(server).run(import).expect_code(0).json_lines().remove(0)
}

async fn append_at(
    server: &Server,
    recorded_at: Option<Timestamp>,
) -> Result<pb::AppendToStreamResponse, tonic::Status> {
    let event = pb::NewEvent {
        id: uuid::Uuid::now_v7().to_string(),
        r#type: "Made".into(),
        ..pb::NewEvent::default()
    };
    let request = pb::AppendToStreamRequest {
        stream: "s".into(),
        events: vec![event],
        recorded_at,
        ..pb::AppendToStreamRequest::default()
    };
    let appended = server.stub().append_to_stream(request).await?;
    Ok(appended.into_inner())
}
