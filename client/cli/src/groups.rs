//! `annals groups` and `annals parked`.

use annals_client::{
    Client, Group, GroupMode, GroupSettings, GroupStatus, ParkedEvent, ParkedSelection, Position,
};
use serde_json::{Value, json};

use crate::arguments::{Format, Groups, Parked, Selection, age};
use crate::failure::Failure;
use crate::output::Output;
use crate::record;
use crate::table::{Column, Table};

/// Lists the groups whose names begin with a prefix, or runs a subcommand.
pub async fn run(
    client: &Client,
    prefix: String,
    action: Option<Groups>,
    mut output: Output,
) -> Result<(), Failure> {
    match action {
        None => return list(client, prefix, output).await,
        Some(Groups::Create { name, settings, from }) => {
            let group = client
                .create_group(name, GroupSettings::from(*settings), from)
                .await?;
            show(&group, &mut output)?;
        }
        Some(Groups::Update {
            name,
            settings,
            expect_version,
        }) => {
            let settings = GroupSettings::from(*settings);
            let group = client.update_group(name, settings, expect_version).await?;
            show(&group, &mut output)?;
        }
        Some(Groups::Describe { name }) => describe(&client.describe_group(name).await?, &mut output)?,
        Some(Groups::Reset { name, to }) => {
            let position = client.reset_group(name, to).await?;
            match output.format {
                Format::Ndjson => output.json(&json!({ "position": position }))?,
                Format::Table => output.line(&format!("continues after position {position}"))?,
            }
        }
        Some(Groups::Delete { name }) => {
            let deleted = client.delete_group(&name).await?;
            match output.format {
                Format::Ndjson => output.json(&json!({ "group": name, "deleted": deleted }))?,
                Format::Table if deleted => output.line("deleted")?,
                Format::Table => output.line("there was no such group; nothing has changed")?,
            }
        }
    }
    output.flush()
}

async fn list(client: &Client, prefix: String, mut output: Output) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::text("GROUP", 60),
        Column::text("MODE", 12),
        Column::number("VERSION"),
        Column::number("MAX ATTEMPTS"),
        Column::text("CREATED", 20),
    ]);
    let mut groups = client.list_groups(prefix);
    while let Some(group) = groups.next().await {
        let group = group?;
        match output.format {
            Format::Ndjson => output.json(&described(&group))?,
            Format::Table => output.row(
                &mut table,
                [
                    group.name.clone(),
                    mode(group.settings.mode).to_owned(),
                    group.version.to_string(),
                    group.settings.max_attempts.unwrap_or_default().to_string(),
                    record::time(group.created_at),
                ],
            )?,
        }
    }
    output.rows_end(&mut table)?;
    output.flush()
}

const fn mode(mode: GroupMode) -> &'static str {
    match mode {
        GroupMode::Unordered => "unordered",
        GroupMode::Exclusive => "exclusive",
        _ => "ordered",
    }
}

fn described(group: &Group) -> Value {
    let settings = &group.settings;
    let seconds = |duration: Option<std::time::Duration>| duration.map(|duration| duration.as_secs_f64());
    let items = settings.query.items.iter().map(|item| {
        json!({
            "types": item.types,
            "type_prefixes": item.type_prefixes,
            "streams": item.streams,
            "stream_prefixes": item.stream_prefixes,
            "tags": item.tags,
        })
    });
    json!({
        "group": group.name,
        "version": group.version,
        "created": record::time(group.created_at),
        "mode": mode(settings.mode),
        "order_by_tag_prefix": settings.order_by_tag_prefix,
        "ack_timeout_seconds": seconds(settings.ack_timeout),
        "max_attempts": settings.max_attempts,
        "retry_delay_seconds": seconds(settings.retry_delay),
        "max_retry_delay_seconds": seconds(settings.max_retry_delay),
        "park_following": settings.park_following,
        "query": items.collect::<Vec<_>>(),
    })
}

fn fields(group: &Group) -> Vec<(&'static str, String)> {
    let settings = &group.settings;
    let time = |duration: Option<std::time::Duration>| duration.map(age::show).unwrap_or_default();
    vec![
        ("group", group.name.clone()),
        ("mode", mode(settings.mode).to_owned()),
        ("ack timeout", time(settings.ack_timeout)),
        (
            "max attempts",
            settings.max_attempts.unwrap_or_default().to_string(),
        ),
        ("retry delay", time(settings.retry_delay)),
        ("max retry delay", time(settings.max_retry_delay)),
        ("version", group.version.to_string()),
        ("created", record::time(group.created_at)),
    ]
}

fn show(group: &Group, output: &mut Output) -> Result<(), Failure> {
    match output.format {
        Format::Ndjson => output.json(&described(group)),
        Format::Table => output.fields(&fields(group)),
    }
}

