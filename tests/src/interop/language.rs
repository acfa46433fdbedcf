//! The languages of the clients, and which of them take part.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// A language with a client or a program of Annals.
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
    /// The languages with a client. They play the cases.
    pub const WITH_CLIENTS: [Self; 3] = [Self::Rust, Self::Python, Self::TypeScript];

    /// The language's name in `ANNALS_CLIENTS`.
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

    /// The command that runs a program of this language in a folder of the repository; `None` for languages whose
    /// programs are built.
    pub(super) fn interpreted(self, arguments: &[&str], folder: &str) -> Option<Command> {
        let interpreter = match self {
            Self::Python => repository().join("client/python/.venv/bin/python"),
            Self::TypeScript => PathBuf::from("node"),
            Self::Rust | Self::Go | Self::Java => return None,
        };
        let mut command = Command::new(interpreter);
        command.args(arguments).current_dir(repository().join(folder));
        Some(command)
    }

    /// The command that performs steps in this language; `None` for Rust, whose steps run in this process.
    pub(super) fn performer(self) -> Option<Command> {
        match self {
            Self::Python => self.interpreted(&["-m", "tests.interop"], "client/python"),
            Self::TypeScript => self.interpreted(&["dist/test/interop/main.js"], "client/typescript"),
            Self::Rust => None,
            Self::Go | Self::Java => unreachable!("they have no client, so they play no cases"),
        }
    }

    /// The languages that take part in what several languages do together: those that `ANNALS_CLIENTS` names
    /// (`rust,python`). By default only Rust, because the others need dependencies that `just test-clients` installs.
    ///
    /// # Panics
    /// If it names a language that has no client.
    #[must_use]
    pub fn taking_part() -> Vec<Self> {
        let named = env::var("ANNALS_CLIENTS").unwrap_or_else(|_| Self::Rust.name().to_owned());
        let language = |name: &str| {
            let language = Self::WITH_CLIENTS
                .into_iter()
                .find(|one| one.name() == name.trim());
            language.unwrap_or_else(|| panic!("ANNALS_CLIENTS names {name:?}, which has no client"))
        };
        named.split(',').map(language).collect()
    }
}
