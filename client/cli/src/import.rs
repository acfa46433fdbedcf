//! `annals import`: appends a file of events, one JSON object per line, to the log.
//!
//! 1. The order of the file is the order in the log: each line is a separate append, all through one pipeline.
//! 2. Importing again adds nothing: ids are given, or derived from the line (see [`line`]).
//! 3. A bad line is reported with its number and reason; the good lines are still imported.
//! 4. A log that is moved ([`Times::Kept`]) keeps its recorded times and its appends (see [`original`]). Nothing can
//!    be inserted before events already written, so the first line that can't be imported ends it.
//! 5. The retention settings of the source store are set at the end (see [`kept`]).
//! 6. A whole log is moved unchanged (see [`whole`]), unless it is renumbered: then 1 to 5 apply to its events.
//! 7. Events of this same store are recognised by their positions (see [`own`]).
//! 8. Memory is bounded by the pipeline's limits, the longest line accepted, and a few bytes for each distinct line
//!    and stream.

mod identity;
mod kept;
mod line;
mod lines;
mod order;
mod original;
mod own;
mod read_ahead;
mod standing;
mod summary;
mod whole;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use annals_client::{
    AppendPipeline, Appended, Client, Error, ExpectedRevision, Limits, PendingAppend, Position, Revision,
    Timestamp,
};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use self::identity::Identities;
use self::kept::Kept;
use self::line::Parsed;
pub use self::line::{Bad, Times, parse as parse_line};
use self::lines::Line;
pub use self::lines::{Lines, is_blank};
use self::original::Original;
use self::own::Own;
use self::read_ahead::{Batch, read_ahead};
use self::standing::Standing;
use self::summary::Summary;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::whole::{self as format, Header};

/// Approximate maximum number of pending results.
const PENDING_MAX: usize = 8_192;

/// Imports a file, and prints a summary. Fails after the import if lines were bad.
pub async fn run(
    client: &Client,
    file: &str,
    times: Times,
    renumber: bool,
    mut output: Output,
) -> Result<(), Failure> {
    let (source, length): (Box<dyn Read + Send>, _) = match file {
        "-" => (Box::new(io::stdin()), None),
        file => {
            let opening = |error| Failure::io(format!("opening {file:?}"), error);
            let opened = File::open(file).map_err(opening)?;
            let length = opened.metadata().map_err(opening)?.len();
            (Box::new(opened), Some(length))
        }
    };
    let name = if file == "-" { "standard input" } else { file };
    // Requested first, so that an unreachable server is detected before the file is read.
    let info = client.server_info().await?;
    let bar = progress::bytes(length);
    let mut batches = read_ahead(source);
    let first = batches.recv().await.unwrap_or_else(|| Ok(Vec::new()));
    let first = first.map_err(|error| Failure::io(format!("reading {name}"), error))?;
    let header = header_of(&first)?;
    let is_own = header
        .as_ref()
        .is_some_and(|header| header.store_id == info.store_id);
    check_use(times, header.as_ref(), renumber, is_own)?;
    if let (Times::Kept, Some(header), false) = (times, header.clone(), renumber) {
        if file != "-" {
            whole::check(file, &info.limits)?;
        }
        let mut summary = Summary {
            moved: Some(0),
            ..Summary::default()
        };
        let whole = whole::Whole {
            client,
            name,
            header,
            limits: info.limits,
            bar: bar.clone(),
            summary: &mut summary,
        };
        let moved = whole.run(first, batches).await;
        bar.finish_and_clear();
        moved?;
        return summary.print(&mut output);
    }
    let mut import = Import::new(name, times, client.append_pipeline(), info.limits, bar.clone());
    import.is_whole = header.is_some();
    match times {
        Times::Kept => import.standing = Some(Standing::of(client).await?),
        Times::InMetadata => import.own = Some(Own::new(client, info.head, is_own)),
    }
    let mut ended = import.take_all(first, batches).await;
    bar.finish_and_clear();
    if ended.is_ok() {
        ended = import.set_kept(client).await;
    }
    import.summary.print(&mut output)?;
    ended?;
    match import.summary.bad {
        0 => Ok(()),
        bad => Err(Failure::BadLines(bad)),
    }
}

/// Returns the header if the first line of the file is that of a whole log.
fn header_of(first: &[Line]) -> Result<Option<Header>, Failure> {
    let text = first.first().and_then(|line| line.text.as_ref().ok());
    let header = text.and_then(|text| format::header(text)).transpose();
    header.map_err(Failure::NotMoved)
}

