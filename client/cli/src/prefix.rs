//! `annals retention` for prefixes.

use annals_client::{Client, PrefixRetention};
use serde_json::{Value, json};

use crate::arguments::{self, Format};
use crate::failure::Failure;
use crate::output::Output;
use crate::retention::{changed, fields_of};

/// Shows or sets the retention of the streams with a prefix.
pub async fn run(
    client: &Client,
    prefix: &str,
    options: &arguments::Retention,
    mut output: Output,
) -> Result<(), Failure> {
    let now = client.prefix_retention(prefix).await?;
    let kept = if options.only_shows() {
        now
    } else {
        // Unnamed settings keep their values, so the change depends on the version read.
        let version = options.expect_version.unwrap_or(now.version);
        let wanted = changed(options, now.retention);
        client.set_prefix_retention_at(prefix, wanted, version).await?
    };
    print(&mut output, &kept)?;
    output.flush()
}

/// Shows all prefixes that have a retention.
pub async fn list(client: &Client, mut output: Output) -> Result<(), Failure> {
    for kept in client.prefix_retentions().await? {
        print(&mut output, &kept)?;
    }
    output.flush()
}

fn print(output: &mut Output, kept: &PrefixRetention) -> Result<(), Failure> {
    if output.format == Format::Ndjson {
        return output.json(&described(kept));
    }
    let [count, age, _] = fields_of(&kept.retention);
    output.fields(&[
        ("prefix", kept.prefix.clone()),
        count,
        age,
        ("version", kept.version.to_string()),
    ])
}

fn described(kept: &PrefixRetention) -> Value {
    json!({
        "prefix": kept.prefix,
        "max_count": kept.retention.max_count,
        "max_age_seconds": kept.retention.max_age.map(|age| age.as_secs()),
        "version": kept.version,
    })
}
