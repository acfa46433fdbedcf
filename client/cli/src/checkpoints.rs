//! `annals checkpoints`.

use annals_client::{CheckpointStatus, Client};
use serde_json::{Value, json};

use crate::arguments::{Checkpoints, Format};
use crate::failure::Failure;
use crate::output::Output;
use crate::record;
use crate::table::{Column, Table};

/// Checkpoints that are listed at a time.
const PAGE: u32 = 1_000;

/// Lists the checkpoints whose names begin with a prefix, or runs a subcommand.
pub async fn run(
    client: &Client,
    prefix: String,
    limit: Option<u64>,
    action: Option<Checkpoints>,
    output: Output,
) -> Result<(), Failure> {
    match action {
        Some(Checkpoints::Delete { name }) => delete(client, name, output).await,
        None => list(client, prefix, limit, output).await,
    }
}

async fn list(
    client: &Client,
    prefix: String,
    limit: Option<u64>,
    mut output: Output,
) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::text("CHECKPOINT", 60),
        Column::number("POSITION"),
        Column::number("LAG EVENTS"),
        Column::number("LAG SECONDS"),
        Column::text("CONSUMER", 24),
        Column::text("INSTANCE", 24),
        Column::text("UPDATED", 20),
    ]);
    let mut left = limit.unwrap_or(u64::MAX);
    let mut after = String::new();
    while left > 0 {
        let size = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let list = client
            .list_checkpoints()
            .prefix(&prefix)
            .after(after)
            .page_size(size);
        let page = list.await?;
        for status in &page.statuses {
            match output.format {
                Format::Ndjson => output.json(&described(status))?,
                Format::Table => output.row(&mut table, cells(status))?,
            }
        }
        left -= page.statuses.len() as u64;
        let last = page.statuses.into_iter().next_back();
        match last.filter(|_| page.has_more) {
            Some(last) => after = last.checkpoint.name,
            None => break,
        }
    }
    output.rows_end(&mut table)?;
    output.flush()
}

async fn delete(client: &Client, name: String, mut output: Output) -> Result<(), Failure> {
    let deleted = client.delete_checkpoint(&name).await?;
    match output.format {
        Format::Ndjson => output.json(&json!({"checkpoint": name, "deleted": deleted}))?,
        Format::Table if deleted => output.line("deleted")?,
        Format::Table => output.line("there was no such checkpoint; nothing has changed")?,
    }
    output.flush()
}

fn cells(status: &CheckpointStatus) -> [String; 7] {
    let checkpoint = &status.checkpoint;
    [
        checkpoint.name.clone(),
        checkpoint.position.to_string(),
        status.lag_events.to_string(),
        format!("{:.1}", status.lag.as_secs_f64()),
        checkpoint.consumer.clone(),
        checkpoint.instance.clone(),
        checkpoint.updated_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    ]
}

fn described(status: &CheckpointStatus) -> Value {
    let checkpoint = &status.checkpoint;
    json!({
        "checkpoint": checkpoint.name,
        "position": checkpoint.position,
        "lag_events": status.lag_events,
        "lag_seconds": status.lag.as_secs_f64(),
        "consumer": checkpoint.consumer,
        "instance": checkpoint.instance,
        "updated": record::time(checkpoint.updated_at),
    })
}
