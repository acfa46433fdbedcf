//! State: small documents beside the log, which change in the same transaction as events.

mod subscription;
mod write;

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::Client;
use crate::connection::StateStub;
use crate::error::{Error, Result};
use crate::event;
use crate::retry::Shared;

pub use subscription::{StateItem, StateSubscription, SubscribeState};
pub use write::{StateWrite, StateWritten};

/// How often [`Client::update_state`] tries again after a conflict.
const UPDATE_TRIES: usize = 64;

/// An entry of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// The entry's key.
    pub key: String,
    /// The entry's value.
    pub value: Bytes,
    /// The number of the scope's change that gave the entry its value.
    pub version: u64,
    /// The time of that change, by the server's clock.
    pub changed_at: Timestamp,
}

impl StateEntry {
    /// Decodes a value that was written as JSON ([`json::to_vec`](crate::json::to_vec)). Fails with [`Error::Json`] if
    /// it is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        event::decode(&self.value, || format!("the entry of state {:?}", self.key))
    }
}

impl TryFrom<pb::StateEntry> for StateEntry {
    type Error = Error;

    fn try_from(entry: pb::StateEntry) -> Result<Self> {
        Ok(StateEntry {
            key: entry.key,
            value: entry.value,
            version: entry.version,
            changed_at: event::parse_time(entry.changed_at.as_ref(), "changed_at")?,
        })
    }
}

/// A page of a scope's entries, in the order of their keys' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePage {
    /// The entries.
    pub entries: Vec<StateEntry>,
    /// Whether more entries follow: list them after the last key.
    pub has_more: bool,
    /// The scope's last version when the page was read. A subscription after the version of the first page receives
    /// what has changed since.
    pub scope_version: u64,
}

/// A page of a scope to be listed: add options, then await it.
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until it is awaited"]
pub struct ListState {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::ListStateRequest,
}

impl ListState {
    /// Lists only entries whose keys begin with this prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request.key_prefix = prefix.into();
        self
    }

    /// Lists only entries whose keys come after this one: the last key of the page before.
    pub fn after(mut self, key: impl Into<String>) -> Self {
        self.request.after_key = key.into();
        self
    }

    /// Sets the maximum number of entries, 1 to 1,000. 100 unless set. A page whose values are large may have fewer.
    pub fn page_size(mut self, entries: u32) -> Self {
        self.request.page_size = Some(entries);
        self
    }
}

impl IntoFuture for ListState {
    type Output = Result<StatePage>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = |mut stub: StateStub| {
                let request = self.request.clone();
                async move { stub.list_state(request).await }
            };
            let page = self.shared.call(self.timeout, call).await?.into_inner();
            Ok(StatePage {
                entries: page
                    .entries
                    .into_iter()
                    .map(TryInto::try_into)
                    .collect::<Result<_>>()?,
                has_more: page.has_more,
                scope_version: page.scope_version,
            })
        })
    }
}

impl Client {
    /// Returns an entry of state; `None` if there is none.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub async fn get_state(
        &self,
        scope: impl Into<String>,
        key: impl Into<String>,
    ) -> Result<Option<StateEntry>> {
        let (scope, key) = (scope.into(), key.into());
        let call = |mut stub: StateStub| {
            let (scope, key) = (scope.clone(), key.clone());
            async move { stub.get_state(pb::GetStateRequest { scope, key }).await }
        };
        let found = self.shared.call(self.timeout, call).await?.into_inner();
        found.entry.map(TryInto::try_into).transpose()
    }

    /// Lists a page of the entries of a scope: add options, then await it.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub fn list_state(&self, scope: impl Into<String>) -> ListState {
        ListState {
            shared: self.shared.clone(),
            timeout: self.timeout,
            request: pb::ListStateRequest {
                scope: scope.into(),
                ..Default::default()
            },
        }
    }

    /// Changes entries of any number of scopes, all or none, if every check holds.
    ///
    /// ```no_run
    /// # use annals_client::{Client, Error, StateWrite};
    /// # async fn example(client: Client) -> Result<(), Error> {
    /// let stock = client.get_state("stock", "apple").await?;
    /// let write = StateWrite::new().put("stock", "apple", "7");
    /// let write = match stock {
    ///     Some(entry) => write.expect_version("stock", "apple", entry.version),
    ///     None => write.expect_absent("stock", "apple"),
    /// };
    /// client.write_state(write).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Retried until the deadline; every attempt sends the same id, so nothing is written twice. The caller can retry
    /// the same [`StateWrite`] as well, for a day.
    ///
    /// Fails also with [`Error::ChecksFailed`], [`Error::StateIdConflict`], [`Error::InvalidField`],
    /// [`Error::TooLarge`].
    pub async fn write_state(&self, write: StateWrite) -> Result<StateWritten> {
        let request = write.into_request();
        let call = |mut stub: StateStub| {
            let request = request.clone();
            async move { stub.write_state(request).await }
        };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }

    /// Reads an entry, gives its value to `change`, and writes the value that this returns, or deletes the entry if it
    /// returns `None`. If the entry has changed meanwhile, does so again. Returns the entry's new version; `None` if
    /// there is no entry now.
    ///
    /// ```no_run
    /// # use annals_client::{Client, Error};
    /// # async fn example(client: Client) -> Result<(), Error> {
    /// let add_one = |value: Option<&[u8]>| {
    ///     let count: u64 = value.map_or(0, |text| String::from_utf8_lossy(text).parse().unwrap_or(0));
    ///     Some((count + 1).to_string())
    /// };
    /// client.update_state("counters", "visits", add_one).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails also with [`Error::InvalidField`], [`Error::TooLarge`], and with [`Error::ChecksFailed`] if others change
    /// the entry all the time.
    pub async fn update_state<V: Into<Bytes>>(
        &self,
        scope: impl Into<String>,
        key: impl Into<String>,
        mut change: impl FnMut(Option<&[u8]>) -> Option<V>,
    ) -> Result<Option<u64>> {
        let (scope, key) = (scope.into(), key.into());
        let mut tries = 0;
        loop {
            let found = self.get_state(&scope, &key).await?;
            let new = change(found.as_ref().map(|entry| &entry.value[..]));
            let is_kept = new.is_some();
            let write = match new {
                Some(value) => StateWrite::new().put(&scope, &key, value),
                None if found.is_none() => return Ok(None),
                None => StateWrite::new().delete(&scope, &key),
            };
            let write = match &found {
                Some(entry) => write.expect_version(&scope, &key, entry.version),
                None => write.expect_absent(&scope, &key),
            };
            match self.write_state(write).await {
                Ok(written) => return Ok(written.versions.first().copied().filter(|_| is_kept)),
                Err(error @ Error::ChecksFailed { .. }) => {
                    tries += 1;
                    if tries == UPDATE_TRIES {
                        return Err(error);
                    }
                    let pause = self
                        .shared
                        .retry
                        .pause_first
                        .mul_f64(rand::random_range(0.0..=1.0));
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Subscribes to a scope: its entries, then their changes, in the order of their versions. Add options, then await
    /// it.
    ///
    /// Fails also with [`Error::InvalidField`], [`Error::StateVersionExpired`], [`Error::StateVersionBeyondEnd`],
    /// [`Error::Overloaded`].
    pub fn subscribe_state(&self, scope: impl Into<String>) -> SubscribeState {
        SubscribeState::new(self.shared.clone(), self.timeout, scope.into())
    }
}
