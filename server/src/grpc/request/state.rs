//! Parses requests about state.

use annals_proto::v1::{self as pb, state_change::Change, state_check::Expected};
use annals_store::{
    Append, EntryName, Limits, ListState, ScopeName, StateChange, StateCheck, StateKey, StateWrite,
    StateWriteError, SubscribeState,
    limits::{STATE_CHANGES_MAX, STATE_CHECKS_MAX, STATE_PAGE_MAX},
};
use uuid::Uuid;

use super::Invalid;

/// Number of entries in a page unless the client sets it.
const PAGE_DEFAULT: usize = 100;

/// Names of the fields with changes and with checks, in the request that is parsed.
#[derive(Clone, Copy)]
struct Fields {
    changes: &'static str,
    checks: &'static str,
}

const OF_WRITE: Fields = Fields {
    changes: "changes",
    checks: "checks",
};
const OF_APPEND: Fields = Fields {
    changes: "state_changes",
    checks: "state_checks",
};

/// Parses the name of an entry.
pub(crate) fn get_state(request: &pb::GetStateRequest) -> Result<EntryName, Invalid> {
    entry(&request.scope, &request.key)
}

/// Parses the selection of a page of entries.
pub(crate) fn list_state(request: &pb::ListStateRequest) -> Result<ListState, Invalid> {
    let limit = request.page_size.map_or(PAGE_DEFAULT, |size| size as usize);
    if !(1..=STATE_PAGE_MAX).contains(&limit) {
        let problem =
            format!("is {limit}; it must be 1 to {STATE_PAGE_MAX}; leave it out for {PAGE_DEFAULT}");
        return Err(Invalid::field("page_size", problem));
    }
    let after = (!request.after_key.is_empty()).then(|| StateKey::new(&request.after_key));
    Ok(ListState {
        scope: scope(&request.scope)?,
        prefix: prefix(&request.key_prefix)?,
        after: after
            .transpose()
            .map_err(|error| Invalid::name("after_key", &error))?,
        limit,
    })
}

/// Parses a write.
pub(crate) fn write_state(request: pb::WriteStateRequest, limits: &Limits) -> Result<StateWrite, Invalid> {
    let id = match request.id.as_str() {
        "" => Uuid::now_v7(),
        id => Uuid::try_parse(id).map_err(|_| {
            Invalid::field(
                "id",
                "is not a UUID; use a new one for each write, or leave it out",
            )
        })?,
    };
    let (changes, checks) = parts(request.changes, request.checks, OF_WRITE)?;
    StateWrite::new(id, changes, checks, limits).map_err(|error| refused(&error, OF_WRITE))
}

/// Parses a subscription.
pub(crate) fn subscribe_state(request: &pb::SubscribeStateRequest) -> Result<SubscribeState, Invalid> {
    Ok(SubscribeState {
        scope: scope(&request.scope)?,
        prefix: prefix(&request.key_prefix)?,
        after: request.after_version,
    })
}

/// Adds changes and checks of state to an append.
pub(super) fn with_state(
    append: Append,
    changes: Vec<pb::StateChange>,
    checks: Vec<pb::StateCheck>,
    limits: &Limits,
) -> Result<Append, Invalid> {
    let (changes, checks) = parts(changes, checks, OF_APPEND)?;
    append
        .with_state(changes, checks, limits)
        .map_err(|error| refused(&error, OF_APPEND))
}

fn parts(
    changes: Vec<pb::StateChange>,
    checks: Vec<pb::StateCheck>,
    fields: Fields,
) -> Result<(Vec<StateChange>, Vec<StateCheck>), Invalid> {
    // Checked before they are parsed.
    if changes.len() > STATE_CHANGES_MAX {
        let changes = changes.len();
        return Err(refused(&StateWriteError::TooManyChanges { changes }, fields));
    }
    if checks.len() > STATE_CHECKS_MAX {
        let checks = checks.len();
        return Err(refused(&StateWriteError::TooManyChecks { checks }, fields));
    }
    let changes = changes.into_iter().enumerate().map(|(index, wanted)| {
        change(wanted).map_err(|invalid| invalid.under(&format!("{}[{index}]", fields.changes)))
    });
    let changes = changes.collect::<Result<_, _>>()?;
    let checks = checks.into_iter().enumerate().map(|(index, wanted)| {
        check(&wanted).map_err(|invalid| invalid.under(&format!("{}[{index}]", fields.checks)))
    });
    Ok((changes, checks.collect::<Result<_, _>>()?))
}

fn change(change: pb::StateChange) -> Result<StateChange, Invalid> {
    let entry = entry(&change.scope, &change.key)?;
    let value = match change.change {
        Some(Change::Put(value)) => Some(value),
        Some(Change::Delete(())) => None,
        None => return Err(Invalid::field("change", "is not set; set one of put or delete")),
    };
    Ok(StateChange { entry, value })
}

fn check(check: &pb::StateCheck) -> Result<StateCheck, Invalid> {
    let entry = entry(&check.scope, &check.key)?;
    let expected = match check.expected {
        Some(Expected::Absent(())) => None,
        Some(Expected::Version(version)) => Some(version),
        None => {
            return Err(Invalid::field(
                "expected",
                "is not set; set one of absent or version",
            ));
        }
    };
    Ok(StateCheck { entry, expected })
}

fn entry(scope_name: &str, key: &str) -> Result<EntryName, Invalid> {
    Ok(EntryName {
        scope: scope(scope_name)?,
        key: StateKey::new(key).map_err(|error| Invalid::name("key", &error))?,
    })
}

fn scope(name: &str) -> Result<ScopeName, Invalid> {
    ScopeName::new(name).map_err(|error| Invalid::name("scope", &error))
}

fn prefix(prefix: &str) -> Result<String, Invalid> {
    StateKey::check_prefix(prefix).map_err(|error| Invalid::name("key_prefix", &error))?;
    Ok(prefix.to_owned())
}

fn refused(error: &StateWriteError, Fields { changes, checks }: Fields) -> Invalid {
    let problem = error.to_string();
    match error {
        StateWriteError::NoChanges | StateWriteError::TooManyChanges { .. } => {
            Invalid::field(changes, problem)
        }
        StateWriteError::TooManyChecks { .. } => Invalid::field(checks, problem),
        StateWriteError::ValueTooLarge { index, .. } => {
            Invalid::too_large(format!("{changes}[{index}].put"), problem)
        }
        StateWriteError::RepeatedChange { index, .. } => {
            Invalid::field(format!("{changes}[{index}].key"), problem)
        }
        StateWriteError::RepeatedCheck { index, .. } => {
            Invalid::field(format!("{checks}[{index}].key"), problem)
        }
        StateWriteError::ExpectsVersionZero { index } => {
            Invalid::field(format!("{checks}[{index}].version"), problem)
        }
        StateWriteError::TooLarge { .. } => Invalid::too_large(changes, problem),
    }
}
