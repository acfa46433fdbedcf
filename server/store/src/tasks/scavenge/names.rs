//! Lists the streams that may have dead events, in the order of their names: those with settings, internal streams of
//! prefixes, and those on disk to which a prefix's retention may apply.

use std::collections::BTreeSet;

use annals_engine::{Direction, PageLimit};

use crate::{
    format::{keys, wire::Malformed},
    model::error::Result,
    shared::Shared,
    values::name::StreamName,
};

/// Returns the first `count_max` names after `after`; fewer if there are no more. Prefixes are included by the names
/// under which their settings are stored.
pub(super) async fn next(shared: &Shared, after: Option<&str>, count_max: usize) -> Result<Vec<StreamName>> {
    let lifecycles = shared.tail.lifecycles();
    let mut found: BTreeSet<StreamName> = lifecycles.names(after, count_max).into_iter().collect();
    found.extend(lifecycles.filed_prefixes(after, count_max));
    for root in lifecycles.prefix_roots() {
        let is_done = after.is_some_and(|after| after > root.as_str() && !after.starts_with(&root));
        if is_done {
            continue;
        }
        // Roots are in order and do not overlap: names with this root or a later one come after the names found so
        // far.
        let last = found.iter().nth(count_max.saturating_sub(1));
        if last.is_some_and(|last| last.as_str() < root.as_str()) {
            break;
        }
        found.extend(stored(shared, &root, after, count_max).await?);
    }
    Ok(found.into_iter().take(count_max).collect())
}

/// Returns streams in the index on disk. Streams that are only in memory have no event that could be removed.
async fn stored(
    shared: &Shared,
    prefix: &str,
    after: Option<&str>,
    count_max: usize,
) -> Result<Vec<StreamName>> {
    let mut range = keys::names(prefix, after);
    let mut names = Vec::new();
    loop {
        let limit = PageLimit::entries(count_max - names.len());
        let snapshot = shared.engine.snapshot().await?;
        let page = snapshot.range(range.clone(), Direction::Forwards, limit).await?;
        for entry in &page.entries {
            let name = keys::parse_name(&entry.key).ok_or(Malformed("index: key of a name"))?;
            names.push(StreamName::trusted(name));
        }
        match page.rest_of(range, Direction::Forwards) {
            Some(rest) if names.len() < count_max => range = rest,
            _ => return Ok(names),
        }
    }
}
