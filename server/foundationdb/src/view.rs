//! Reading from a snapshot.

use std::sync::Arc;

use annals_engine::{
    BoxFuture, Direction, Entry, Error, KeyRange, Page, PageLimit, Read, Result, Snapshot as EngineSnapshot,
};
use bytes::{Bytes, BytesMut};
use foundationdb::future::FdbValues;
use foundationdb::options::{StreamingMode, TransactionOption};
use foundationdb::{FdbResult, RangeOption, Transaction};
use futures::future::try_join_all;

use crate::backoff::Backoff;
use crate::fault::{self, Refusal};
use crate::keyspace::Keyspace;
use crate::shared::Shared;

/// Limits on the bytes and entries of a page, whatever is requested, so that a page fits well into a transaction's 5
/// s.
const PAGE_BYTES_MAX: usize = 4 << 20;
const PAGE_ENTRIES_MAX: usize = 100_000;

/// The state that was committed at its transaction's read version.
pub(crate) struct View {
    transaction: Transaction,
    shared: Arc<Shared>,
}

impl View {
    /// Opens a snapshot that sees every commit that has returned.
    pub(crate) async fn open(shared: &Arc<Shared>) -> Result<Self> {
        let doing = "opening a snapshot";
        let step = async {
            let mut backoff = Backoff::new(shared.retry_limit);
            loop {
                let refusal = match shared.transaction().and_then(reading) {
                    Ok(transaction) => match transaction.get_read_version().await {
                        Ok(_) => return Ok(transaction),
                        Err(error) => fault::of_read(doing, error),
                    },
                    Err(refusal) => refusal,
                };
                backoff.after(refusal).await?;
            }
        };
        let transaction = shared.within(doing, step).await?;
        Ok(Self {
            transaction,
            shared: Arc::clone(shared),
        })
    }
}

/// Nothing is written, so there are no own writes to see; nor is data kept in case it is read again.
fn reading(transaction: Transaction) -> std::result::Result<Transaction, Refusal> {
    transaction
        .set_option(TransactionOption::ReadYourWritesDisable)
        .map_err(|error| fault::of_read("opening a snapshot", error))?;
    Ok(transaction)
}

impl EngineSnapshot for View {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            reads.iter().try_for_each(Read::validate)?;
            // All are sent before the first is awaited.
            let answers = try_join_all(reads.iter().map(|read| self.answer(read)));
            self.shared.within("reading", answers).await
        })
    }
}

impl View {
    async fn answer(&self, read: &Read) -> Result<Page> {
        let mut backoff = Backoff::new(self.shared.retry_limit);
        loop {
            let answer = match read {
                Read::Get(key) => self.value(key).await,
                Read::Range { range, .. } if range.is_empty() => return Ok(Page::default()),
                Read::Range {
                    range,
                    direction,
                    limit,
                } => match self.entries(range, *direction, *limit).await {
                    Ok(values) => return page(&values, &self.shared.keyspace, *limit),
                    Err(error) => Err(error),
                },
            };
            match answer {
                Ok(page) => return Ok(page),
                Err(error) => backoff.after(fault::of_read("reading", error)).await?,
            }
        }
    }

    async fn value(&self, key: &Bytes) -> FdbResult<Page> {
        // A snapshot read: it adds no conflict range, because nothing is written.
        let value = self.transaction.get(&self.shared.keyspace.key(key), true).await?;
        let entries = value
            .map(|value| Entry {
                key: key.clone(),
                value: Bytes::copy_from_slice(&value),
            })
            .into_iter()
            .collect();
        Ok(Page { entries, more: false })
    }

    async fn entries(
        &self,
        range: &KeyRange,
        direction: Direction,
        limit: PageLimit,
    ) -> FdbResult<FdbValues> {
        let keyspace = &self.shared.keyspace;
        let (start, end) = (keyspace.key(&range.start), keyspace.key(&range.end));
        let option = RangeOption {
            // FoundationDB treats 0 as no limit. It also counts overhead for each entry, so it may end a page
            // earlier.
            limit: Some(limit.entries.clamp(1, PAGE_ENTRIES_MAX)),
            target_bytes: limit.bytes.clamp(1, PAGE_BYTES_MAX),
            // Everything that the limits allow in one reply.
            mode: StreamingMode::Exact,
            reverse: direction == Direction::Backwards,
            ..RangeOption::from((&start[..], &end[..]))
        };
        self.transaction.get_range(&option, 1, true).await
    }
}

/// The entries of a reply up to the limit, in one buffer.
fn page(values: &FdbValues, keyspace: &Keyspace, limit: PageLimit) -> Result<Page> {
    let mut buffer = BytesMut::new();
    let mut lengths = Vec::with_capacity(values.len());
    for entry in values {
        if !lengths.is_empty() && (lengths.len() >= limit.entries || buffer.len() >= limit.bytes) {
            break;
        }
        let (key, value) = (keyspace.strip(entry.key())?, entry.value());
        buffer.extend_from_slice(key);
        buffer.extend_from_slice(value);
        lengths.push((key.len(), value.len()));
    }
    let more = values.more() || lengths.len() < values.len();
    if more && lengths.is_empty() {
        // The caller needs a key after which to request the next page.
        return Err(Error::Unavailable(
            "FoundationDB returned an empty page of a range, but reported more".to_owned(),
        ));
    }
    let mut rest = buffer.freeze();
    let entries = lengths
        .into_iter()
        .map(|(key, value)| Entry {
            key: rest.split_to(key),
            value: rest.split_to(value),
        })
        .collect();
    Ok(Page { entries, more })
}
