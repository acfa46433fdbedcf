//! Prepares space ahead of the log's end, on a background thread: zeros where the log will be written next, and the
//! file of the next segment.
//!
//! Why: syncing a file that has grown makes the file system write its own journal too. Where the bytes already exist,
//! syncing a small write takes half to two thirds of the time; and a new file costs a sync of its folder.
//!
//! 1. **Zeros never overwrite a record.** They are written under the lock, after [`Ahead::filled`]; a writer that
//!    writes beyond that point first moves it, also under the lock.
//! 2. Filling only pays while zeros do not compete with records: while the log grows faster than [`FILL_RATE_MAX`],
//!    nothing is filled. Nor is more filled than was written since the start.
//! 3. The writer never waits for more than one write of [`STEP_BYTES`] to the page cache, and never for a sync of
//!    zeros. If nothing was prepared, it does the work itself.
//! 4. A failed sync is final here too: the system may report it only once.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::directory::sync;
use crate::positioned::write_all_at;
use crate::segment;
use crate::store::Store;

/// Zeros kept ahead of the end, in bytes.
const AHEAD_BYTES: u64 = 1 << 20;
/// Filling starts again when fewer bytes than this are left.
const LOW_BYTES: u64 = 512 << 10;
/// Bytes written and synced at a time.
const STEP_BYTES: u64 = 128 << 10;
/// Growth of the log above which nothing is filled, in bytes per second.
const FILL_RATE_MAX: u64 = 24 << 20;
/// Interval over which the growth is measured.
const RATE_INTERVAL: Duration = Duration::from_millis(25);

/// State shared by the writer and the thread.
#[derive(Debug)]
pub(crate) struct Ahead {
    folder: PathBuf,
    segment_bytes: u64,
    /// Offset up to which the active segment is filled or written.
    filled: AtomicU64,
    /// The end of the log in the active segment.
    end: AtomicU64,
    /// Bytes written since the start.
    written: AtomicU64,
    /// Set when the thread was signalled that there is work.
    told: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The active segment.
    active: Option<(u32, Arc<File>)>,
    /// The prepared file of the next segment, empty.
    next: Option<(u32, File)>,
    /// The last segment whose file the thread tried to create.
    tried: Option<u32>,
    /// A segment that ended, and its end: unused zeros after it are truncated.
    ended: Option<(File, u64)>,
    stopped: bool,
}

impl Ahead {
    pub(crate) fn new(folder: &Path, segment_bytes: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            segment_bytes,
            filled: AtomicU64::new(0),
            end: AtomicU64::new(0),
            written: AtomicU64::new(0),
            told: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The writer continues at `end` of a segment, which contains nothing after that offset.
    pub(crate) fn begin(&self, number: u32, end: u64) -> io::Result<()> {
        let file = open(&segment::path(&self.folder, number))?;
        let mut state = self.state.lock();
        let before = state.active.replace((number, Arc::new(file)));
        let ended_at = self.end.swap(end, Ordering::Relaxed);
        self.filled.store(end, Ordering::Release);
        if let Some((before, _)) = before.filter(|(before, _)| *before != number) {
            state.ended = Some((open(&segment::path(&self.folder, before))?, ended_at));
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Takes the file of a segment if it was prepared: empty, and with its folder synced.
    pub(crate) fn take_next(&self, number: u32) -> Option<File> {
        let next = self.state.lock().next.take();
        next.filter(|(prepared, _)| *prepared == number)
            .map(|(_, file)| file)
    }

    /// Called before the writer writes up to `end`.
    pub(crate) fn pass(&self, end: u64) {
        if end > self.filled.load(Ordering::Acquire) {
            // Waits for a write of zeros that is in progress.
            let _state = self.state.lock();
            self.filled.fetch_max(end, Ordering::AcqRel);
        }
    }

    /// Called after the writer wrote `bytes`, up to `end`.
    pub(crate) fn wrote(&self, bytes: u64, end: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        let halfway = self.is_halfway(end) && !self.is_halfway(end - bytes);
        if halfway || self.is_low() && !self.told.swap(true, Ordering::Relaxed) {
            let _state = self.state.lock();
            self.changed.notify_all();
        }
    }

    /// Stops the thread.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn is_low(&self) -> bool {
        let (end, filled) = (
            self.end.load(Ordering::Relaxed),
            self.filled.load(Ordering::Relaxed),
        );
        filled.saturating_sub(end) < LOW_BYTES.min(self.wanted())
    }

    /// True if the next segment is near enough that its file should be prepared.
    fn is_halfway(&self, end: u64) -> bool {
        end > self.segment_bytes / 2
    }

    /// Number of bytes that should be ahead of the end.
    fn wanted(&self) -> u64 {
        let written = self.written.load(Ordering::Relaxed);
        if written < STEP_BYTES {
            0
        } else {
            written.min(AHEAD_BYTES)
        }
    }

    /// The body of the thread.
    pub(crate) fn run(self: Arc<Self>, store: &Weak<Store>) {
        while self.wait() {
            if let Err(error) = self.work() {
                if let Some(store) = store.upgrade() {
                    store.fail_write(&error.to_string());
                }
                return;
            }
        }
    }

    /// Waits until there is work; false: the thread is to stop.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.stopped && !self.has_chores(&state) && !self.told.load(Ordering::Relaxed) {
            self.changed.wait(&mut state);
        }
        !state.stopped
    }

