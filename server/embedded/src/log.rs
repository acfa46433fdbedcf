//! The tail of the log, where commits are written.
//!
//! 1. A record is written and synced before the next one is written. So at most the last record can be torn or lost,
//!    and it was not acknowledged.
//! 2. A record lies in one segment. A record that does not fit into the rest of a segment starts the next one,
//!    however large it is; the header of a segment is synced with its first record.
//! 3. A failed operation is not retried: the writer accepts no more commits (`store`).
//! 4. A small record at the end of the file is followed by zeros, written and synced with it. The next records
//!    overwrite them. Zeros never overwrite a record, because one thread at a time writes both.
//!
//! Why zeros: syncing a file that has grown makes the file system write its own journal too. Where the bytes already
//! exist, syncing a small write takes half to two thirds of the time. Large records have no zeros, because writing
//! them would cost more than that saves.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::change::{Change, Changes, Tip};
use crate::fs::sync;
use crate::location::Location;
use crate::record::Draft;
use crate::segment::{self, Files, HEADER_BYTES, Header, Segment};

/// Zeros after a small record, in bytes: enough for hundreds of them, and written in less than a millisecond. There
/// are no more of them than bytes before them in the segment, so that the log of a small store stays small.
const ZEROS_BYTES: u64 = 256 << 10;
/// Limit on the bytes of a record that is followed by zeros. Writing that many zeros takes about as long as a sync
/// that does not change the length of the file saves: some 60 µs.
const SMALL_BYTES_MAX: u64 = 32 << 10;

pub(crate) struct Log {
    folder: PathBuf,
    files: Arc<Files>,
    /// The id in every segment header of this log; the secret of the checksums is derived from it.
    id: u64,
    segment_bytes: u64,
    /// The segment that is being written.
    pub(crate) active: Arc<Segment>,
    file: File,
    /// Offset of the next record in it.
    pub(crate) end: u64,
    /// Offset up to which the file has records or zeros.
    filled: u64,
    pub(crate) tip: Tip,
    #[cfg(test)]
    pub(crate) fault: Option<crate::tests::fault::Fault>,
}

impl Log {
    /// Continues after the record that ends at `end` of `active`.
    pub(crate) fn resume(
        folder: &Path,
        id: u64,
        segment_bytes: u64,
        active: Arc<Segment>,
        files: Arc<Files>,
        (end, tip): (u64, Tip),
    ) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(active.path())?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Self {
            folder: folder.to_owned(),
            files,
            id,
            segment_bytes,
            active,
            file,
            end,
            filled: end,
            tip,
            #[cfg(test)]
            fault: None,
        })
    }

    /// Writes a record without syncing it. Returns the locations of its values.
    pub(crate) fn append(&mut self, changes: Changes, relaxed: u64) -> io::Result<Vec<Change>> {
        let draft = Draft::new(self.secret(), self.tip, relaxed, &changes);
        if self.end > HEADER_BYTES && self.end + draft.bytes() > self.segment_bytes {
            self.roll_over()?;
        }
        let mut slices = Vec::with_capacity(1 + changes.len());
        slices.push(IoSlice::new(&draft.head));
        let values = changes.iter().filter_map(|(_, value)| value);
        slices.extend(values.map(|value| IoSlice::new(value)));
        self.write(&mut slices)?;
        drop(slices);

        let mut offset = self.end + draft.head.len() as u64;
        self.end += draft.bytes();
        self.fill(draft.bytes())?;
        self.tip = draft.tip;
        let mut crcs = draft.crcs.into_iter();
        let located = changes.into_iter().map(|(key, value)| {
            let left = value.map(|value| {
                let crc = crcs.next().expect("a record has a checksum for each value");
                let location = Location {
                    segment: self.active.number,
                    offset: u32::try_from(offset).expect("a segment is smaller than 4 GiB"),
                    bytes: u32::try_from(value.len()).expect("a value is within the limits of the engine"),
                    crc,
                };
                offset += value.len() as u64;
                (value, location)
            });
            (key, left)
        });
        Ok(located.collect())
    }

    /// Syncs all appended records.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        #[cfg(test)]
        crate::tests::fault::meet(self.fault.as_ref(), 0)?;
        self.file.sync_data()
    }

    /// Starts the next segment. The current one is already synced.
    pub(crate) fn roll_over(&mut self) -> io::Result<()> {
        let number = self.active.number + 1;
        // Cuts off unused zeros. If this fails, only space is lost.
        let _ = self.file.set_len(self.end);
        self.file = create(&self.folder, self.header(number))?;
        self.active.set_bytes(self.end);
        self.active = Arc::new(Segment::open(&self.folder, number, &self.files)?);
        self.end = HEADER_BYTES;
        self.filled = self.end;
        Ok(())
    }

    /// Continues at the beginning of a segment that already exists.
    pub(crate) fn go_on_in(&mut self, segment: Arc<Segment>) -> io::Result<()> {
        self.file = OpenOptions::new().write(true).open(segment.path())?;
        self.active = segment;
        self.end = HEADER_BYTES;
        Ok(())
    }

    /// Cuts off everything after the end, and prepares to write there.
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.sync_all()?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.filled = self.end;
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The header for a segment that starts now.
    pub(crate) fn header(&self, number: u32) -> Header {
        Header {
            log: self.id,
            number,
            tip: self.tip,
        }
    }

    pub(crate) fn secret(&self) -> u32 {
        self.header(0).secret()
    }

    /// Writes zeros after a record of `bytes` bytes if the file has grown by a small one.
    fn fill(&mut self, bytes: u64) -> io::Result<()> {
        if self.end <= self.filled {
            return Ok(());
        }
        self.filled = self.end;
        let to = (self.end + ZEROS_BYTES.min(self.end)).min(self.segment_bytes);
        if bytes <= SMALL_BYTES_MAX && to > self.end {
            // On a full disk there are no zeros. Whether there is room for the next record, writing it shows.
            if self.write_zeros(to - self.end).is_ok() {
                self.filled = to;
            }
            self.file.seek(SeekFrom::Start(self.end))?;
        }
        Ok(())
    }

    fn write_zeros(&mut self, bytes: u64) -> io::Result<()> {
        #[cfg(test)]
        if self.fault.is_some() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(&vec![0; bytes as usize])
    }

    /// Writes all slices one after the other at the end of the file.
    fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        #[cfg(test)]
        crate::tests::fault::meet(self.fault.as_ref(), slices.iter().map(|slice| slice.len()).sum())?;
        // Drops leading empty slices: writing only those would return 0, which is treated as an error.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match self.file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Creates a segment with its header. The folder is synced now, the header with the first record.
pub(crate) fn create(folder: &Path, header: Header) -> io::Result<File> {
    let path = segment::path(folder, header.number);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(&path)?;
    file.write_all(&header.encode())?;
    sync(folder)?;
    Ok(file)
}
