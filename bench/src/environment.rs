//! The environment of a measurement, recorded with the figures.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;

use crate::{Error, Result, cores, disk, filesystem::Filesystem};

/// Enough syncs for a steady median, in a short time.
const SYNCS: usize = 200;

/// Properties of the machine that affect the figures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Environment {
    pub(crate) cpu_model: String,
    /// Number of cores that client and server share.
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) filesystem: String,
    pub(crate) device: String,
    /// Median time of a write and fdatasync of 4 KiB on the filesystem.
    pub(crate) sync_micros: f64,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// Commit of the checkout, with `+changes` if it has local changes. Empty outside a checkout.
    pub(crate) commit: String,
    /// One-minute load average when the benchmark began: above about 0.1, another program is running.
    pub(crate) load_average: f64,
}

/// Creates the folder for data and records the environment. Returns the absolute path, because servers are started
/// from other folders. A `durable` measurement needs a real disk.
pub(crate) fn prepare(data: Option<&Path>, durable: bool) -> Result<(PathBuf, Environment)> {
    let data = match data {
        Some(data) => data.to_owned(),
        None => default_data()?,
    };
    std::fs::create_dir_all(&data).map_err(Error::system(format!("make the folder {}", data.display())))?;
    let data = data
        .canonicalize()
        .map_err(Error::system(format!("find the folder {}", data.display())))?;
    let filesystem = Filesystem::of(&data)?;
    if durable && filesystem.is_memory() {
        return Err(Error::NotADisk {
            folder: data,
            kind: filesystem.kind,
        });
    }
    let environment = Environment::look(&data, &filesystem)?;
    eprintln!("{}", environment.line());
    if cfg!(debug_assertions) {
        eprintln!("warning: the figures of a debug build are meaningless; build with --release");
    }
    Ok((data, environment))
}

/// Cargo's target folder, if this program is in one: version control ignores it, and it is usually on a disk.
fn default_data() -> Result<PathBuf> {
    let program = std::env::current_exe().map_err(Error::system("find this program's own file"))?;
    let products = program
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    match products {
        Some(folder) => Ok(folder.join("tmp")),
        None => std::env::current_dir().map_err(Error::system("find the current folder")),
    }
}

impl Environment {
    /// Records the environment; takes about as long as 200 fsyncs.
    pub(crate) fn look(data: &Path, filesystem: &Filesystem) -> Result<Self> {
        let first = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let load = first("/proc/loadavg");
        Ok(Self {
            cpu_model: field(&first("/proc/cpuinfo"), "model name")
                .unwrap_or("unknown CPU")
                .to_owned(),
            cores: cores::available(),
            memory_gib: field(&first("/proc/meminfo"), "MemTotal")
                .and_then(kib)
                .unwrap_or(0.0)
                / 1_048_576.0,
            filesystem: filesystem.kind.clone(),
            device: filesystem.device.clone(),
            sync_micros: disk::sync_time(data, SYNCS)?.as_secs_f64() * 1e6,
            kernel: first("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: env!("ANNALS_BENCH_RUSTC").to_owned(),
            commit: commit(),
            load_average: load
                .split(' ')
                .next()
                .and_then(|one| one.parse().ok())
                .unwrap_or(0.0),
        })
    }

    /// Formats the environment as one line.
    pub(crate) fn line(&self) -> String {
        let commit = if self.commit.is_empty() {
            String::new()
        } else {
            format!(", commit {}", self.commit)
        };
        format!(
            "{}, {} cores for client and server, {:.0} GiB, {} on {} (write + fdatasync of 4 KiB: {:.0} us), Linux {}, \
             {}{commit}, load before {:.2}",
            self.cpu_model,
            self.cores,
            self.memory_gib,
            self.filesystem,
            self.device,
            self.sync_micros,
            self.kernel,
            self.rustc,
            self.load_average,
        )
    }
}

/// Returns the value of `name : value` in a file of /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kib(value: &str) -> Option<f64> {
    value.strip_suffix("kB")?.trim().parse().ok()
}

/// Returns the commit of the checkout in which the benchmark runs.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match (
        git(&["rev-parse", "--short", "HEAD"]),
        git(&["status", "--porcelain"]),
    ) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit}+changes"),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_name() {
        let text = "model\t\t: 85\nmodel name\t: Some CPU @ 2.00GHz\n";
        assert_eq!(field(text, "model name"), Some("Some CPU @ 2.00GHz"));
        assert_eq!(field(text, "name"), None);
    }

    #[test]
    fn memory_is_read_in_kibibytes() {
        assert_eq!(kib("24576000 kB"), Some(24_576_000.0));
        assert_eq!(kib("24576000"), None);
    }
}
