//! `annals export`: writes the whole log ([`crate::whole`]), or the events that match, as lines that `annals import`
//! accepts.
//!
//! A file is written under a temporary name next to it and renamed when it is complete, so that it is never a partial
//! export.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use annals_client::{Client, Position, TransferPart};

use crate::arguments::Filters;
use crate::failure::Failure;
use crate::output::write_json;
use crate::progress;
use crate::record::Exact;
use crate::whole::{self, Header};

/// Exports the whole log, or the events that match the filters, to a file; `-` for standard output.
pub async fn run(client: &Client, file: &str, filters: Filters) -> Result<(), Failure> {
    if file == "-" {
        let doing = |error| Failure::io("writing to standard output", error);
        return write(client, filters, io::stdout().lock(), doing).await;
    }
    let partial = partial(Path::new(file));
    let doing = |error| Failure::io(format!("writing {}", partial.display()), error);
    let written = match File::create(&partial) {
        Ok(out) => write(client, filters, &out, doing)
            .await
            .and_then(|()| out.sync_all().map_err(doing)),
        Err(error) => return Err(doing(error)),
    };
    if let Err(failure) = written {
        // The user must see this failure, not one to remove the partial file.
        let _ = std::fs::remove_file(&partial);
        return Err(failure);
    }
    std::fs::rename(&partial, file).map_err(|error| Failure::io(format!("renaming to {file}"), error))
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    file.with_file_name(name)
}

async fn write(
    client: &Client,
    filters: Filters,
    out: impl Write,
    doing: impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(256 << 10, out);
    if filters.are_none() {
        return write_whole(client, out, doing).await;
    }
    let mut events = client.read_all().query(filters).await?;
    let bar = progress::positions(events.head().0);
    let mut count = 0_u64;
    while let Some(event) = events.next().await {
        let event = event?;
        write_json(&mut out, &Exact(&event)).map_err(&doing)?;
        bar.set_position(event.position.0);
        count += 1;
    }
    out.flush().map_err(&doing)?;
    bar.finish_and_clear();
    eprintln!("exported {count} events, up to position {}", events.head());
    Ok(())
}

/// Writes the whole log.
async fn write_whole(
    client: &Client,
    mut out: impl Write,
    doing: impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut export = client.export().await?;
    let header = Header {
        store_id: export.source(),
        head: export.head(),
    };
    write_json(&mut out, &header).map_err(&doing)?;
    let bar = progress::positions(export.head().0);
    let (mut count, mut head) = (0_u64, Position::START);
    while let Some(part) = export.next().await? {
        match part {
            TransferPart::Events(events) => {
                for event in &events {
                    write_json(&mut out, &Exact(event)).map_err(&doing)?;
                    bar.set_position(event.position.0);
                }
                count += events.len() as u64;
            }
            part => {
                if let TransferPart::End(at) = part {
                    head = at;
                }
                for line in whole::lines(part) {
                    write_json(&mut out, &line).map_err(&doing)?;
                }
            }
        }
    }
    out.flush().map_err(&doing)?;
    bar.finish_and_clear();
    eprintln!("exported {count} events, up to position {head}");
    Ok(())
}
