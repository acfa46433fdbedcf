//! The cores that client and server share. Threads and child processes inherit the affinity of a pinned process.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{Error, Result};

/// Returns the number of cores that this process may use.
pub(crate) fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the cores that this process may use; empty if the system does not report them.
pub(crate) fn allowed() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU)
        .filter(|&core| allowed.is_set(core))
        .collect()
}

/// Restricts this process, and every process it starts later, to the first `count` of its allowed cores.
pub(crate) fn pin_to(count: usize) -> Result<()> {
    let allowed = sched_getaffinity(None).map_err(Error::system("learn which cores this process may use"))?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&core| allowed.is_set(core))
        .collect();
    if count == 0 || count > cores.len() {
        return Err(Error::Usage(format!(
            "--cores is {count}; this process may use 1 to {}",
            cores.len()
        )));
    }
    let mut chosen = CpuSet::new();
    cores[..count].iter().for_each(|&core| chosen.set(core));
    sched_setaffinity(None, &chosen).map_err(Error::system(format!("stay on {count} cores")))
}
