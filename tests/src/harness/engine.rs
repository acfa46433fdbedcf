//! The engines on which cases are run.

/// An engine of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Data is lost when the server ends.
    Memory,
    /// Files in the server's data folder.
    Embedded,
    /// A store in a FoundationDB cluster.
    FoundationDb,
}

impl Engine {
    /// The engine's name, as passed to `--engine` and reported by the server.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Embedded => "embedded",
            Self::FoundationDb => "foundationdb",
        }
    }

    /// True if data outlives the server's process.
    #[must_use]
    pub const fn persists(self) -> bool {
        !matches!(self, Self::Memory)
    }
}

/// Runs each of these functions, `async fn(Server)`, on a server of each engine.
#[macro_export]
macro_rules! on_every_engine {
    ($($case:ident),+ $(,)?) => {
        $crate::on_engine!(memory, Memory, $($case),+);
        $crate::on_engine!(embedded, Embedded, $($case),+);
        $crate::on_engine!(foundationdb, FoundationDb, $($case),+);
    };
}

/// Like `on_every_engine!`, for functions that end the server's process and start it again on its data.
#[macro_export]
macro_rules! on_every_engine_that_persists {
    ($($case:ident),+ $(,)?) => {
        $crate::on_engine!(embedded_restarted, Embedded, $($case),+);
        $crate::on_engine!(foundationdb_restarted, FoundationDb, $($case),+);
    };
}

/// A module of tests that run these functions on one engine. They are ignored where it is not installed.
#[doc(hidden)]
#[macro_export]
macro_rules! on_engine {
    ($module:ident, FoundationDb, $($case:ident),+) => {
        mod $module {
            $(
                $crate::needs_foundationdb! {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::$case($crate::harness::Server::start($crate::harness::Engine::FoundationDb)).await;
                    }
                }
            )+
        }
    };
    ($module:ident, $engine:ident, $($case:ident),+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case($crate::harness::Server::start($crate::harness::Engine::$engine)).await;
                }
            )+
        }
    };
}
