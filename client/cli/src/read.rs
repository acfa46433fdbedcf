//! `annals read`.

use annals_client::Client;

use crate::arguments::Read;
use crate::failure::Failure;
use crate::output::{Events, Output};

/// Prints the events of a stream or of the log, up to its end.
pub async fn run(client: &Client, options: Read, output: Output) -> Result<(), Failure> {
    let mut read = match options.target.stream {
        Some(stream) => client.read_stream(stream),
        None => client.read_all(),
    };
    read = read.query(options.filters);
    if options.backwards {
        read = read.backwards();
    }
    if let Some(from) = options.from {
        read = read.from(from);
    }
    if let Some(limit) = options.limit {
        read = read.limit(limit);
    }
    if let Some(time) = options.past.as_of {
        read = read.until_time(time);
    }
    if let Some(revision) = options.past.until_revision {
        read = read.until_revision(revision);
    }
    if let Some(position) = options.past.until_position {
        read = read.until_position(position);
    }
    let mut events = read.await?;
    let mut written = Events::new(output);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => written.write(&event)?,
            Err(error) => {
                written.flush()?;
                return Err(error.into());
            }
        }
    }
    written.flush()
}
