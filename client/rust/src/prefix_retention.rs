//! How much is kept of the streams whose names begin with a prefix.

use annals_proto::v1 as pb;

use crate::client::Client;
use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::retention::Retention;

/// The most prefixes a page may hold, from the protocol.
const PAGE_PREFIXES: u32 = 1_000;

/// How much is kept of the streams whose names begin with a prefix, as of a version.
///
/// It holds for streams without a count and an age of their own. Of several prefixes of a name the longest counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixRetention {
    /// The prefix.
    pub prefix: String,
    /// The count and the age that are kept; neither: nothing is set. `truncate_before` is always 0.
    pub retention: Retention,
    /// How often it was changed; 0: never.
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
    /// How much is kept of the streams whose names begin with a prefix, as it is set for just this prefix.
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

    /// Sets how much is kept of all streams whose names begin with a prefix and that have no count and no age of their own,
    /// in place of what was set before: one entry for any number of streams. [`Retention::new`] takes it back.
    ///
    /// Fails with [`Error::InvalidField`], also if a retention is set for as many prefixes as can be.
    pub async fn set_prefix_retention(
        &self,
        prefix: impl Into<String>,
        retention: Retention,
    ) -> Result<PrefixRetention> {
        self.set_prefix_retention_at(prefix, retention, None).await
    }

    /// The same, if it is still at the version that the change rests on ([`PrefixRetention::version`]); `None`: whatever it
    /// is.
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

    /// All prefixes for which a retention is set, in the order of their bytes: at most a thousand.
    pub async fn prefix_retentions(&self) -> Result<Vec<PrefixRetention>> {
        let mut retentions = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListPrefixRetentionsRequest {
                page_size: PAGE_PREFIXES,
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
