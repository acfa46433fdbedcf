//! Which server leads a group.
//!
//! 1. A server that leads groups has a *session*: an entry in the scope `$servers`, which it writes again every
//!    [`HEARTBEAT`]. So a thousand groups cost no more heartbeats than one.
//! 2. The leader of a group is an entry in the group's scope, with the leader's session. Everything that a leader
//!    writes checks the version of that entry. Another server takes the lead by writing it: from then on, nothing that
//!    the former leader writes has an effect, however late it comes.
//! 3. A session is over when its entry has not changed for [`TIMEOUT`], as seen by one other server, or when it is
//!    gone. No two clocks are compared: each server measures with its own how long it has seen the same version.
//! 4. A leader delivers nothing when its last heartbeat began longer than [`LEASE`] ago, which is less than
//!    [`TIMEOUT`]. So two leaders do not deliver at the same time, unless the clock of one is slower by a fifth.
//! 5. Where only one server uses the store, there are no heartbeats: the lead of an earlier process is taken at once.

use std::sync::Arc;

use annals_store::{EntryName, Error as StoreError, Rejection, StateChange, StateCheck};
use foldhash::HashMap;
use parking_lot::Mutex;
use prost::Message;
use tokio::{
    sync::watch,
    time::{Duration, Instant},
};
use tracing::{info, warn};
use uuid::Uuid;

use super::{
    directory::put,
    error::Result,
    shared::Shared,
    stored::{Group, LEADER, StoredLeader, StoredServer, parse, scoped, system_scope},
};

/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Time for which a heartbeat allows its server to deliver events.
const LEASE: Duration = Duration::from_secs(4);
/// Time without a heartbeat after which a session is over.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most sessions of other servers that are watched. Beyond it, all are watched from the beginning again.
const WATCHED_MAX: usize = 1_000;

/// The session of this server, and what is known of those of other servers.
#[derive(Default)]
pub(super) struct Sessions {
    own: tokio::sync::Mutex<Option<Session>>,
    others: Mutex<HashMap<Uuid, Seen>>,
}

/// When this server first saw a version of another server's entry.
#[derive(Clone, Copy)]
struct Seen {
    version: u64,
    since: Instant,
}

/// A session of this server.
#[derive(Clone)]
pub(super) struct Session {
    pub id: Uuid,
    lease: watch::Receiver<Lease>,
}

/// Until when a session may deliver events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    /// There is no other server.
    Unlimited,
    Until(Instant),
    /// Another server has ended the session.
    Over,
}

impl Session {
    /// Whether the session may deliver events now.
    pub(super) fn holds(&self) -> bool {
        match *self.lease.borrow() {
            Lease::Unlimited => true,
            Lease::Until(until) => Instant::now() < until,
            Lease::Over => false,
        }
    }

    /// Waits until the session was extended, or is over. Returns whether it is over.
    pub(super) async fn changed(&mut self) -> bool {
        let is_gone = self.lease.changed().await.is_err();
        is_gone || *self.lease.borrow() == Lease::Over
    }
}

/// Who leads a group.
pub(super) enum Leads {
    /// This server: with this version of the leader's entry.
    Here { session: Session, version: u64 },
    /// Another one, at this address.
    Elsewhere(String),
}

fn server_entry(id: Uuid) -> EntryName {
    scoped(&system_scope("servers"), &id.simple().to_string())
}

