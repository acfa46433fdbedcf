//! The steps about state.

use annals_client::{Client, Error, StateSubscription};
use serde_json::json;

use super::{Outcome, answers, steps::Step};

/// Performs a step that is not about streams.
pub(super) async fn about_state(client: &Client, step: Step) -> Outcome {
    match step {
        Step::GetState { scope, key } => Ok(match client.get_state(scope, key).await? {
            Some(entry) => json!({"entry": answers::state_entry(&entry)}),
            None => json!({}),
        }),
        Step::ListState {
            scope,
            prefix,
            after,
            page_size,
        } => {
            let mut list = client.list_state(scope).prefix(prefix).after(after);
            if let Some(entries) = page_size {
                list = list.page_size(entries);
            }
            let page = list.await?;
            let entries: Vec<_> = page.entries.iter().map(answers::state_entry).collect();
            Ok(json!({"entries": entries, "has_more": page.has_more, "scope_version": page.scope_version}))
        }
        Step::WriteState { id, changes, checks } => {
            let mut write = super::steps::state_write(changes, checks);
            if let Some(id) = id {
                write = write.id(id);
            }
            let written = client.write_state(write).await?;
            Ok(json!({
                "versions": written.versions,
                "changed_at": written.changed_at.as_microsecond(),
                "already_written": written.already_written,
            }))
        }
        Step::UpdateState { scope, key, data } => {
            let append = |value: Option<&[u8]>| {
                let data = data.as_deref()?;
                Some([value.unwrap_or_default(), data].concat())
            };
            Ok(match client.update_state(scope, key, append).await? {
                Some(version) => json!({"version": version}),
                None => json!({}),
            })
        }
        Step::StateVersionExpired {
            scope,
            version,
            first,
            last,
        } => Err(Error::StateVersionExpired {
            scope,
            version,
            first,
            last,
        }
        .into()),
        other => Err(super::Failure::Unknown(format!("{other:?} is not about state"))),
    }
}

/// Subscribes to a scope.
pub(super) async fn subscribe(
    client: &Client,
    scope: String,
    prefix: String,
    after_version: Option<u64>,
) -> Result<StateSubscription, Error> {
    let mut subscribe = client.subscribe_state(scope).prefix(prefix);
    if let Some(version) = after_version {
        subscribe = subscribe.after_version(version);
    }
    subscribe.await
}
