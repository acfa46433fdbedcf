//! `annals position-at`.

use annals_client::{Client, Timestamp};
use serde_json::json;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::record;

/// Prints the position that the log had reached at a time.
pub async fn run(client: &Client, time: Timestamp, mut output: Output) -> Result<(), Failure> {
    let position = client.position_at_time(time).await?;
    match output.format {
        Format::Ndjson => output.json(&json!({ "time": record::time(time), "position": position }))?,
        Format::Table => output.line(&position.to_string())?,
    }
    output.flush()
}