/// Checks whether the file may be imported with these options.
fn check_use(times: Times, header: Option<&Header>, renumber: bool, is_own: bool) -> Result<(), Failure> {
    let refused = |reason: &str| Err(Failure::NotMoved(reason.to_owned()));
    match (times, header) {
        _ if renumber => Ok(()),
        (Times::Kept, None) => refused(
            "the file is not a whole log with its positions (another file, a part of a log, or an export of an older \
             version); export the log without filters, or accept new positions and revisions with --renumber",
        ),
        (Times::InMetadata, Some(_)) if !is_own => refused(
            "the file is the whole log of another store; move it with --keep-recorded-times, \
             or append its events with new positions, revisions and times with --renumber",
        ),
        _ => Ok(()),
    }
}

/// An append that was given to the pipeline.
struct Sent {
    line: u64,
    stream_hash: u64,
    events: u64,
    /// The position of its first event in the log that is being moved.
    first_position: Option<Position>,
    first_revision: Option<Revision>,
    result: PendingAppend,
}

/// An import in progress.
struct Import<'a> {
    name: &'a str,
    times: Times,
    pipeline: AppendPipeline,
    limits: Limits,
    bar: ProgressBar,
    identities: Identities,
    /// The append of the moved log to which the next events may belong.
    original: Option<Original>,
    /// The events of the moved log that the store already has.
    standing: Option<Standing>,
    /// The events that the store already has of a file that was exported from it.
    own: Option<Own>,
    /// Whether the file is a whole log, which has lines other than events.
    is_whole: bool,
    kept: Kept,
    pending: VecDeque<Sent>,
    /// Hashes of the names of the streams that the file wrote to.
    streams: HashSet<u64>,
    hasher: RandomState,
    summary: Summary,
}

impl<'a> Import<'a> {
    fn new(name: &'a str, times: Times, pipeline: AppendPipeline, limits: Limits, bar: ProgressBar) -> Self {
        Import {
            name,
            times,
            pipeline,
            limits,
            bar,
            identities: Identities::default(),
            original: None,
            standing: None,
            own: None,
            is_whole: false,
            kept: Kept::default(),
            pending: VecDeque::new(),
            streams: HashSet::new(),
            hasher: RandomState::new(),
            summary: Summary {
                moved: (times == Times::Kept).then_some(0),
                ..Summary::default()
            },
        }
    }

    async fn take_all(
        &mut self,
        first: Vec<Line>,
        mut batches: mpsc::Receiver<Batch>,
    ) -> Result<(), Failure> {
        for line in first {
            self.take(line).await?;
        }
        loop {
            let room = self.pending.len() < PENDING_MAX;
            let batch = match self.pending.front_mut() {
                None => batches.recv().await,
                Some(sent) => {
                    tokio::select! {
                        batch = batches.recv(), if room => batch,
                        result = &mut sent.result => {
                            self.answered(result)?;
                            continue;
                        }
                    }
                }
            };
            match batch {
                Some(Ok(lines)) => {
                    for line in lines {
                        self.take(line).await?;
                    }
                }
                Some(Err(error)) => {
                    self.drain().await?;
                    return Err(Failure::io(format!("reading {}", self.name), error));
                }
                None => {
                    self.send_original().await?;
                    return self.drain().await;
                }
            }
        }
    }

    /// Gives a line's event to the pipeline, or reports the problem with the line.
    async fn take(&mut self, line: Line) -> Result<(), Failure> {
        self.bar.inc(line.length_bytes);
        let number = line.number;
        let parsed = match line.text {
            Ok(text) if is_blank(&text) => return Ok(()),
            Ok(text) if self.is_whole && format::is_other(&text) => return Ok(()),
            Ok(text) => parse_line(&text, self.times, |stream, line| {
                self.identities.next(stream, line)
            }),
            Err(length) => Err(Bad::TooLong(length)),
        };
        if let (Ok(parsed), Some(own)) = (&parsed, &mut self.own)
            && own.holds(parsed).await?
        {
            self.note_there(&parsed.stream.clone());
            return Ok(());
        }
        let checked = parsed.and_then(|parsed| {
            line::check_size(&parsed.event, &self.limits)?;
            self.kept.take(parsed)
        });
        match checked {
            Ok(None) => Ok(()),
            Ok(Some(parsed)) => match parsed.recorded_at {
                None => self.send(number, parsed).await,
                Some(recorded_at) => self.collect(number, parsed, recorded_at).await,
            },
            Err(bad) if self.times == Times::Kept => {
                self.send_original().await?;
                self.drain().await?;
                Err(Failure::MoveStopped {
                    line: number,
                    reason: bad.to_string(),
                })
            }
            Err(bad) => {
                self.report(number, &bad.to_string());
                Ok(())
            }
        }
    }

