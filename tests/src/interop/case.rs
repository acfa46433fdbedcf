//! Reads cases from their files.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of its file, without the extension.
    pub name: String,
    script: Script,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    says: String,
    #[serde(default)]
    needs: Option<Need>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Need {
    /// An engine whose data outlives the server's process.
    Persistence,
}

/// A step of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(rename = "do")]
    pub(super) action: String,
    #[serde(default)]
    pub(super) with: Map<String, Value>,
    #[serde(default)]
    pub(super) by: Option<Role>,
    #[serde(default)]
    pub(super) gives: Option<Value>,
    #[serde(default)]
    pub(super) fails: Option<Value>,
    /// Whether the value of the step must be preserved or refused.
    #[serde(default)]
    pub(super) preserves_or_refuses: bool,
    #[serde(default)]
    pub(super) keep: Map<String, Value>,
}

/// The client that performs a step of a case across languages.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    A,
    B,
    All,
}

impl Case {
    /// All cases, in the order of their names.
    ///
    /// # Panics
    /// If they cannot be read, or a file does not follow the README of the cases.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/cases");
        let entries = fs::read_dir(&folder).expect("the cases' folder can be read");
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("the cases' folder can be read").path())
            .collect();
        paths.sort();
        let cases: Vec<Self> = paths.iter().map(|path| Self::read(path)).collect();
        assert!(!cases.is_empty(), "{} holds no cases", folder.display());
        cases
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().expect("a file has a name").to_string_lossy();
        Self::parse(&name, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Parses a case; returns an error that describes what is wrong with the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let script: Script = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if script.says.is_empty() || script.steps.is_empty() {
            return Err("a case needs a statement (`says`) and steps".to_owned());
        }
        let across = script.steps.iter().any(|step| step.by.is_some());
        for (number, step) in script.steps.iter().enumerate() {
            let by_player = step.action == "kill_server";
            let expectations = [
                step.gives.is_some(),
                step.fails.is_some(),
                step.preserves_or_refuses,
            ];
            let expected = expectations.iter().filter(|expected| **expected).count();
            if expected > 1 {
                return Err(format!("step {number} cannot both give and fail"));
            }
            if !by_player && expected == 0 {
                return Err(format!("step {number} has neither `gives` nor `fails`"));
            }
            if step.preserves_or_refuses && step.action != "json" {
                return Err(format!(
                    "step {number} does not make a value to preserve or to refuse"
                ));
            }
            if across != step.by.is_some() && !by_player {
                return Err(format!("step {number}: either all steps have `by`, or none has"));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            script,
        })
    }

    /// The statement that the case demonstrates.
    #[must_use]
    pub fn says(&self) -> &str {
        &self.script.says
    }

    /// True if two clients play it.
    #[must_use]
    pub fn goes_across(&self) -> bool {
        self.script.steps.iter().any(|step| step.by.is_some())
    }

    /// True if it needs an engine whose data outlives the server's process.
    #[must_use]
    pub fn needs_persistence(&self) -> bool {
        self.script.needs == Some(Need::Persistence)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.script.steps
    }
}
