//! `annals info`.

use annals_client::Client;
use serde_json::json;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::record;

/// Prints the server's version, engine, head and limits.
pub async fn run(client: &Client, mut output: Output) -> Result<(), Failure> {
    let info = client.server_info().await?;
    let limits = [
        ("max_event_bytes", info.limits.max_event_bytes),
        ("max_append_bytes", info.limits.max_append_bytes),
        ("max_metadata_bytes", info.limits.max_metadata_bytes),
        ("max_append_events", info.limits.max_append_events),
        ("max_stream_name_bytes", info.limits.max_stream_name_bytes),
        ("max_event_type_bytes", info.limits.max_event_type_bytes),
        ("max_tag_bytes", info.limits.max_tag_bytes),
        ("max_tags", info.limits.max_tags),
        ("max_subscriptions", info.limits.max_subscriptions),
        ("max_append_checks", info.limits.max_append_checks),
        ("max_snapshot_bytes", info.limits.max_snapshot_bytes),
        ("max_prefix_retentions", info.limits.max_prefix_retentions),
        ("max_state_scope_bytes", info.limits.max_state_scope_bytes),
        ("max_state_key_bytes", info.limits.max_state_key_bytes),
        ("max_state_value_bytes", info.limits.max_state_value_bytes),
        ("max_state_changes", info.limits.max_state_changes),
    ];
    match output.format {
        Format::Ndjson => {
            let limits: serde_json::Map<_, _> = limits
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            output.json(&json!({
                "version": info.version,
                "engine": info.engine,
                "store_id": info.store_id.to_string(),
                "head": info.head,
                "indexed": info.indexed,
                "started": record::time(info.started_at),
                "limits": limits,
            }))?;
        }
        Format::Table => {
            let mut fields = vec![
                ("version", info.version),
                ("engine", info.engine),
                ("store id", info.store_id.to_string()),
                ("head", info.head.to_string()),
                ("indexed", info.indexed.to_string()),
                ("started", record::time(info.started_at)),
            ];
            fields.extend(limits.map(|(name, value)| (name, value.to_string())));
            output.fields(&fields)?;
        }
    }
    output.flush()
}
