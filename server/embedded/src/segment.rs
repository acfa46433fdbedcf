//! The files of the log: segments, numbered from 1.
//!
//! ```text
//! segment    header, records (`record`), zeros or nothing
//! header      0  magic       8   "annalog1"
//!             8  log         8   id, drawn when the store was created; the secret of its checksums
//!            16  number      4   of the segment
//!            20  checksum    4   of the last record before this segment
//!            24  sequence    8   of that record
//!            32  crc         4   CRC-32 of the header up to here
//! ```
//!
//! Numbers are little-endian.
//!
//! 1. A byte before the end of the log never changes.
//! 2. A file that is given up is deleted when it has no more readers: when the last [`Segment`] for it is dropped.
//! 3. At most [`OPEN_FILES_MAX`] files are open for reading, however many segments there are.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::change::Tip;
use crate::fs::read_exact_at;

/// Bytes of a segment's header.
pub(crate) const HEADER_BYTES: u64 = 36;
const MAGIC: [u8; 8] = *b"annalog1";

/// Files kept open for reading.
const OPEN_FILES_MAX: usize = 256;

/// The segments of a moment, by number.
pub(crate) type Segments = Arc<BTreeMap<u32, Arc<Segment>>>;

/// A file of the log.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    /// Identifies it among the open files: a number may be used again after an unacknowledged tail was cut off.
    id: u64,
    path: PathBuf,
    /// Length of the readable part.
    bytes: AtomicU64,
    given_up: AtomicBool,
    files: Arc<Files>,
}

/// The contents of a segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) log: u64,
    pub(crate) number: u32,
    /// The record that the first record of the segment follows.
    pub(crate) tip: Tip,
}

impl Header {
    pub(crate) fn encode(self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.log.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.tip.checksum.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.tip.sequence.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment; `None`: it has no intact one.
    pub(crate) fn read(segment: &Segment) -> io::Result<Option<Self>> {
        if segment.bytes() < HEADER_BYTES {
            return Ok(None);
        }
        let bytes = segment.read(0, HEADER_BYTES)?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if bytes[..8] != MAGIC || crc32fast::hash(&bytes[..32]) != word(32) {
            return Ok(None);
        }
        Ok(Some(Self {
            log: long(8),
            number: word(16),
            tip: Tip {
                checksum: word(20),
                sequence: long(24),
            },
        }))
    }

    /// The initial value of record checksums.
    pub(crate) fn secret(self) -> u32 {
        (self.log ^ (self.log >> 32)) as u32
    }
}

impl Segment {
    /// Opens a segment whose file exists.
    pub(crate) fn open(folder: &Path, number: u32, files: &Arc<Files>) -> io::Result<Self> {
        let path = path(folder, number);
        let bytes = fs::metadata(&path)?.len();
        Ok(Self {
            number,
            id: files.clock.fetch_add(1, Ordering::Relaxed),
            path,
            bytes: AtomicU64::new(bytes),
            given_up: AtomicBool::new(false),
            files: Arc::clone(files),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Reads `bytes` bytes at `offset`.
    pub(crate) fn read(&self, offset: u64, bytes: u64) -> io::Result<Bytes> {
        let mut buffer = vec![0; bytes as usize];
        read_exact_at(&*self.files.get(self)?, &mut buffer, offset)?;
        Ok(buffer.into())
    }

    /// Marks the file for deletion once it has no more readers.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.files.open.lock().remove(&self.id);
        if self.given_up.load(Ordering::Acquire) {
            // If this fails, the next start deletes the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Files that are open for reading.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By [`Segment::id`], each with the time of its last use.
    open: Mutex<HashMap<u64, (Arc<File>, u64)>>,
    clock: AtomicU64,
}

impl Files {
    fn get(&self, segment: &Segment) -> io::Result<Arc<File>> {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut open = self.open.lock();
        if let Some((file, used)) = open.get_mut(&segment.id) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(&segment.path)?);
        if open.len() >= OPEN_FILES_MAX {
            let oldest = open.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                open.remove(&oldest);
            }
        }
        open.insert(segment.id, (Arc::clone(&file), now));
        Ok(file)
    }
}

/// The path of a segment's file.
pub(crate) fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:010}.seg"))
}

/// The numbers of the segments in a folder, in order.
pub(crate) fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
