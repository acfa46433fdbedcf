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

    /// True if it takes part: if `ANNALS_CLIENTS` names it (`rust,python`). By default only Rust does, because the
    /// others need dependencies that `just test-clients` installs. If it does not take part, that was written to
    /// standard error.
    #[must_use]
    pub fn takes_part(self) -> bool {
        let named = env::var("ANNALS_CLIENTS").unwrap_or_else(|_| Self::Rust.name().to_owned());
        let takes_part = named.split(',').any(|one| one.trim() == self.name());
        if !takes_part {
            let name = self.name();
            say(&format!(
                "SKIPPED: {name}, because ANNALS_CLIENTS does not name it; `just test-clients` does\n"
            ));
        }
        takes_part
    }
}

/// Written directly, because the test harness captures printed output of tests that pass.
fn say(line: &str) {
    use std::io::Write;
    // Standard error may be closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
