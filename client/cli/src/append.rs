//! `annals append`.

use std::io::Read;

use annals_client::{Client, Event};
use serde_json::json;

use crate::arguments::{Append, Format};
use crate::failure::Failure;
use crate::output::Output;
use crate::record;

pub async fn run(client: &Client, options: Append, mut output: Output) -> Result<(), Failure> {
    let data = data(&options.data)?;
    if !options.raw {
        check_json("--data", &data)?;
    }
    let mut event = Event::new(options.kind, data);
    if let Some(id) = options.id {
        event.id = id;
    }
    if let Some(metadata) = options.metadata {
        check_json("--metadata", metadata.as_bytes())?;
        event.metadata = metadata.into();
    }
    event.tags = options.tags;
    let id = event.id;
    let appended = client.append(&options.stream, options.expect, [event]).await?;
    match output.format {
        Format::Ndjson => output.json(&json!({
            "stream": options.stream,
            "revision": appended.last_revision,
            "position": appended.last_position,
            "id": id.to_string(),
            "time": record::time(appended.recorded_at),
            "already_appended": appended.already_appended,
        }))?,
        Format::Table => {
            let mut fields = vec![
                ("stream", options.stream),
                ("revision", appended.last_revision.to_string()),
                ("position", appended.last_position.to_string()),
                ("id", id.to_string()),
                ("recorded", record::time(appended.recorded_at)),
            ];
            if appended.already_appended {
                fields.push(("note", "was already there: nothing was written".to_owned()));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

/// The bytes that `--data` names.
fn data(argument: &str) -> Result<Vec<u8>, Failure> {
    if argument == "-" {
        let mut data = Vec::new();
        let read = std::io::stdin().read_to_end(&mut data);
        return read
            .map(|_| data)
            .map_err(|error| Failure::io("reading standard input", error));
    }
    match argument.strip_prefix('@') {
        Some(file) => std::fs::read(file).map_err(|error| Failure::io(format!("reading {file:?}"), error)),
        None => Ok(argument.as_bytes().to_vec()),
    }
}

fn check_json(option: &str, bytes: &[u8]) -> Result<(), Failure> {
    let checked: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(bytes);
    match checked {
        Ok(_) => Ok(()),
        Err(error) if option == "--data" => Err(Failure::Usage(format!(
            "--data is not JSON: {error}; mend it, or add --raw to append it as it is"
        ))),
        Err(error) => Err(Failure::Usage(format!("{option} is not JSON: {error}"))),
    }
}
