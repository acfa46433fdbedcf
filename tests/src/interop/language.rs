//! Which clients there are, and which take part.

use std::{
    env,
    path::{Path, PathBuf},
};

/// A language that Annals has a client or a program of its own in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// client/rust.
    Rust,
    /// client/python.
    Python,
    /// client/typescript.
    TypeScript,
    /// client/go: stubs and a program.
    Go,
    /// client/java: stubs and a program.
    Java,
}

/// The repository's folder.
#[must_use]
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are a folder of the repository")
}

impl Language {
    /// Those that have a client, and so play the cases.
    pub const WITH_CLIENTS: [Self; 3] = [Self::Rust, Self::Python, Self::TypeScript];

    /// What `ANNALS_CLIENTS` calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    /// The interpreter of programs of this language, and what it is given first; `None` for those that have none.
    #[must_use]
    pub fn interpreter(self) -> Option<PathBuf> {
        match self {
            Self::Python => Some(repository().join("client/python/.venv/bin/python")),
            Self::TypeScript => Some(PathBuf::from("node")),
            Self::Rust | Self::Go | Self::Java => None,
        }
    }

    /// The file that performs steps in this language.
    pub(super) fn performer(self) -> PathBuf {
        match self {
            Self::Python => repository().join("client/python/tests/interop.py"),
            Self::TypeScript => repository().join("client/typescript/dist/test/interop.js"),
            Self::Rust | Self::Go | Self::Java => unreachable!("only called for clients that are processes"),
        }
    }

    /// Whether it takes part: if `ANNALS_CLIENTS` names it (`rust,python`), or if that is not set and it is installed and built
    /// here. Otherwise standard error has been told.
    #[must_use]
    pub fn takes_part(self) -> bool {
        let name = self.name();
        let (takes_part, why) = match env::var("ANNALS_CLIENTS") {
            Ok(named) => (
                named.split(',').any(|one| one.trim() == name),
                "ANNALS_CLIENTS does not name it".to_owned(),
            ),
            Err(_) => (
                self.is_ready(),
                "it is not installed and built here: `just test-clients` does that".to_owned(),
            ),
        };
        if !takes_part {
            say(&format!("SKIPPED: {name}, because {why}\n"));
        }
        takes_part
    }

    fn is_ready(self) -> bool {
        match self {
            Self::Rust => true,
            Self::Python => self.interpreter().is_some_and(|path| path.exists()),
            Self::TypeScript => self.performer().exists(),
            // Their tests fetch what they need, which only those who name them have asked for.
            Self::Go | Self::Java => false,
        }
    }
}

/// Written, not printed: what a test prints is held back unless it fails.
fn say(line: &str) {
    use std::io::Write;
    // Nobody may be listening.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
