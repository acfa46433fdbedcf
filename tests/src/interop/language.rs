//! Which clients there are, and which take part.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
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

    /// Runs a program of this language in a folder of the repository; `None` for languages whose programs are built.
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

    /// What performs steps in this language; `None` for Rust, whose steps are performed here.
    pub(super) fn performer(self) -> Option<Command> {
        match self {
            Self::Python => self.interpreted(&["-m", "tests.interop"], "client/python"),
            Self::TypeScript => self.interpreted(&["dist/test/interop/main.js"], "client/typescript"),
            Self::Rust => None,
            Self::Go | Self::Java => unreachable!("they have no client, so they play no cases"),
        }
    }

    /// Whether it takes part: if `ANNALS_CLIENTS` names it (`rust,python`). Unless that is set, Rust's alone, because the others
    /// need what `just test-clients` installs. If not, standard error has been told.
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

/// Written, not printed: what a test prints is held back unless it fails.
fn say(line: &str) {
    use std::io::Write;
    // Nobody may be listening.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