    fn work(&self) -> io::Result<()> {
        self.do_chores();
        if self.told.load(Ordering::Relaxed) && !self.is_fast() {
            while self.fill_step()? {}
        }
        Ok(())
    }

    /// True if the log grows too fast for filling. Measures over the whole interval, doing other chores in it: a
    /// shorter one could fall between two records and see no growth. Until it ends, the writer sends no further
    /// requests for zeros.
    fn is_fast(&self) -> bool {
        let (before, began) = (self.written.load(Ordering::Relaxed), Instant::now());
        let mut state = self.state.lock();
        while !state.stopped
            && !self
                .changed
                .wait_until(&mut state, began + RATE_INTERVAL)
                .timed_out()
        {
            if self.has_chores(&state) {
                drop(state);
                self.do_chores();
                state = self.state.lock();
            }
        }
        self.told.store(false, Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed) - before;
        u128::from(written) * 1_000 > u128::from(FILL_RATE_MAX) * began.elapsed().as_millis().max(1)
    }

    fn has_chores(&self, state: &State) -> bool {
        state.ended.is_some() || self.to_prepare(state).is_some()
    }

    fn do_chores(&self) {
        let ended = self.state.lock().ended.take();
        if let Some((file, end)) = ended {
            // If this fails, only space is lost.
            let _ = file.set_len(end);
        }
        self.prepare();
    }

    /// The segment whose file is to be created: the next one, tried once, when the active one is half full.
    fn to_prepare(&self, state: &State) -> Option<u32> {
        let next = state.active.as_ref().map(|(number, _)| number + 1)?;
        let is_due = self.is_halfway(self.end.load(Ordering::Relaxed)) && state.tried != Some(next);
        is_due.then_some(next)
    }

    fn prepare(&self) {
        let mut state = self.state.lock();
        let Some(next) = self.to_prepare(&state) else {
            return;
        };
        state.tried = Some(next);
        drop(state);
        let path = segment::path(&self.folder, next);
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        // If it cannot be created, the writer finds out and reports it.
        let Ok(file) = made.and_then(|file| sync(&self.folder).map(|()| file)) else {
            return;
        };
        self.state.lock().next = Some((next, file));
    }

    /// Writes and syncs one step of zeros. False: there are enough.
    fn fill_step(&self) -> io::Result<bool> {
        let state = self.state.lock();
        let Some((_, file)) = state.active.as_ref().filter(|_| !state.stopped) else {
            return Ok(false);
        };
        let file = Arc::clone(file);
        let end = self.end.load(Ordering::Relaxed);
        let from = self.filled.load(Ordering::Acquire).max(end);
        let to = (from + STEP_BYTES).min(self.segment_bytes);
        if from >= end + self.wanted() || from >= to {
            return Ok(false);
        }
        let written = write_all_at(&file, &vec![0; (to - from) as usize], from);
        // Even if the write failed: part of it may have reached the file.
        self.filled.store(to, Ordering::Release);
        drop(state);
        // A full disk is left for the writer to report.
        if written.is_err() {
            return Ok(false);
        }
        file.sync_data()?;
        Ok(true)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

#[cfg(test)]
mod tests;
