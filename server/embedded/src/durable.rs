//! The durable mark: the last record of the log that is known to be durable, kept in its own file beside the log.
//!
//! ```text
//! DIR/store/durable   two slots of 512 bytes, at 0 and at 4096; the valid one with the greater count is the mark
//! slot      0  magic        8   "anldurab"
//!           8  log          8   id of the log (`segment`)
//!          16  count        8   number of writes to this file
//!          24  sequence     8   of the last durable record
//!          32  checksum     4   of that record
//!          36  flags        4   1: a loss was accepted and is not settled, 2: there is a head
//!          40  head length  4
//!          44  head         value of the head key as of that record ([`crate::Settings::head_key`])
//!         508  crc          4   CRC-32 of the slot up to here
//! ```
//!
//! Numbers are little-endian.
//!
//! 1. **The mark is never ahead of the log.** It is written after a record is synced, and after the relaxed commits
//!    that the record depends on are synced. So a log that ends before its mark has lost something.
//! 2. **It costs no sync.** A commit writes 512 bytes to the page cache. They survive the death of the process, so
//!    after kill -9 the mark is exact. They are synced with every fold and at a clean stop, so after a power failure
//!    the mark is at least that of the last fold.
//! 3. **A torn write leaves the previous mark**, because writes alternate between the slots.
//! 4. While an accepted loss is not settled, the mark does not move: after a crash in that time, the next start finds
//!    the loss again.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::change::Tip;
use crate::fs::{read_exact_at, write_all_at};

const MAGIC: [u8; 8] = *b"anldurab";
const SLOT_BYTES: usize = 512;
const SLOTS_AT: [u64; 2] = [0, 4_096];
const HEAD_AT: usize = 44;
const CRC_AT: usize = SLOT_BYTES - 4;
/// A longer head is not kept; a loss is then reported without it.
const HEAD_BYTES_MAX: usize = CRC_AT - HEAD_AT;

const UNSETTLED: u32 = 1;
const HAS_HEAD: u32 = 2;

/// The state that is known to be durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The last durable record.
    pub(crate) tip: Tip,
    /// The value of the head key as of that record.
    pub(crate) head: Option<Bytes>,
    /// Whether a loss was accepted that is not settled yet.
    pub(crate) unsettled: bool,
}

/// The file of the mark.
#[derive(Debug)]
pub(crate) struct Durable {
    file: File,
    log: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Number of writes so far.
    count: u64,
    /// True while the mark must not move.
    frozen: bool,
}

impl Durable {
    /// Creates the file with the mark of a log. Syncs the file, but not its folder.
    pub(crate) fn create(path: &Path, log: u64, mark: &Mark) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        // Written in full, so that later writes change no metadata except the modification time.
        write_all_at(&file, &[0; SLOTS_AT[1] as usize + SLOT_BYTES], 0)?;
        let durable = Self::of(file, log, 0);
        durable.write(mark)?;
        durable.file.sync_all()?;
        Ok(durable)
    }

    /// Opens the file and reads the mark. `None`: the file is missing, or no slot of it is valid for this log.
    pub(crate) fn open(path: &Path, log: u64) -> io::Result<Option<(Self, Mark)>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut newest: Option<(u64, Mark)> = None;
        for at in SLOTS_AT {
            let mut slot = [0; SLOT_BYTES];
            match read_exact_at(&file, &mut slot, at) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                Err(error) => return Err(error),
            }
            if let Some((count, mark)) = decode(&slot, log)
                && newest.as_ref().is_none_or(|(newest, _)| *newest < count)
            {
                newest = Some((count, mark));
            }
        }
        Ok(newest.map(|(count, mark)| (Self::of(file, log, count), mark)))
    }

    fn of(file: File, log: u64, count: u64) -> Self {
        let state = Mutex::new(State { count, frozen: false });
        Self { file, log, state }
    }

    /// Moves the mark, unless it is frozen. The caller has synced the record.
    pub(crate) fn advance(&self, mark: &Mark) -> io::Result<()> {
        if self.state.lock().frozen {
            return Ok(());
        }
        self.write(mark)
    }

    /// Sets the mark to a record that is known to have been durable, and keeps it there until [`Self::settle`].
    pub(crate) fn freeze(&self, mark: &Mark) -> io::Result<()> {
        self.write(&Mark {
            unsettled: true,
            ..mark.clone()
        })?;
        self.state.lock().frozen = true;
        self.sync()
    }

    /// Sets the mark to the end of the log, and lets it follow the log again.
    pub(crate) fn settle(&self, mark: &Mark) -> io::Result<()> {
        self.write(mark)?;
        self.state.lock().frozen = false;
        self.sync()
    }

    /// Syncs the mark.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, mark: &Mark) -> io::Result<()> {
        let mut state = self.state.lock();
        state.count += 1;
        let slot = encode(self.log, state.count, mark);
        write_all_at(&self.file, &slot, SLOTS_AT[(state.count % 2) as usize])
    }
}

fn encode(log: u64, count: u64, mark: &Mark) -> [u8; SLOT_BYTES] {
    let head = mark.head.as_ref().filter(|head| head.len() <= HEAD_BYTES_MAX);
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let flags = flag(mark.unsettled, UNSETTLED) | flag(head.is_some(), HAS_HEAD);
    let head = head.map_or(&[][..], |head| head);
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(&MAGIC);
    slot[8..16].copy_from_slice(&log.to_le_bytes());
    slot[16..24].copy_from_slice(&count.to_le_bytes());
    slot[24..32].copy_from_slice(&mark.tip.sequence.to_le_bytes());
    slot[32..36].copy_from_slice(&mark.tip.checksum.to_le_bytes());
    slot[36..40].copy_from_slice(&flags.to_le_bytes());
    slot[40..44].copy_from_slice(&(head.len() as u32).to_le_bytes());
    slot[HEAD_AT..HEAD_AT + head.len()].copy_from_slice(head);
    let crc = crc32fast::hash(&slot[..CRC_AT]);
    slot[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    slot
}

/// Returns the count and the mark of a slot; `None`: it is not valid.
fn decode(slot: &[u8; SLOT_BYTES], log: u64) -> Option<(u64, Mark)> {
    let word = |at: usize| u32::from_le_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    if slot[..8] != MAGIC || long(8) != log || crc32fast::hash(&slot[..CRC_AT]) != word(CRC_AT) {
        return None;
    }
    let flags = word(36);
    let head = slot.get(HEAD_AT..HEAD_AT.checked_add(word(40) as usize)?)?;
    let mark = Mark {
        tip: Tip {
            sequence: long(24),
            checksum: word(32),
        },
        head: (flags & HAS_HEAD != 0).then(|| Bytes::copy_from_slice(head)),
        unsettled: flags & UNSETTLED != 0,
    };
    Some((long(16), mark))
}

#[cfg(test)]
mod tests;
