//! Work ahead of the log's end, by a thread of its own: zeros where it will write next, and the file of the next segment.
//!
//! Why: syncing a file that grew makes the file system write its own journal too. Where the bytes were there before, a small
//! write is synced in half to two thirds of the time; and a new file costs a sync of its folder.
//!
//! 1. **Zeros are never written over a record.** They are written under the lock, behind [`Ahead::filled`]; whoever writes
//!    beyond that point moves it first, under the lock too.
//! 2. It is only worth it as long as zeros do not compete with records: while the log grows by more than
//!    [`FILL_RATE_MAX`], nothing is filled. Nor is more filled than was written since the start.
//! 3. The writer never waits for more than one write of [`STEP_BYTES`] to the page cache, and never for a sync of zeros. If
//!    nothing was prepared, it does what is needed itself.
//! 4. A sync that fails here is the end as everywhere: the system may say it only once.

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

/// Bytes of zeros ahead of the end.
const AHEAD_BYTES: u64 = 1 << 20;
/// With fewer than this it begins to fill again.
const LOW_BYTES: u64 = 512 << 10;
/// Bytes that are written and synced at a time.
const STEP_BYTES: u64 = 128 << 10;
/// Bytes a second.
const FILL_RATE_MAX: u64 = 24 << 20;
/// Over how long the rate is measured.
const RATE_INTERVAL: Duration = Duration::from_millis(25);

/// What the writer and the thread share.
#[derive(Debug)]
pub(crate) struct Ahead {
    folder: PathBuf,
    segment_bytes: u64,
    /// Up to where the active segment was filled, or written.
    filled: AtomicU64,
    /// The end of the log in it.
    end: AtomicU64,
    /// Bytes written since the start.
    written: AtomicU64,
    /// Whether the thread was told that there is something to do.
    told: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The active segment.
    active: Option<(u32, Arc<File>)>,
    /// The file of the next one, empty.
    next: Option<(u32, File)>,
    /// The last one whose file it tried to make.
    tried: Option<u32>,
    /// One that ended, and where: what was filled in vain is given back.
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

    /// The writer goes on at `end` of a segment, in which there is nothing behind that. Returns the file of the one before.
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

    /// The file of a segment, if it was prepared: empty, and its folder is synced.
    pub(crate) fn take_next(&self, number: u32) -> Option<File> {
        let next = self.state.lock().next.take();
        next.filter(|(prepared, _)| *prepared == number)
            .map(|(_, file)| file)
    }

    /// The writer is about to write up to `end`.
    pub(crate) fn pass(&self, end: u64) {
        if end > self.filled.load(Ordering::Acquire) {
            // Waits for zeros that are being written now.
            let _state = self.state.lock();
            self.filled.fetch_max(end, Ordering::AcqRel);
        }
    }

    /// The writer wrote so many bytes, up to `end`.
    pub(crate) fn wrote(&self, bytes: u64, end: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        let halfway = self.is_halfway(end) && !self.is_halfway(end - bytes);
        if halfway || self.is_low() && !self.told.swap(true, Ordering::Relaxed) {
            let _state = self.state.lock();
            self.changed.notify_all();
        }
    }

    /// Ends the thread.
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

    /// Whether the next segment is so near that its file should be there.
    fn is_halfway(&self, end: u64) -> bool {
        end > self.segment_bytes / 2
    }

    /// Bytes that should be ahead.
    fn wanted(&self) -> u64 {
        let written = self.written.load(Ordering::Relaxed);
        if written < STEP_BYTES {
            0
        } else {
            written.min(AHEAD_BYTES)
        }
    }

    /// The thread.
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

    /// Waits until there is something to do; false: it is over.
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

    /// Whether the log grows too fast for zeros. Looks for the whole interval, whatever is to be done meanwhile: between two
    /// records nothing is written, however fast the log grows. Nor is it told of more zeros that are wanted.
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
            // Only space is lost if it stays.
            let _ = file.set_len(end);
        }
        self.prepare();
    }

    /// The segment whose file is to be made, once: when the active one is half full.
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
        // If it can't be made, the writer finds out, and says so.
        let Ok(file) = made.and_then(|file| sync(&self.folder).map(|()| file)) else {
            return;
        };
        self.state.lock().next = Some((next, file));
    }

    /// Writes and syncs some zeros. False: there are enough.
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
        // Even if it failed: some of it may be there.
        self.filled.store(to, Ordering::Release);
        drop(state);
        // A disk that is full is the writer's to find.
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
