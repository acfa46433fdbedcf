//! `annals retention`, `annals delete` and `annals tombstone`.

use annals_client::{Client, Retention, RetentionInfo, Revision};
use serde_json::json;

use crate::arguments::{self, End, Format, age};
use crate::failure::Failure;
use crate::output::Output;
use crate::prefix;

/// Shows or changes the retention of a stream or of a prefix.
pub async fn run(client: &Client, options: arguments::Retention, mut output: Output) -> Result<(), Failure> {
    let stream = match (&options.stream, &options.prefix) {
        (Some(stream), _) => stream,
        (None, Some(prefix)) => return prefix::run(client, prefix, &options, output).await,
        (None, None) => return prefix::list(client, output).await,
    };
    let now = client.retention(stream).await?;
    let info = if options.only_shows() {
        now
    } else {
        // Unnamed settings keep their values, so the change depends on the version read.
        let version = options.expect_version.unwrap_or(now.version);
        let wanted = changed(&options, now.retention);
        client.set_retention_if_version(stream, wanted, version).await?
    };
    print(&mut output, stream, &info)?;
    output.flush()
}

/// Applies the options to the current retention `now`; settings that are not given keep their values.
pub fn changed(options: &arguments::Retention, now: Retention) -> Retention {
    Retention {
        max_count: options.max_count.or(now.max_count.filter(|_| !options.clear)),
        max_age: options.max_age.or(now.max_age.filter(|_| !options.clear)),
        truncate_before: options.truncate_before.map_or(now.truncate_before, Revision),
    }
}

fn print(output: &mut Output, stream: &str, info: &RetentionInfo) -> Result<(), Failure> {
    let kept = info.retention;
    if output.format == Format::Ndjson {
        return output.json(&json!({
            "stream": stream,
            "max_count": kept.max_count,
            "max_age_seconds": kept.max_age.map(|age| age.as_secs()),
            "truncate_before": kept.truncate_before,
            "version": info.version,
            "tombstoned": info.tombstoned,
        }));
    }
    let mut fields = vec![("stream", stream.to_owned())];
    fields.extend(fields_of(&kept));
    fields.push(("version", info.version.to_string()));
    if info.tombstoned {
        fields.push(("note", "permanently deleted".to_owned()));
    }
    output.fields(&fields)
}

/// Formats retention settings for humans.
pub fn fields_of(kept: &Retention) -> [(&'static str, String); 3] {
    let count = kept
        .max_count
        .map_or_else(|| "any".to_owned(), |count| count.to_string());
    let age = kept.max_age.map_or_else(|| "any".to_owned(), age::show);
    [
        ("max count", count),
        ("max age", age),
        ("truncate before", kept.truncate_before.to_string()),
    ]
}

/// Deletes a stream, and prints its last revision.
pub async fn delete(client: &Client, options: End, mut output: Output) -> Result<(), Failure> {
    let deleted = client.delete_stream(&options.stream, options.expect).await?;
    match output.format {
        Format::Ndjson => output.json(&json!({
            "stream": options.stream,
            "last_revision": deleted.last_revision,
            "position": deleted.position,
            "already_deleted": deleted.already_deleted,
        }))?,
        Format::Table => {
            let mut fields = vec![
                ("deleted", options.stream),
                ("last revision", deleted.last_revision.to_string()),
                ("position", deleted.position.to_string()),
            ];
            if deleted.already_deleted {
                fields.push(("note", "was deleted before: nothing was changed".to_owned()));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}

/// Deletes a stream permanently, and prints the position of the deletion.
pub async fn tombstone(client: &Client, options: End, mut output: Output) -> Result<(), Failure> {
    let tombstoned = client.tombstone_stream(&options.stream, options.expect).await?;
    match output.format {
        Format::Ndjson => output.json(&json!({
            "stream": options.stream,
            "position": tombstoned.position,
            "already_tombstoned": tombstoned.already_tombstoned,
        }))?,
        Format::Table => {
            let mut fields = vec![
                ("permanently deleted", options.stream),
                ("position", tombstoned.position.to_string()),
            ];
            if tombstoned.already_tombstoned {
                fields.push((
                    "note",
                    "was permanently deleted before: nothing was changed".to_owned(),
                ));
            }
            output.fields(&fields)?;
        }
    }
    output.flush()
}
