//! A transaction as a value.

use bytes::Bytes;

use crate::{Error, KeyRange, Result, limits};

/// Checks, and the mutations that are applied if all checks hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// All must hold when the mutations are applied.
    pub checks: Vec<Check>,
    /// Applied in this order, so that a later one wins.
    pub mutations: Vec<Mutation>,
    /// Whether the commit must survive a power failure when it returns. A commit that is not durable may become
    /// durable with the next one that is.
    pub durable: bool,
}

/// A key and the value it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The key.
    pub key: Bytes,
    /// Its value; `None`: the key must be absent.
    pub expected: Option<Bytes>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Gives a key a value.
    Set(Bytes, Bytes),
    /// Removes a key, if it exists.
    Clear(Bytes),
    /// Removes every key of a range.
    ClearRange(KeyRange),
}

impl Commit {
    /// An empty durable commit.
    #[must_use]
    pub fn durable() -> Self {
        Self {
            durable: true,
            ..Self::default()
        }
    }

    /// An empty commit that need not survive a power failure.
    #[must_use]
    pub fn relaxed() -> Self {
        Self::default()
    }

    /// Adds a check.
    #[must_use]
    pub fn check(mut self, key: Bytes, expected: Option<Bytes>) -> Self {
        self.checks.push(Check { key, expected });
        self
    }

    /// Adds a mutation that gives `key` a value.
    #[must_use]
    pub fn set(mut self, key: Bytes, value: Bytes) -> Self {
        self.mutations.push(Mutation::Set(key, value));
        self
    }

    /// Adds a mutation that removes `key`.
    #[must_use]
    pub fn clear(mut self, key: Bytes) -> Self {
        self.mutations.push(Mutation::Clear(key));
        self
    }

    /// Adds a mutation that removes every key of `range`.
    #[must_use]
    pub fn clear_range(mut self, range: KeyRange) -> Self {
        self.mutations.push(Mutation::ClearRange(range));
        self
    }

    /// Bytes of keys and values that the commit carries, as the limit of [`limits::COMMIT_BYTES_MAX`] counts them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let checks: usize = self
            .checks
            .iter()
            .map(|c| c.key.len() + c.expected.as_ref().map_or(0, Bytes::len))
            .sum();
        let mutations: usize = self.mutations.iter().map(Mutation::bytes).sum();
        checks + mutations
    }

    /// Rejects a commit that some engine would not accept. Every engine calls it first.
    ///
    /// # Errors
    /// [`Error::TooLarge`] naming the limit.
    pub fn validate(&self) -> Result<()> {
        for check in &self.checks {
            limits::check_key(&check.key)?;
        }
        for mutation in &self.mutations {
            match mutation {
                Mutation::Set(key, value) => {
                    limits::check_key(key)?;
                    limits::check_value(value)?;
                }
                Mutation::Clear(key) => limits::check_key(key)?,
                Mutation::ClearRange(range) => {
                    limits::check_bound(&range.start)?;
                    limits::check_bound(&range.end)?;
                }
            }
        }
        let bytes = self.bytes();
        if bytes > limits::COMMIT_BYTES_MAX {
            return Err(Error::TooLarge(format!(
                "a commit of {bytes} bytes is over the limit of {}",
                limits::COMMIT_BYTES_MAX
            )));
        }
        Ok(())
    }
}

impl Mutation {
    fn bytes(&self) -> usize {
        match self {
            Self::Set(key, value) => key.len() + value.len(),
            Self::Clear(key) => key.len(),
            Self::ClearRange(range) => range.start.len() + range.end.len(),
        }
    }
}