fn describe(status: &GroupStatus, output: &mut Output) -> Result<(), Failure> {
    if output.format == Format::Ndjson {
        let consumers = status.consumers.iter().map(|consumer| {
            json!({
                "name": consumer.name,
                "permits": consumer.permits,
                "in_flight": consumer.in_flight,
                "active": consumer.active,
                "connected": record::time(consumer.connected_at),
            })
        });
        let mut value = described(&status.group);
        value["done_position"] = json!(status.done_position);
        value["read_position"] = json!(status.read_position);
        value["head"] = json!(status.head);
        value["lag_events"] = json!(status.lag_events);
        value["lag_seconds"] = json!(status.lag.as_secs_f64());
        value["in_flight"] = json!(status.in_flight);
        value["retrying"] = json!(status.retrying);
        value["parked"] = json!(status.parked);
        value["leader"] = json!(status.leader);
        value["consumers"] = consumers.collect();
        return output.json(&value);
    }
    let mut shown = fields(&status.group);
    shown.extend([
        ("done position", status.done_position.to_string()),
        ("head", status.head.to_string()),
        ("lag events", status.lag_events.to_string()),
        ("lag seconds", format!("{:.1}", status.lag.as_secs_f64())),
        ("in flight", status.in_flight.to_string()),
        ("retrying", status.retrying.to_string()),
        ("parked", status.parked.to_string()),
        ("leader", status.leader.clone()),
    ]);
    output.fields(&shown)?;
    let mut table = Table::new([
        Column::text("CONSUMER", 48),
        Column::number("IN FLIGHT"),
        Column::number("PERMITS"),
        Column::text("ACTIVE", 6),
        Column::text("CONNECTED", 27),
    ]);
    for consumer in &status.consumers {
        let cells = [
            consumer.name.clone(),
            consumer.in_flight.to_string(),
            consumer.permits.to_string(),
            if consumer.active { "yes" } else { "no" }.to_owned(),
            record::time(consumer.connected_at),
        ];
        output.row(&mut table, cells)?;
    }
    output.rows_end(&mut table)
}

/// Runs a subcommand of `annals parked`.
pub async fn parked(client: &Client, parked: Parked, mut output: Output) -> Result<(), Failure> {
    match parked {
        Parked::List { group, stream, limit } => {
            return list_parked(client, group, stream, limit, output).await;
        }
        Parked::Replay { chosen, to_group } => {
            let selection = selected(chosen.selection);
            let count = client
                .replay_parked(chosen.group, selection, to_group.as_deref())
                .await?;
            match output.format {
                Format::Ndjson => output.json(&json!({ "replayed": count }))?,
                Format::Table => output.line(&format!("delivered again: {count}"))?,
            }
        }
        Parked::Discard { chosen } => {
            let count = client
                .discard_parked(chosen.group, selected(chosen.selection))
                .await?;
            match output.format {
                Format::Ndjson => output.json(&json!({ "discarded": count }))?,
                Format::Table => output.line(&format!("discarded: {count}"))?,
            }
        }
    }
    output.flush()
}

fn selected(selection: Selection) -> ParkedSelection {
    match (selection.stream, selection.all) {
        (Some(stream), _) => ParkedSelection::Stream(stream),
        (None, true) => ParkedSelection::All,
        (None, false) => ParkedSelection::Positions(selection.positions.into_iter().map(Position).collect()),
    }
}

async fn list_parked(
    client: &Client,
    group: String,
    stream: String,
    limit: Option<u64>,
    mut output: Output,
) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::number("POSITION"),
        Column::text("STREAM", 40),
        Column::number("REVISION"),
        Column::number("ATTEMPTS"),
        Column::text("PARKED", 27),
        Column::text("CONSUMER", 24),
        Column::text("REASON", 60),
    ]);
    let mut events = client.list_parked(group).stream(stream);
    let mut left = limit.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(event) = events.next().await else {
            break;
        };
        let event: ParkedEvent = event?;
        match output.format {
            Format::Ndjson => output.json(&json!({
                "position": event.position,
                "stream": event.stream,
                "revision": event.revision,
                "attempts": event.attempts,
                "parked": record::time(event.parked_at),
                "first_delivered": event.first_delivered_at.map(record::time),
                "consumer": event.consumer,
                "reason": event.reason,
            }))?,
            Format::Table => output.row(
                &mut table,
                [
                    event.position.to_string(),
                    event.stream,
                    event.revision.to_string(),
                    event.attempts.to_string(),
                    record::time(event.parked_at),
                    event.consumer,
                    event.reason,
                ],
            )?,
        }
        left -= 1;
    }
    output.rows_end(&mut table)?;
    output.flush()
}
