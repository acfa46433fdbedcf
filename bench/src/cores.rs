//! The cores that client and server share. A pinned process passes the pinning on to its threads and children.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{Error, Result};

/// How many cores this process may run on.
pub(crate) fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Which they are. None if the system does not say.
pub(crate) fn allowed() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU)
        .filter(|&core| allowed.is_set(core))
        .collect()
}

/// Keeps this process, and what it starts from here on, on the first `count` of the cores it may run on.
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