impl Sessions {
    /// Returns who leads a group; this server takes the lead if no server does.
    pub(super) async fn claim(&self, shared: &Arc<Shared>, group: &Group) -> Result<Leads> {
        let session = self.session(shared).await?;
        let leader = group.entry(LEADER);
        loop {
            let found = shared.store.state(&leader).await?.0;
            if let Some(found) = &found
                && shared.is_shared
            {
                let stored: StoredLeader = parse(&found.value)?;
                let other = Uuid::from_slice(&stored.session).unwrap_or_default();
                if other != session.id && self.is_alive(shared, other).await? {
                    return Ok(Leads::Elsewhere(stored.address));
                }
            }
            let value = StoredLeader {
                session: session.id.as_bytes().to_vec(),
                address: shared.address.clone(),
            };
            let check = StateCheck {
                entry: leader.clone(),
                expected: found.map(|found| found.version),
            };
            let write = shared.state_write(vec![put(leader.clone(), value.encode_to_vec())], vec![check])?;
            match shared.store.write_state(write).await {
                Ok(written) => {
                    let version = written.versions[0];
                    return Ok(Leads::Here { session, version });
                }
                // Another server was faster.
                Err(StoreError::Rejected(Rejection::ChecksFailed { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the session of another server is alive. Ends it if it is not.
    async fn is_alive(&self, shared: &Shared, id: Uuid) -> Result<bool> {
        let entry = server_entry(id);
        let Some(found) = shared.store.state(&entry).await?.0 else {
            self.others.lock().remove(&id);
            return Ok(false);
        };
        let seen = {
            let mut others = self.others.lock();
            if others.len() >= WATCHED_MAX {
                others.clear();
            }
            let now = Seen {
                version: found.version,
                since: Instant::now(),
            };
            let seen = others.entry(id).or_insert(now);
            if seen.version != found.version {
                *seen = now;
            }
            *seen
        };
        if seen.since.elapsed() < TIMEOUT {
            return Ok(true);
        }
        let check = StateCheck {
            entry: entry.clone(),
            expected: Some(found.version),
        };
        let write = shared.state_write(vec![StateChange { entry, value: None }], vec![check])?;
        match shared.store.write_state(write).await {
            Ok(_) => {
                info!(session = %id, "another server has stopped answering; its groups get other leaders");
                Ok(false)
            }
            Err(StoreError::Rejected(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the session of this server; begins one if there is none.
    async fn session(&self, shared: &Arc<Shared>) -> Result<Session> {
        let mut own = self.own.lock().await;
        if let Some(session) = own
            .as_ref()
            .filter(|session| *session.lease.borrow() != Lease::Over)
        {
            return Ok(session.clone());
        }
        let id = shared.ids.next();
        let begun = Instant::now();
        let (lease, seen) = watch::channel(Lease::Unlimited);
        if shared.is_shared {
            let value = StoredServer {
                address: shared.address.clone(),
            };
            let write = shared.state_write(vec![put(server_entry(id), value.encode_to_vec())], Vec::new())?;
            let version = shared.store.write_state(write).await?.versions[0];
            lease.send_replace(Lease::Until(begun + LEASE));
            tokio::spawn(beat(Arc::clone(shared), id, version, lease));
        } else {
            // Kept open as long as the server runs.
            tokio::spawn(async move { lease.closed().await });
        }
        let session = Session { id, lease: seen };
        *own = Some(session.clone());
        Ok(session)
    }

    /// Ends the session of this server, so that others need not wait for it.
    pub(super) async fn end(&self, shared: &Shared) {
        let own = self.own.lock().await.take();
        let Some(session) = own.filter(|_| shared.is_shared) else {
            return;
        };
        let change = StateChange {
            entry: server_entry(session.id),
            value: None,
        };
        if let Ok(write) = shared.state_write(vec![change], Vec::new())
            && let Err(error) = shared.store.write_state(write).await
        {
            tracing::debug!(%error, "the session was not ended; other servers notice it after a while");
        }
    }
}

/// Gives up the lead of a group, unless another server has it.
pub(super) async fn release(shared: &Shared, group: &Group, version: u64) {
    let entry = group.entry(LEADER);
    let check = StateCheck {
        entry: entry.clone(),
        expected: Some(version),
    };
    let change = StateChange { entry, value: None };
    if let Ok(write) = shared.state_write(vec![change], vec![check])
        && let Err(error) = shared.store.write_state(write).await
    {
        // Others notice after a while that this server no longer leads.
        tracing::debug!(group = group.name, %error, "the lead was not given up");
    }
}

/// Extends a session until another server has ended it, or this one stops.
async fn beat(shared: Arc<Shared>, id: Uuid, mut version: u64, lease: watch::Sender<Lease>) {
    let value = StoredServer {
        address: shared.address.clone(),
    };
    loop {
        tokio::select! {
            () = shared.closing() => break,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let begun = Instant::now();
        let entry = server_entry(id);
        let check = StateCheck {
            entry: entry.clone(),
            expected: Some(version),
        };
        let Ok(write) = shared.state_write(vec![put(entry, value.encode_to_vec())], vec![check]) else {
            break;
        };
        match shared.write(write, || !shared.is_closing()).await {
            Ok(written) => {
                version = written.versions[0];
                lease.send_replace(Lease::Until(begun + LEASE));
            }
            Err(error) => {
                if !shared.is_closing() {
                    warn!(%error, "another server has taken the groups that this one led");
                }
                break;
            }
        }
    }
    lease.send_replace(Lease::Over);
}
