//! Results on standard output, in the requested format.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use annals_client::RecordedEvent;
use serde::Serialize;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::record::Record;
use crate::table::{Column, Table};

/// Standard output, buffered, with the format to write in.
pub struct Output {
    pub format: Format,
    out: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Locks standard output. The default format is a table on a terminal, otherwise ndjson.
    pub fn new(format: Option<Format>) -> Self {
        let fitting = if io::stdout().is_terminal() {
            Format::Table
        } else {
            Format::Ndjson
        };
        Output {
            format: format.unwrap_or(fitting),
            out: BufWriter::with_capacity(64 << 10, io::stdout().lock()),
        }
    }

    /// Writes a line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        write_json(&mut self.out, value).map_err(to_stdout)
    }

    /// Writes a line of text.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(to_stdout)
    }

    /// Writes names and values, one a line and aligned.
    pub fn fields(&mut self, fields: &[(&str, String)]) -> Result<(), Failure> {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        fields
            .iter()
            .try_for_each(|(name, value)| self.line(&format!("{name:<width$}  {value}")))
    }

    /// Adds a row to a table.
    pub fn row<const N: usize>(&mut self, table: &mut Table<N>, cells: [String; N]) -> Result<(), Failure> {
        table.row(&mut self.out, cells).map_err(to_stdout)
    }

    /// Writes the rows that a table has buffered.
    pub fn rows_end<const N: usize>(&mut self, table: &mut Table<N>) -> Result<(), Failure> {
        table.flush(&mut self.out).map_err(to_stdout)
    }

    /// Flushes the buffer.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(to_stdout)
    }
}

/// Events to be written to standard output.
pub struct Events {
    output: Output,
    table: Table<6>,
}

impl Events {
    /// Returns a writer of events in the output's format.
    pub fn new(output: Output) -> Self {
        let columns = [
            Column::number("POSITION"),
            Column::text("TIME", 19),
            Column::text("STREAM", 24),
            Column::number("REV"),
            Column::text("TYPE", 24),
            Column::text("DATA", usize::MAX),
        ];
        Events {
            output,
            table: Table::new(columns),
        }
    }

    /// Writes an event as a line of JSON or a row of the table.
    pub fn write(&mut self, event: &RecordedEvent) -> Result<(), Failure> {
        if self.output.format == Format::Ndjson {
            return self.output.json(&Record(event));
        }
        let cells = [
            event.position.to_string(),
            event.recorded_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            event.stream.clone(),
            event.revision.to_string(),
            event.event_type.clone(),
            shown(&event.data),
        ];
        self.output.row(&mut self.table, cells)
    }

    /// Shows everything written so far.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.output.rows_end(&mut self.table)?;
        self.output.flush()
    }
}

/// Returns data in readable form; only the beginning, since it is shortened to a line.
pub fn shown(data: &[u8]) -> String {
    const SHOWN_BYTES: usize = 2_000;
    let start = &data[..data.len().min(SHOWN_BYTES)];
    // A character that was cut at the end does not mean that the data is binary.
    match std::str::from_utf8(start) {
        Ok(text) => text.to_owned(),
        Err(error) if start.len() < data.len() && error.error_len().is_none() => {
            String::from_utf8_lossy(&start[..error.valid_up_to()]).into_owned()
        }
        Err(_) => format!("<{} bytes>", data.len()),
    }
}

/// Writes a value as one line of JSON.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn to_stdout(error: io::Error) -> Failure {
    Failure::io("writing to standard output", error)
}
