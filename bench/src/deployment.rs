//! The measured servers: their engine, and how many share its cluster.
//!
//! 1. Several servers share one cluster; the other engines belong to one server.
//! 2. Several servers are compared, under the same load, with one server over a cluster of its own. This shows the
//!    cost of each additional server.

use crate::{Error, Result, engine::Engine};

/// An engine and the number of servers over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deployment {
    engine: Engine,
    servers: usize,
}

impl Deployment {
    /// Returns `servers` servers over `engine`; several need an engine that they can share.
    pub(crate) fn new(engine: Engine, servers: usize) -> Result<Self> {
        if servers > 1 && !engine.is_shared() {
            return Err(Error::NotShared { servers, engine });
        }
        Ok(Self { engine, servers })
    }

    /// Returns one server over `engine`.
    pub(crate) const fn single(engine: Engine) -> Self {
        Self { engine, servers: 1 }
    }

    /// The storage engine.
    pub(crate) const fn engine(self) -> Engine {
        self.engine
    }

    /// Number of servers, 1 or more.
    pub(crate) const fn servers(self) -> usize {
        self.servers
    }

    /// Name of the baseline.
    pub(crate) const fn beside(self) -> &'static str {
        match (self.engine, self.servers) {
            (Engine::Embedded | Engine::Memory, _) => "echo",
            (Engine::FoundationDb, 0 | 1) => "embedded",
            (Engine::FoundationDb, _) => "single",
        }
    }

    /// Describes the deployment for the report.
    pub(crate) fn words(self) -> String {
        let engine = self.engine.words();
        match self.servers {
            1 => engine.to_owned(),
            servers => {
                format!("{engine}, {servers} servers compared with a single one over a cluster of its own")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_servers_share_only_a_cluster() {
        for engine in [Engine::Embedded, Engine::Memory] {
            let error = Deployment::new(engine, 2).unwrap_err();
            assert!(
                matches!(error, Error::NotShared { servers: 2, engine: told } if told == engine),
                "{error}"
            );
            assert!(error.to_string().contains("--engine foundationdb"), "{error}");
            assert_eq!(Deployment::new(engine, 1).unwrap(), Deployment::single(engine));
        }
        assert_eq!(Deployment::new(Engine::FoundationDb, 8).unwrap().servers(), 8);
    }

    #[test]
    fn several_servers_stand_beside_a_single_one_and_that_beside_the_embedded_engine() {
        let beside = |servers| Deployment::new(Engine::FoundationDb, servers).unwrap().beside();
        assert_eq!(
            (beside(1), beside(2), beside(8)),
            ("embedded", "single", "single")
        );
        assert_eq!(Deployment::single(Engine::Embedded).beside(), "echo");
    }
}
