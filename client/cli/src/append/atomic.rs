//! `annals append --atomic`: appends the events of a file, in its order, all or none.
//!
//! The lines have the format of `annals import`; of the export of a whole log, only the events are used. A line
//! without an id gets a new one, like an event on the command line, so ids are required to repeat the command safely.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};

use annals_client::{AppendedToMany, Client, Event, Uuid};
use serde_json::json;

use super::{ALREADY, checked};
use crate::arguments::{Append, Format};
use crate::failure::Failure;
use crate::import::{Bad, Lines, Times, is_blank, parse_line};
use crate::output::Output;
use crate::record;
use crate::whole;

/// Appends all events of a file, or none if a check fails.
pub async fn run(client: &Client, file: &str, options: &Append, output: Output) -> Result<(), Failure> {
    let events = read(file)?;
    let mut others = Vec::new();
    for expected in &options.expect {
        let Some(stream) = &expected.stream else {
            let problem = "with --atomic, each --expect must name its stream, as in order-1=7";
            return Err(Failure::Usage(problem.to_owned()));
        };
        others.push((stream.as_str(), expected.revision));
    }
    let mut append = annals_client::Append::new();
    // Groups consecutive events of one stream, because the limit on writes is lower than that on events.
    let mut events = events.into_iter().peekable();
    while let Some((stream, event)) = events.next() {
        let mut write = vec![event];
        while let Some((_, event)) = events.next_if(|(next, _)| *next == stream) {
            write.push(event);
        }
        append = append.write(stream, write);
    }
    let append = checked(append, &others, &options.no_match);
    let appended = client.append_to_many(append).await?;
    print(&appended, output)
}

/// Reads the events of a file. Fails if any line is not valid.
fn read(file: &str) -> Result<Vec<(String, Event)>, Failure> {
    let reader: Box<dyn Read> = match file {
        "-" => Box::new(io::stdin()),
        name => Box::new(File::open(name).map_err(|error| Failure::io(format!("opening {name:?}"), error))?),
    };
    let mut events = Vec::new();
    let mut is_whole = false;
    for line in Lines::new(reader) {
        let line = line.map_err(|error| Failure::io(format!("reading {file:?}"), error))?;
        let parsed = match &line.text {
            Ok(text) if is_blank(text) => continue,
            Ok(text) if line.number == 1 && whole::header(text).is_some() => {
                is_whole = true;
                continue;
            }
            Ok(text) if is_whole && whole::is_other(text) => continue,
            Ok(text) => parse_line(text, Times::InMetadata, |_, _| Uuid::now_v7()),
            Err(bytes) => Err(Bad::TooLong(*bytes)),
        };
        let parsed = parsed.map_err(|bad| Failure::Usage(format!("{file}:{}: {bad}", line.number)))?;
        events.push((parsed.stream, parsed.event));
    }
    if events.is_empty() {
        return Err(Failure::Usage(format!("{file}: the file contains no events")));
    }
    Ok(events)
}

fn print(appended: &AppendedToMany, mut output: Output) -> Result<(), Failure> {
    match output.format {
        Format::Ndjson => {
            let streams: Vec<_> = appended
                .streams
                .iter()
                .map(|written| {
                    json!({
                        "stream": written.stream,
                        "first_revision": written.first_revision,
                        "last_revision": written.last_revision,
                    })
                })
                .collect();
            output.json(&json!({
                "first_position": appended.first_position,
                "last_position": appended.last_position,
                "time": record::time(appended.recorded_at),
                "already_appended": appended.already_appended,
                "streams": streams,
            }))?;
        }
        Format::Table => {
            let mut fields = vec![
                (
                    "positions",
                    range(appended.first_position, appended.last_position),
                ),
                ("recorded", record::time(appended.recorded_at)),
            ];
            for written in &appended.streams {
                let revisions = range(written.first_revision, written.last_revision);
                fields.push(("stream", format!("{} at {revisions}", written.stream)));
            }
            if appended.already_appended {
                fields.push(("note", ALREADY.to_owned()));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

fn range<N: PartialEq + Display>(first: N, last: N) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    }
}