    /// Counts an event that is already in the store.
    fn note_there(&mut self, stream: &str) {
        self.summary.already_there += 1;
        self.streams.insert(self.hasher.hash_one(stream));
        self.summary.streams = self.streams.len();
    }

    /// Appends a line's event in a separate append.
    async fn send(&mut self, line: u64, parsed: Parsed) -> Result<(), Failure> {
        let stream_hash = self.hasher.hash_one(&parsed.stream);
        let taken = self
            .pipeline
            .append(parsed.stream, ExpectedRevision::Any, [parsed.event])
            .await;
        let sent = taken.map(|result| Sent {
            line,
            stream_hash,
            events: 1,
            first_position: None,
            first_revision: None,
            result,
        });
        self.wait_for(line, sent).await
    }

    /// Adds a line's event to its append, which is sent when the next one begins.
    async fn collect(&mut self, line: u64, parsed: Parsed, recorded_at: Timestamp) -> Result<(), Failure> {
        if let Some(standing) = &mut self.standing
            && standing.holds(line, &parsed).await?
        {
            self.note_there(&parsed.stream);
            return Ok(());
        }
        let next = match &mut self.original {
            Some(original) => original.take(parsed, recorded_at, &self.limits),
            None => Some(parsed),
        };
        let Some(next) = next else { return Ok(()) };
        self.send_original().await?;
        self.original = Some(Original::begin(line, next, recorded_at));
        Ok(())
    }

    async fn send_original(&mut self) -> Result<(), Failure> {
        let Some(original) = self.original.take() else {
            return Ok(());
        };
        let stream_hash = self.hasher.hash_one(&original.stream);
        let events = original.events.len() as u64;
        // Any revision, so that the append is recognised by its first id if its original client retries it.
        let (any, at) = (ExpectedRevision::Any, original.recorded_at);
        let taken = self
            .pipeline
            .append_recorded(original.stream, any, original.events, at)
            .await;
        let sent = taken.map(|result| Sent {
            line: original.line,
            stream_hash,
            events,
            first_position: original.first_position,
            first_revision: original.first_revision,
            result,
        });
        self.wait_for(original.line, sent).await
    }

    /// Records that an append waits for its result, if the pipeline accepted it.
    async fn wait_for(&mut self, line: u64, sent: Result<Sent, Error>) -> Result<(), Failure> {
        match sent {
            Ok(sent) => {
                self.pending.push_back(sent);
                Ok(())
            }
            // The first unanswered append has the reason why the pipeline ended.
            Err(source) => {
                self.drain().await?;
                Err(Failure::ImportStopped { line, source })
            }
        }
    }

    async fn drain(&mut self) -> Result<(), Failure> {
        while let Some(sent) = self.pending.front_mut() {
            let result = (&mut sent.result).await;
            self.answered(result)?;
        }
        Ok(())
    }

    /// Processes the result of the oldest append.
    fn answered(&mut self, result: Result<Appended, Error>) -> Result<(), Failure> {
        let Some(sent) = self.pending.pop_front() else {
            return Ok(());
        };
        match result {
            Ok(appended) => {
                match appended.already_appended {
                    true => self.summary.already_there += sent.events,
                    false => self.summary.imported += sent.events,
                }
                if let Some(moved) = &mut self.summary.moved
                    && (sent
                        .first_position
                        .is_some_and(|was| was != appended.first_position)
                        || sent
                            .first_revision
                            .is_some_and(|was| was != appended.first_revision))
                {
                    *moved += sent.events;
                }
                self.streams.insert(sent.stream_hash);
                self.summary.streams = self.streams.len();
                Ok(())
            }
            Err(
                error @ (Error::InvalidField(_)
                | Error::TooLarge(_)
                | Error::EventIdConflict { .. }
                | Error::StreamTombstoned { .. }),
            ) if self.times == Times::InMetadata => {
                self.report(sent.line, &error.to_string());
                Ok(())
            }
            Err(source) => Err(Failure::ImportStopped {
                line: sent.line,
                source,
            }),
        }
    }

    /// Sets the retention settings contained in the file.
    async fn set_kept(&mut self, client: &Client) -> Result<(), Failure> {
        self.summary.kept = std::mem::take(&mut self.kept).set(client).await?;
        Ok(())
    }

    fn report(&mut self, line: u64, reason: &str) {
        self.summary.bad += 1;
        self.bar.suspend(|| eprintln!("{}:{line}: {reason}", self.name));
    }
}
