//! Retention of all streams whose names start with a prefix.

use annals_proto::v1 as pb;

use crate::client::Client;
use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::retention::Retention;

/// Maximum number of prefixes on a page, from the protocol.
const PAGE_PREFIXES: u32 = 1_000;

/// The retention of the streams whose names start with a prefix, at a version.
///
/// It applies to streams without a count and an age of their own. If several prefixes match a name, the longest one
/// applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixRetention {
    /// The prefix.
    pub prefix: String,
    /// The count and the age limits; with neither, nothing is set. `truncate_before` is always 0.
    pub retention: Retention,
    /// The number of changes; 0: never changed.
    pub version: u64,
}

impl PrefixRetention {
    fn of(retention: Option<pb::PrefixRetention>) -> Result<Self> {
        let kept = retention.ok_or_else(|| Error::protocol("the retention of a prefix is missing"))?;
        Ok(PrefixRetention {
            prefix: kept.prefix,
            retention: kept.retention.unwrap_or_default().try_into()?,
            version: kept.version,
        })
    }
}

impl Client {
    /// Returns the retention set for exactly this prefix.
    pub async fn prefix_retention(&self, prefix: impl Into<String>) -> Result<PrefixRetention> {
        let request = pb::GetPrefixRetentionRequest {
            prefix: prefix.into(),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.get_prefix_retention(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        PrefixRetention::of(answer.into_inner().retention)
    }

    /// Sets the retention of all streams whose names start with a prefix and that have no count and no age of their
    /// own, replacing the previous setting. It is stored as one entry for any number of streams. [`Retention::new`]
    /// removes the setting.
    ///
    /// Fails with [`Error::InvalidField`], also if the maximum number of prefixes has been reached.
    pub async fn set_prefix_retention(
        &self,
        prefix: impl Into<String>,
        retention: Retention,
    ) -> Result<PrefixRetention> {
        self.set_prefix_retention_at(prefix, retention, None).await
    }

    /// Sets the retention of a prefix if it is still at `expected_version`, the [`PrefixRetention::version`] that the
    /// change is based on. `None` accepts any version.
    ///
    /// Fails also with [`Error::PrefixVersionConflict`].
    pub async fn set_prefix_retention_at(
        &self,
        prefix: impl Into<String>,
        retention: Retention,
        expected_version: impl Into<Option<u64>>,
    ) -> Result<PrefixRetention> {
        let request = pb::SetPrefixRetentionRequest {
            prefix: prefix.into(),
            retention: Some(retention.into()),
            expected_version: expected_version.into(),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.set_prefix_retention(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        PrefixRetention::of(answer.into_inner().retention)
    }

    /// Returns all prefixes with a retention, in the order of their bytes; at most 1,000.
    pub async fn prefix_retentions(&self) -> Result<Vec<PrefixRetention>> {
        let mut retentions = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListPrefixRetentionsRequest {
                page_size: Some(PAGE_PREFIXES),
                page_token,
            };
            let call = |mut stub: Stub| {
                let request = request.clone();
                async move { stub.list_prefix_retentions(request).await }
            };
            let page = self.shared.call(self.timeout, call).await?.into_inner();
            for retention in page.retentions {
                retentions.push(PrefixRetention::of(Some(retention))?);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(retentions);
            }
        }
    }
}
