//! `annals state`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use annals_client::{Client, StateEntry, StateItem, StateWrite};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::arguments::{
    DeleteState, Entry, ExpectedEntry, Format, GetState, ListState, PutState, State, WatchState,
};
use crate::failure::Failure;
use crate::output::{Output, shown};
use crate::record;
use crate::snapshot::read;
use crate::table::{Column, Table};

/// How long `watch` tries to reconnect before it fails.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// Entries that are listed at a time.
const PAGE: u32 = 1_000;

/// Runs a subcommand.
pub async fn run(client: &Client, state: State, output: Output) -> Result<(), Failure> {
    match state {
        State::Get(options) => get(client, options, output).await,
        State::List(options) => list(client, options, output).await,
        State::Put(options) => put(client, options, output).await,
        State::Delete(options) => delete(client, options, output).await,
        State::Watch(options) => watch(client, options, output).await,
    }
}

async fn get(client: &Client, options: GetState, mut output: Output) -> Result<(), Failure> {
    let Entry { scope, key } = options.entry;
    let Some(entry) = client.get_state(&scope, &key).await? else {
        return Err(Failure::EntryNotFound { scope, key });
    };
    match options.out.as_deref() {
        Some("-") => {
            let doing = |error| Failure::io("writing to standard output", error);
            drop(output);
            return std::io::stdout().write_all(&entry.value).map_err(doing);
        }
        Some(file) => {
            std::fs::write(file, &entry.value)
                .map_err(|error| Failure::io(format!("writing {file:?}"), error))?;
        }
        None => match output.format {
            Format::Ndjson => output.json(&Line::of(&entry))?,
            Format::Table => output.fields(&[
                ("key", entry.key.clone()),
                ("version", entry.version.to_string()),
                ("changed", record::time(entry.changed_at)),
                ("value", shown(&entry.value)),
            ])?,
        },
    }
    output.flush()
}

async fn list(client: &Client, options: ListState, output: Output) -> Result<(), Failure> {
    let mut rows = Rows::new(output);
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut after = None;
    while left > 0 {
        let size = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let mut list = client
            .list_state(&options.scope)
            .prefix(&options.prefix)
            .page_size(size);
        if let Some(key) = after {
            list = list.after(key);
        }
        let page = list.await?;
        for entry in &page.entries {
            rows.entry(entry)?;
        }
        left -= page.entries.len() as u64;
        after = page.entries.into_iter().next_back().map(|entry| entry.key);
        if !page.has_more {
            break;
        }
    }
    rows.end()
}

async fn put(client: &Client, options: PutState, output: Output) -> Result<(), Failure> {
    let value = match (options.value, options.file) {
        (Some(value), _) => value.into_bytes(),
        (None, file) => read(&file.unwrap_or_default())?,
    };
    let Entry { scope, key } = &options.entry;
    let write = StateWrite::new().put(scope, key, value);
    change(client, write, &options.entry, &options.expected, output).await
}

async fn delete(client: &Client, options: DeleteState, output: Output) -> Result<(), Failure> {
    let Entry { scope, key } = &options.entry;
    let write = StateWrite::new().delete(scope, key);
    change(client, write, &options.entry, &options.expected, output).await
}

async fn change(
    client: &Client,
    mut write: StateWrite,
    Entry { scope, key }: &Entry,
    expected: &ExpectedEntry,
    mut output: Output,
) -> Result<(), Failure> {
    if let Some(version) = expected.expect_version {
        write = write.expect_version(scope, key, version);
    }
    if expected.expect_absent {
        write = write.expect_absent(scope, key);
    }
    let written = client.write_state(write).await?;
    let version = written.versions.first().copied().unwrap_or_default();
    let changed = record::time(written.changed_at);
    match output.format {
        Format::Ndjson => output.json(&json!({
            "scope": scope, "key": key, "version": version, "changed": changed,
        }))?,
        Format::Table if version == 0 => output.line("there was no such entry; nothing has changed")?,
        Format::Table => output.fields(&[
            ("scope", scope.clone()),
            ("key", key.clone()),
            ("version", version.to_string()),
            ("changed", changed),
        ])?,
    }
    output.flush()
}

async fn watch(client: &Client, options: WatchState, output: Output) -> Result<(), Failure> {
    let mut subscribe = client
        .subscribe_state(&options.scope)
        .prefix(&options.prefix)
        .reconnect_timeout(GIVE_UP_AFTER);
    if let Some(version) = options.after {
        subscribe = subscribe.after_version(version);
    }
    let mut subscription = subscribe.await?;
    let talkative = output.format == Format::Table && std::io::stderr().is_terminal();
    let mut rows = Rows::new(output);
    loop {
        match subscription.next().await? {
            StateItem::Put(entry) => rows.entry(&entry)?,
            StateItem::Deletion { key, version } => rows.deletion(&key, version)?,
            StateItem::CaughtUp { .. } if options.until_caught_up => return rows.end(),
            StateItem::CaughtUp { version } => {
                rows.flush()?;
                if talkative {
                    eprintln!("-- caught up at version {version}; waiting for more, press ctrl-c to stop");
                }
            }
            _ => {}
        }
        if options.until_caught_up {
            continue;
        }
        rows.flush()?;
    }
}

/// Entries and deletions, as rows of a table or lines of JSON.
struct Rows {
    output: Output,
    table: Table<3>,
}

impl Rows {
    fn new(output: Output) -> Self {
        let columns = [
            Column::number("version"),
            Column::text("key", 60),
            Column::text("value", 2_000),
        ];
        Rows {
            output,
            table: Table::new(columns),
        }
    }

    fn entry(&mut self, entry: &StateEntry) -> Result<(), Failure> {
        match self.output.format {
            Format::Ndjson => self.output.json(&Line::of(entry)),
            Format::Table => {
                let cells = [entry.version.to_string(), entry.key.clone(), shown(&entry.value)];
                self.output.row(&mut self.table, cells)
            }
        }
    }

    fn deletion(&mut self, key: &str, version: u64) -> Result<(), Failure> {
        match self.output.format {
            Format::Ndjson => self
                .output
                .json(&json!({"key": key, "version": version, "deleted": true})),
            Format::Table => {
                let cells = [version.to_string(), key.to_owned(), "(deleted)".to_owned()];
                self.output.row(&mut self.table, cells)
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.output.rows_end(&mut self.table)?;
        self.output.flush()
    }

    fn end(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

/// An entry as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    version: u64,
    changed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a StateEntry) -> Self {
        let json = record::json(&entry.value);
        Line {
            key: &entry.key,
            version: entry.version,
            changed: record::time(entry.changed_at),
            value_base64: json.is_none().then(|| BASE64.encode(&entry.value)),
            value: json,
        }
    }
}
