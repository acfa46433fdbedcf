//! What the figures depend on besides the code, recorded with them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;

use crate::{Error, Result, cores, disk, filesystem::Filesystem};

/// Enough that their median is steady, and a moment's work.
const SYNCS: usize = 200;

/// The machine, as far as it matters.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Environment {
    pub(crate) cpu_model: String,
    /// Cores that client and server share.
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) filesystem: String,
    pub(crate) device: String,
    /// Median of write and fdatasync of 4 KiB on it.
    pub(crate) sync_micros: f64,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// With `+changes` if the checkout has some. Empty outside of one.
    pub(crate) commit: String,
    /// One minute's load when the benchmark began: above a tenth or so, something else runs too.
    pub(crate) load_average: f64,
}

/// Makes the folder for data, looks at the machine, and says what it is. Gives the whole path, because servers are started
/// from other folders. What is to be `durable` needs a real disk.
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
        eprintln!("warning: this is a debug build, its figures mean nothing; build with --release");
    }
    Ok((data, environment))
}

/// Cargo's target folder, if this program lies in one: it is ignored by version control and as a rule on a disk.
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
    /// Looks at the machine; takes about as long as 200 fsyncs.
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

    /// One line for people.
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

/// The value of `name : value` in the files of /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kib(value: &str) -> Option<f64> {
    value.strip_suffix("kB")?.trim().parse().ok()
}

/// The commit of the checkout that the benchmark is run in.
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
