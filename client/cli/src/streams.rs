//! `annals streams` and `annals stream`.

use annals_client::{Client, Retention, StreamInfo};
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::record;
use crate::retention;
use crate::table::{Column, Table};

/// Lists the streams whose names start with a prefix.
pub async fn list(
    client: &Client,
    prefix: String,
    limit: Option<u64>,
    mut output: Output,
) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::text("STREAM", 60),
        Column::number("EVENTS"),
        Column::number("LAST POSITION"),
        Column::text("CREATED", 20),
    ]);
    let mut streams = client.list_streams(prefix);
    let mut left = limit.unwrap_or(u64::MAX);
    while left > 0
        && let Some(stream) = streams.next().await
    {
        let stream = stream?;
        left -= 1;
        match output.format {
            Format::Ndjson => output.json(&described(&stream))?,
            Format::Table => {
                let created = stream.created_at.strftime("%Y-%m-%d %H:%M:%S").to_string();
                let events = events(&stream).to_string();
                output.row(
                    &mut table,
                    [stream.name, events, stream.last_position.to_string(), created],
                )?;
            }
        }
    }
    output.rows_end(&mut table)?;
    output.flush()
}

/// Shows one stream and its retention.
pub async fn show(client: &Client, name: String, mut output: Output) -> Result<(), Failure> {
    let stream = client.stream_info(name).await?;
    match output.format {
        Format::Ndjson => output.json(&described(&stream))?,
        Format::Table => {
            let mut fields = vec![
                ("events", events(&stream).to_string()),
                ("first revision", stream.first_revision.to_string()),
                ("last revision", stream.last_revision.to_string()),
                ("first position", stream.first_position.to_string()),
                ("last position", stream.last_position.to_string()),
                ("created", record::time(stream.created_at)),
                ("stream", stream.name),
            ];
            if stream.retention != Retention::default() {
                fields.extend(retention::fields_of(&stream.retention));
            }
            if let Some(prefix) = stream.retention_prefix {
                fields.push(("retention of prefix", prefix));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

/// Number of events. Revisions have no gaps, and removed events are always at the beginning of a stream.
fn events(stream: &StreamInfo) -> u64 {
    let next = stream.last_revision.0.saturating_add(1);
    next.saturating_sub(stream.first_revision.0)
}

fn described(stream: &StreamInfo) -> Value {
    json!({
        "stream": stream.name,
        "first_revision": stream.first_revision,
        "last_revision": stream.last_revision,
        "first_position": stream.first_position,
        "last_position": stream.last_position,
        "created": record::time(stream.created_at),
        "max_count": stream.retention.max_count,
        "max_age_seconds": stream.retention.max_age.map(|age| age.as_secs()),
        "truncate_before": stream.retention.truncate_before,
        "retention_prefix": stream.retention_prefix,
    })
}
