//! `annals snapshot`.

use std::io::{Read, Write};

use annals_client::{Client, Error, Revision};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::arguments::{Format, LoadSnapshot, SaveSnapshot};
use crate::failure::Failure;
use crate::output::{Output, shown};
use crate::record;

/// Saves a file as a snapshot of a stream.
pub async fn save(client: &Client, options: SaveSnapshot, mut output: Output) -> Result<(), Failure> {
    let data = read(&options.file)?;
    let bytes = data.len();
    let saved_at = client
        .save_snapshot(&options.stream, options.revision, data)
        .schema_version(options.schema_version)
        .keep(options.keep)
        .await?;
    match output.format {
        Format::Ndjson => output.json(&json!({
            "stream": options.stream,
            "revision": options.revision,
            "schema_version": options.schema_version,
            "bytes": bytes,
            "saved": record::time(saved_at),
        }))?,
        Format::Table => output.fields(&[
            ("stream", options.stream),
            ("revision", options.revision.to_string()),
            ("schema version", options.schema_version.to_string()),
            ("bytes", bytes.to_string()),
            ("saved", record::time(saved_at)),
        ])?,
    }
    output.flush()
}

/// Shows the latest snapshot of a stream, or writes its bytes to a file.
pub async fn load(client: &Client, options: LoadSnapshot, mut output: Output) -> Result<(), Failure> {
    let mut load = client.load_snapshot(&options.stream);
    if let Some(revision) = options.at_or_before {
        load = load.at_or_before(revision);
    }
    if let Some(version) = options.schema_version {
        load = load.schema_version(version);
    }
    let Some(snapshot) = load.await? else {
        return Err(Error::SnapshotNotFound {
            stream: options.stream,
        }
        .into());
    };
    if options.out.as_deref() == Some("-") {
        let doing = |error| Failure::io("writing to standard output", error);
        drop(output);
        return std::io::stdout().write_all(&snapshot.data).map_err(doing);
    }
    if let Some(file) = &options.out {
        std::fs::write(file, &snapshot.data)
            .map_err(|error| Failure::io(format!("writing {file:?}"), error))?;
    }
    // Data that is written to a file is not printed.
    let data = options.out.is_none();
    match output.format {
        Format::Ndjson => {
            let json = record::json(&snapshot.data).filter(|_| data);
            let base64 = (data && json.is_none()).then(|| BASE64.encode(&snapshot.data));
            output.json(&Line {
                stream: &snapshot.stream,
                revision: snapshot.revision,
                schema_version: snapshot.schema_version,
                bytes: snapshot.data.len(),
                saved: record::time(snapshot.saved_at),
                data: json,
                data_base64: base64,
            })?;
        }
        Format::Table => {
            let mut fields = vec![
                ("stream", snapshot.stream),
                ("revision", snapshot.revision.to_string()),
                ("schema version", snapshot.schema_version.to_string()),
                ("bytes", snapshot.data.len().to_string()),
                ("saved", record::time(snapshot.saved_at)),
            ];
            if data {
                let beginning = shown(&snapshot.data);
                let more = if beginning.len() < snapshot.data.len()
                    && snapshot.data.starts_with(beginning.as_bytes())
                {
                    "…"
                } else {
                    ""
                };
                fields.push(("data", beginning + more));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

/// A snapshot as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    stream: &'a str,
    revision: Revision,
    schema_version: u32,
    bytes: usize,
    saved: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// Reads the bytes to save.
pub fn read(file: &str) -> Result<Vec<u8>, Failure> {
    if file != "-" {
        return std::fs::read(file).map_err(|error| Failure::io(format!("reading {file:?}"), error));
    }
    let mut data = Vec::new();
    match std::io::stdin().read_to_end(&mut data) {
        Ok(_) => Ok(data),
        Err(error) => Err(Failure::io("reading standard input", error)),
    }
}
