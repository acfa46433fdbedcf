//! Reads the cluster file before FoundationDB's client does: the client would wait indefinitely for a file that it
//! cannot use.
//!
//! Its one line is `DESCRIPTION:ID@HOST:PORT,HOST:PORT…`; lines that begin with `#` are comments
//! (<https://apple.github.io/foundationdb/administration.html#cluster-file-format>).

use std::path::Path;

use crate::OpenError;

/// The coordinators that the file names, as text.
pub(crate) fn coordinators(path: &Path) -> Result<String, OpenError> {
    let unusable = |message: String| OpenError::ClusterFile {
        path: path.to_owned(),
        message,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let [line] = lines[..] else {
        return Err(unusable(format!(
            "it has {} lines that are not comments, where one is expected",
            lines.len()
        )));
    };
    let coordinators = line
        .split_once('@')
        .filter(|(name, addresses)| name.contains(':') && addresses.split(',').all(|a| a.contains(':')));
    match coordinators {
        Some((_, addresses)) => Ok(addresses.to_owned()),
        None => Err(unusable(format!(
            "{line:?} is not of the form DESCRIPTION:ID@HOST:PORT,HOST:PORT"
        ))),
    }
}
