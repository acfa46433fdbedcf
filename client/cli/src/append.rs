//! `annals append`: appends one event to a stream; [`atomic`] appends the events of a file to any number of streams.

mod atomic;

use std::io::Read;

use annals_client::{Client, Event, ExpectedRevision, Position, Revision, Timestamp, Uuid};
use serde_json::json;

use crate::arguments::{Append, Expected, Format, NewEvent, NoMatch};
use crate::failure::Failure;
use crate::output::Output;
use crate::record;

/// Appends one event, or with `--atomic` the events of a file, and prints the result.
pub async fn run(client: &Client, options: Append, output: Output) -> Result<(), Failure> {
    if let Some(file) = &options.atomic {
        return atomic::run(client, file, &options, output).await;
    }
    let (Some(stream), Some(event_type), Some(data)) =
        (&options.stream, &options.event.event_type, &options.event.data)
    else {
        // The command line is rejected without them.
        return Err(Failure::Usage(
            "a stream, --type and --data are required".to_owned(),
        ));
    };
    let event = event(event_type, data, &options.event)?;
    let id = event.id;
    let expected = expected(stream, &options.expect)?;
    let no_match = options.no_match.item();
    let placed = if let ([], None) = (expected.others.as_slice(), &no_match) {
        let appended = client.append(stream, expected.own, [event]).await?;
        Placed {
            revision: appended.last_revision,
            position: appended.last_position,
            recorded_at: appended.recorded_at,
            already_appended: appended.already_appended,
        }
    } else {
        let mut append = annals_client::Append::new().write(stream, [event]);
        // A check is only needed if a particular state is expected.
        if expected.own != ExpectedRevision::Any {
            append = append.expect_stream(stream, expected.own);
        }
        let appended = client
            .append_to_many(checked(append, &expected.others, &options.no_match))
            .await?;
        let written = appended.streams.first().map(|written| written.last_revision);
        Placed {
            revision: written.unwrap_or_default(),
            position: appended.last_position,
            recorded_at: appended.recorded_at,
            already_appended: appended.already_appended,
        }
    };
    print(stream, id, &placed, output)
}

/// The expected states of streams.
struct Expectations<'a> {
    own: ExpectedRevision,
    others: Vec<(&'a str, ExpectedRevision)>,
}

/// Separates the expectation for `stream`, which is appended to, from those for other streams.
fn expected<'a>(stream: &str, given: &'a [Expected]) -> Result<Expectations<'a>, Failure> {
    let mut own = None;
    let mut others = Vec::new();
    for expected in given {
        match expected.stream.as_deref().filter(|named| *named != stream) {
            Some(other) => others.push((other, expected.revision)),
            None if own.is_none() => own = Some(expected.revision),
            None => {
                let problem = format!("--expect is given twice for stream {stream:?}; give it once");
                return Err(Failure::Usage(problem));
            }
        }
    }
    Ok(Expectations {
        own: own.unwrap_or_default(),
        others,
    })
}

/// Adds these expectations to the append.
fn checked(
    append: annals_client::Append,
    streams: &[(&str, ExpectedRevision)],
    no_match: &NoMatch,
) -> annals_client::Append {
    let append = streams.iter().fold(append, |append, (stream, expected)| {
        append.expect_stream(*stream, *expected)
    });
    match no_match.item() {
        Some(item) => append.expect_no_match(item, no_match.after.unwrap_or_default()),
        None => append,
    }
}

/// The revision and position of the appended event.
struct Placed {
    revision: Revision,
    position: Position,
    recorded_at: Timestamp,
    already_appended: bool,
}

fn print(stream: &str, id: Uuid, placed: &Placed, mut output: Output) -> Result<(), Failure> {
    match output.format {
        Format::Ndjson => output.json(&json!({
            "stream": stream,
            "revision": placed.revision,
            "position": placed.position,
            "id": id.to_string(),
            "time": record::time(placed.recorded_at),
            "already_appended": placed.already_appended,
        }))?,
        Format::Table => {
            let mut fields = vec![
                ("stream", stream.to_owned()),
                ("revision", placed.revision.to_string()),
                ("position", placed.position.to_string()),
                ("id", id.to_string()),
                ("recorded", record::time(placed.recorded_at)),
            ];
            if placed.already_appended {
                fields.push(("note", ALREADY.to_owned()));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

fn event(event_type: &str, argument: &str, options: &NewEvent) -> Result<Event, Failure> {
    let data = data(argument)?;
    if options.content_type.is_none() {
        check_json("--data", &data)?;
    }
    let mut event = Event::new(event_type, data);
    if let Some(id) = options.id {
        event.id = id;
    }
    if let Some(metadata) = &options.metadata {
        check_json("--metadata", metadata.as_bytes())?;
        event.metadata = metadata.clone().into();
    }
    event.tags = options.tags.clone();
    event.content_type = options.content_type.clone().unwrap_or_default();
    Ok(event)
}

/// Note on an append whose events were already stored.
const ALREADY: &str = "was already appended: nothing was written";

/// Returns the bytes that `--data` refers to.
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
            "--data is not JSON: {error}; correct it, or name its media type with --content-type"
        ))),
        Err(error) => Err(Failure::Usage(format!("{option} is not JSON: {error}"))),
    }
}
