//! Frames as they are stored in the engine: reading them in order, and reading those that hold certain positions.
//!
//! Every read is a page in a snapshot of its own, so that no snapshot outlives what an engine allows. Pages of
//! different snapshots fit together, because only scavenging changes frames, and every position is always covered by
//! exactly one frame.

use std::sync::Arc;

use annals_engine::{Direction, Engine, KeyRange, PageLimit, Pages, Read, Snapshot};

use crate::{
    format::{
        frame::{Assembler, Frame, chunk_count},
        keys,
        wire::Malformed,
    },
    model::error::Result,
    values::position::Position,
};

/// Maximum number of entries in a page of frames: in practice many more than its bytes allow.
const PAGE_ENTRIES_MAX: usize = 10_000;

/// Reads frames from the one that holds `from` on, about `bytes` of them, in a direction. Returns none if there are
/// none.
pub(crate) async fn page(
    engine: &dyn Engine,
    from: Position,
    direction: Direction,
    bytes: usize,
) -> Result<Vec<Frame>> {
    let snapshot = engine.snapshot().await?;
    page_in(&*snapshot, from, direction, bytes).await
}

/// Reads frames as [`page`] does, in a given snapshot.
pub(crate) async fn page_in(
    snapshot: &dyn Snapshot,
    from: Position,
    direction: Direction,
    bytes: usize,
) -> Result<Vec<Frame>> {
    match direction {
        Direction::Forwards => collect(snapshot, keys::frames_from(from), direction, bytes).await,
        Direction::Backwards => {
            // The key of the frame that holds `from` is at or after `from`.
            let mut frames = holding_in(snapshot, &[from]).await?;
            let read: usize = frames.iter().map(|frame| frame.body.len()).sum();
            if read < bytes {
                let range = keys::frames_before(from);
                frames.extend(collect(snapshot, range, direction, bytes - read).await?);
            }
            Ok(frames)
        }
    }
}

async fn collect(
    snapshot: &dyn Snapshot,
    range: KeyRange,
    direction: Direction,
    bytes: usize,
) -> Result<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut assembler = Assembler::default();
    let limit = PageLimit {
        entries: PAGE_ENTRIES_MAX,
        bytes: bytes.max(1),
    };
    let mut pages = Pages::new(range, direction, limit);
    // If a page ends within a large frame, reading continues until the frame is complete.
    while frames.is_empty()
        && let Some(page) = pages.next(snapshot).await?
    {
        for entry in page.entries {
            frames.extend(assembler.push(entry)?);
        }
    }
    Ok(frames)
}

/// Reads the frames that hold these positions, which ascend; each frame once and in order. Returns at least the first
/// frame, and as many more as [`HOLDING_BYTES_MAX`] allows. Frames between neighbouring positions may be included.
/// Positions that no frame holds (after the head) are skipped.
pub(crate) async fn holding(engine: &dyn Engine, positions: &[Position]) -> Result<Vec<Frame>> {
    let snapshot = engine.snapshot().await?;
    holding_in(&*snapshot, positions).await
}

/// Maximum number of positions looked up in one round trip, so that the result is bounded whatever the size of the
/// events.
const HOLDING_POSITIONS_MAX: usize = 64;
/// Bytes of frames after which no further large frame is read.
const HOLDING_BYTES_MAX: usize = 4 << 20;
/// Maximum bytes of frames in one run of neighbouring positions.
const RUN_BYTES_MAX: usize = 512 << 10;
/// Positions at most this far apart are read as one range instead of one by one.
const NEIGHBOURS: u64 = 16;

pub(crate) async fn holding_in(snapshot: &dyn Snapshot, positions: &[Position]) -> Result<Vec<Frame>> {
    let positions = &positions[..positions.len().min(HOLDING_POSITIONS_MAX)];
    let pages = snapshot.read(holding_reads(positions)).await?;
    let mut frames: Vec<Frame> = Vec::new();
    let mut bytes = 0;
    for entry in pages.into_iter().flat_map(|page| page.entries) {
        let (last, chunk) = keys::parse_frame(&entry.key).ok_or(Malformed("frame: key"))?;
        if chunk > 0 || frames.last().is_some_and(|frame| frame.last >= last) {
            continue;
        }
        let frame = if chunk_count(&entry.value)? > 1 {
            if bytes >= HOLDING_BYTES_MAX {
                break;
            }
            whole(snapshot, last).await?
        } else {
            Some(Frame::from_values(last, &[entry.value])?)
        };
        bytes += frame.as_ref().map_or(0, |frame| frame.body.len());
        frames.extend(frame);
    }
    Ok(frames)
}

fn holding_reads(positions: &[Position]) -> Vec<Read> {
    let mut reads = Vec::new();
    for run in positions.chunk_by(|a, b| b.0 - a.0 <= NEIGHBOURS) {
        let (first, last) = (run[0], run[run.len() - 1]);
        if first < last {
            let limit = PageLimit {
                entries: PAGE_ENTRIES_MAX,
                bytes: RUN_BYTES_MAX,
            };
            let range = keys::frames_between(first, last);
            reads.push(Read::range(range, Direction::Forwards, limit));
        }
        // The key of the last position's frame is at or after that position.
        reads.push(Read::first(keys::frames_from(last)));
    }
    reads
}

/// Reads all chunks of a frame.
async fn whole(snapshot: &dyn Snapshot, last: Position) -> Result<Option<Frame>> {
    let frames = collect(
        snapshot,
        keys::frame_chunks(last),
        Direction::Forwards,
        usize::MAX,
    )
    .await?;
    Ok(frames.into_iter().next())
}

/// Shares frames, in the order in which they were read.
pub(crate) fn share(frames: Vec<Frame>) -> Vec<Arc<Frame>> {
    frames.into_iter().map(Arc::new).collect()
}
