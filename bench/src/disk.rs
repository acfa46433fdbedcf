//! Measures the cost of one durable write on the disk of the data folder: the lower bound of every append that waits
//! alone.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use crate::{Error, Result, statistics::Summary};

const WRITE_BYTES: usize = 4_096;

/// Returns the median time of appending 4 KiB to a file and waiting until they are on disk (fdatasync).
pub(crate) fn sync_time(folder: &Path, writes: usize) -> Result<Duration> {
    let measure = || -> std::io::Result<Vec<f64>> {
        let mut file = tempfile::tempfile_in(folder)?;
        let bytes = [0x61; WRITE_BYTES];
        let mut seconds = Vec::with_capacity(writes);
        for _ in 0..writes {
            let start = Instant::now();
            file.write_all(&bytes)?;
            file.sync_data()?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(seconds)
    };
    let seconds = measure().map_err(Error::system(format!(
        "write and sync a file in {}",
        folder.display()
    )))?;
    Ok(Duration::from_secs_f64(
        Summary::of(&seconds).map_or(0.0, |summary| summary.median),
    ))
}
