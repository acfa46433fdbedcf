//! `annals scavenge`.

use std::time::Duration;

use annals_client::{Client, Scavenge, ScavengeState};
use serde_json::json;

use crate::arguments::{self, Format};
use crate::failure::Failure;
use crate::output::Output;
use crate::{progress, record};

/// Interval of progress queries.
const INTERVAL: Duration = Duration::from_millis(250);

/// Starts a scavenge, stops it or shows its status. Waits for the end of a started one unless `no_wait`.
pub async fn run(
    client: &Client,
    action: Option<arguments::Scavenge>,
    no_wait: bool,
    mut output: Output,
) -> Result<(), Failure> {
    let scavenge = match action {
        Some(arguments::Scavenge::Status) => client.scavenge_status().await?,
        Some(arguments::Scavenge::Stop) => client.stop_scavenge().await?,
        None => {
            let started = client.start_scavenge().await?;
            if no_wait {
                Some(started)
            } else {
                Some(wait(client, started).await?)
            }
        }
    };
    print(&mut output, scavenge.as_ref())?;
    output.flush()
}

/// Shows the progress until the scavenge has ended. If the command is interrupted, the scavenge continues.
async fn wait(client: &Client, mut scavenge: Scavenge) -> Result<Scavenge, Failure> {
    let bar = progress::streams(scavenge.streams_total);
    while scavenge.state == ScavengeState::Running {
        bar.set_length(scavenge.streams_total.max(scavenge.streams_done));
        bar.set_position(scavenge.streams_done);
        bar.set_message(match scavenge.problem.as_str() {
            "" => format!("{} events removed", scavenge.events_removed),
            problem => format!("retrying: {problem}"),
        });
        tokio::time::sleep(INTERVAL).await;
        // If another scavenge has been started in the meantime, wait for that one.
        if let Some(now) = client.scavenge_status().await? {
            scavenge = now;
        }
    }
    bar.finish_and_clear();
    Ok(scavenge)
}

/// Describes the removed events whose data a scavenge kept, and why.
fn kept(scavenge: &Scavenge) -> impl Iterator<Item = String> {
    let unset = (scavenge.streams_total == 0)
        .then(|| "all events: no stream has a retention, was deleted or has a tombstone".to_owned());
    let through = scavenge.through_position;
    let recent = (scavenge.streams_total > 0).then(|| {
        format!("events after position {through}, and those that expired since it began: left for the next scavenge")
    });
    let ids = scavenge.ids_kept;
    let ids = (ids > 0).then(|| {
        format!(
            "ids of {ids} appends of the last day whose first event is removed: so that retries are recognised"
        )
    });
    [unset, recent, ids].into_iter().flatten()
}

fn print(output: &mut Output, scavenge: Option<&Scavenge>) -> Result<(), Failure> {
    let state = match scavenge.map(|scavenge| scavenge.state) {
        None => "none",
        Some(ScavengeState::Running) => "running",
        Some(ScavengeState::Stopped) => "stopped",
        Some(ScavengeState::Finished) => "finished",
    };
    if output.format == Format::Ndjson {
        let mut object = json!({ "state": state });
        if let Some(scavenge) = scavenge {
            object = json!({
                "state": state,
                "started": record::time(scavenge.started_at),
                "ended": scavenge.ended_at.map(record::time),
                "streams_done": scavenge.streams_done,
                "streams_total": scavenge.streams_total,
                "events_removed": scavenge.events_removed,
                "bytes_removed": scavenge.bytes_removed,
                "through_position": scavenge.through_position,
                "ids_kept": scavenge.ids_kept,
                "problem": scavenge.problem,
            });
        }
        return output.json(&object);
    }
    let mut fields = vec![("scavenge", state.to_owned())];
    if let Some(scavenge) = scavenge {
        fields.push(("started", record::time(scavenge.started_at)));
        fields.extend(scavenge.ended_at.map(|at| ("ended", record::time(at))));
        let streams = format!("{} of {}", scavenge.streams_done, scavenge.streams_total);
        fields.push(("streams", streams));
        fields.push(("events removed", scavenge.events_removed.to_string()));
        fields.push(("bytes removed", scavenge.bytes_removed.to_string()));
        fields.extend(kept(scavenge).map(|kept| ("kept", kept)));
        if !scavenge.problem.is_empty() {
            fields.push(("problem", scavenge.problem.clone()));
        }
    }
    output.fields(&fields)
}
