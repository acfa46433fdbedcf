//! `annals read`.

use annals_client::{Client, Read};

use crate::arguments::Read as Options;
use crate::failure::Failure;
use crate::output::{Events, Output};

/// Prints the events of a stream or of the log, up to its end.
pub async fn run(client: &Client, options: Options, output: Output) -> Result<(), Failure> {
    let mut events = match &options.target.stream {
        Some(stream) => {
            let mut read = client.read_stream(stream);
            if let Some(revision) = options.from {
                read = read.from_revision(revision);
            }
            if let Some(revision) = options.past.until_revision {
                read = read.until_revision(revision);
            }
            with(read, options).await?
        }
        None => {
            let mut read = client.read_all();
            if let Some(position) = options.from {
                read = read.from_position(position);
            }
            if let Some(position) = options.past.until_position {
                read = read.until_position(position);
            }
            with(read, options).await?
        }
    };
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

/// Adds the options that a stream and the log have in common.
fn with<Of>(mut read: Read<Of>, options: Options) -> Read<Of> {
    read = read.query(options.filters);
    if options.backwards {
        read = read.backwards();
    }
    if let Some(limit) = options.limit {
        read = read.limit(limit);
    }
    if let Some(time) = options.past.as_of {
        read = read.until_time(time);
    }
    read
}
