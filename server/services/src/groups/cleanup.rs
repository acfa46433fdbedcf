//! Removes what is left of deleted groups: their scope can have a million entries, so it is removed page by page after
//! the group is deleted, and again after a restart until it is empty.

use std::sync::Arc;

use annals_store::{ListState, StateChange, StateEntry};
use tokio::time::Duration;
use uuid::Uuid;

use super::{
    error::Result,
    shared::Shared,
    stored::{scope_of, scoped, system_scope},
};

/// Pause between two looks for deleted groups, unless one is deleted here.
const PAUSE: Duration = Duration::from_secs(300);
/// Pause between two pages, so that other writes do not wait for many of them in a row.
const STEP: Duration = Duration::from_millis(10);
/// Entries that are removed at a time.
const PAGE: usize = 500;

/// Removes what is left of deleted groups until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let deleted = shared.deleted.notified();
        let round = async {
            if let Err(error) = remove_all(&shared).await {
                tracing::debug!(%error, "what is left of deleted groups was not removed; trying again");
            }
        };
        tokio::select! {
            () = shared.closing() => return,
            () = round => {}
        }
        tokio::select! {
            () = shared.closing() => return,
            () = deleted => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn remove_all(shared: &Shared) -> Result<()> {
    let deleted = system_scope("deleted-groups");
    loop {
        let list = ListState {
            scope: deleted.clone(),
            prefix: String::new(),
            after: None,
            limit: 1,
        };
        let Some(entry) = shared.store.list_state(&list).await?.entries.pop() else {
            return Ok(());
        };
        if let Ok(id) = Uuid::try_parse(entry.key.as_str()) {
            remove(shared, id).await?;
        }
        let done = StateChange {
            entry: scoped(&deleted, entry.key.as_str()),
            value: None,
        };
        shared
            .store
            .write_state(shared.state_write(vec![done], Vec::new())?)
            .await?;
    }
}

async fn remove(shared: &Shared, id: Uuid) -> Result<()> {
    let scope = scope_of(id);
    loop {
        let list = ListState {
            scope: scope.clone(),
            prefix: String::new(),
            after: None,
            limit: PAGE,
        };
        let page = shared.store.list_state(&list).await?;
        if page.entries.is_empty() {
            return Ok(());
        }
        let delete = |entry: StateEntry| StateChange {
            entry: scoped(&scope, entry.key.as_str()),
            value: None,
        };
        let changes = page.entries.into_iter().map(delete).collect();
        shared
            .store
            .write_state(shared.state_write(changes, Vec::new())?)
            .await?;
        tokio::time::sleep(STEP).await;
    }
}
