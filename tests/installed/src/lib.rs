//! Programs that some tests need and that need not be installed, and declarations of such tests.
//!
//! A test is reported as ignored, with the reason, where its program was not found when it was built. `ANNALS_REQUIRE`
//! (`foundationdb,postgresql`) names programs whose tests then run, and fail: they use [`Needed::expect`].
//!
//! ```text
//! tests_that_need!(foundationdb: a_store_opens_once_its_cluster_is_there);
//!
//! async fn a_store_opens_once_its_cluster_is_there() { … }
//! ```

mod search;

use std::path::PathBuf;

pub use search::{Needed, program, required};

impl Needed {
    /// What [`Needed::find`] finds.
    ///
    /// # Panics
    /// If it is not installed.
    #[must_use]
    pub fn expect(self) -> PathBuf {
        let name = self.name();
        self.find().unwrap_or_else(|| {
            panic!(
                "{name} is not installed, or {} names a missing file; \
                 its tests are ignored unless ANNALS_REQUIRE names it",
                self.variable()
            )
        })
    }
}

/// Declares a test for each of these functions, `async fn()`, which need a program.
#[macro_export]
macro_rules! tests_that_need {
    (foundationdb: $($case:ident),+ $(,)?) => {
        mod with_foundationdb {
            $(
                $crate::needs_foundationdb! {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::$case().await;
                    }
                }
            )+
        }
    };
    (postgresql: $($case:ident),+ $(,)?) => {
        mod with_postgresql {
            $(
                $crate::needs_postgresql! {
                    #[tokio::test]
                    async fn $case() {
                        super::$case().await;
                    }
                }
            )+
        }
    };
    (newer: $($case:ident),+ $(,)?) => {
        mod with_newer {
            $(
                $crate::needs_newer! {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::$case().await;
                    }
                }
            )+
        }
    };
    (newer and foundationdb: $($case:ident),+ $(,)?) => {
        mod with_newer_and_foundationdb {
            $(
                $crate::needs_newer_and_foundationdb! {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::$case().await;
                    }
                }
            )+
        }
    };
    (grpcurl: $($case:ident),+ $(,)?) => {
        mod with_grpcurl {
            $(
                $crate::needs_grpcurl! {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        super::$case().await;
                    }
                }
            )+
        }
    };
}

/// Marks tests that need FoundationDB.
#[cfg(foundationdb)]
#[macro_export]
macro_rules! needs_foundationdb {
    ($($test:item)+) => { $($test)+ };
}

/// Marks tests that need FoundationDB. They are ignored, because it is not installed.
#[cfg(not(foundationdb))]
#[macro_export]
macro_rules! needs_foundationdb {
    ($($test:item)+) => { $(#[ignore = "no fdbserver is installed"] $test)+ };
}

/// Marks tests that need PostgreSQL.
#[cfg(postgresql)]
#[macro_export]
macro_rules! needs_postgresql {
    ($($test:item)+) => { $($test)+ };
}

/// Marks tests that need PostgreSQL. They are ignored, because it is not installed.
#[cfg(not(postgresql))]
#[macro_export]
macro_rules! needs_postgresql {
    ($($test:item)+) => { $(#[ignore = "no PostgreSQL is installed"] $test)+ };
}

/// Marks tests that need grpcurl.
#[cfg(grpcurl)]
#[macro_export]
macro_rules! needs_grpcurl {
    ($($test:item)+) => { $($test)+ };
}

/// Marks tests that need grpcurl. They are ignored, because it is not installed.
#[cfg(not(grpcurl))]
#[macro_export]
macro_rules! needs_grpcurl {
    ($($test:item)+) => { $(#[ignore = "no grpcurl is installed"] $test)+ };
}

/// Marks tests that need the newer server.
#[cfg(newer)]
#[macro_export]
macro_rules! needs_newer {
    ($($test:item)+) => { $($test)+ };
}

/// Marks tests that need the newer server. They are ignored, because it is not built.
#[cfg(not(newer))]
#[macro_export]
macro_rules! needs_newer {
    ($($test:item)+) => { $(#[ignore = "no newer server is built (just build-newer)"] $test)+ };
}

/// Marks tests that need the newer server and FoundationDB.
#[cfg(all(newer, foundationdb))]
#[macro_export]
macro_rules! needs_newer_and_foundationdb {
    ($($test:item)+) => { $($test)+ };
}

/// Marks tests that need the newer server and FoundationDB. They are ignored, because the server is not built.
#[cfg(not(newer))]
#[macro_export]
macro_rules! needs_newer_and_foundationdb {
    ($($test:item)+) => { $(#[ignore = "no newer server is built (just build-newer)"] $test)+ };
}

/// Marks tests that need the newer server and FoundationDB. They are ignored, because FoundationDB is not installed.
#[cfg(all(newer, not(foundationdb)))]
#[macro_export]
macro_rules! needs_newer_and_foundationdb {
    ($($test:item)+) => { $(#[ignore = "no fdbserver is installed"] $test)+ };
}

#[cfg(test)]
mod tests {
    use super::{Needed, required};

    #[test]
    fn what_is_installed_was_known_to_the_build() {
        for needed in Needed::ALL {
            let known = match needed {
                Needed::FoundationDb => cfg!(foundationdb),
                Needed::PostgreSql => cfg!(postgresql),
                Needed::Grpcurl => cfg!(grpcurl),
                Needed::NewerServer => cfg!(newer),
            };
            let name = needed.name();
            let runs = needed.find().is_some() || required().iter().any(|one| one == name);
            assert_eq!(
                known, runs,
                "{name} was installed or removed after the build; run `touch tests/installed/build.rs`"
            );
        }
    }

    #[test]
    fn what_is_required_is_known() {
        // Go and Java are looked for by `scripts/clients`.
        let known = Needed::ALL
            .map(Needed::name)
            .into_iter()
            .chain(["go", "java", ""]);
        let known: Vec<&str> = known.collect();
        for name in required() {
            assert!(
                known.contains(&name.as_str()),
                "ANNALS_REQUIRE names {name:?}, not one of {known:?}"
            );
        }
    }
}
