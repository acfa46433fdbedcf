//! `annals import`: a file of events, one JSON object a line, into the log.
//!
//! 1. The file's order is the log's order: each line is an append of its own, all through one session.
//! 2. Importing again adds nothing: ids are given, or follow from the line (see [`line`]).
//! 3. A bad line is reported with its number and reason, and costs none of the good ones.
//! 4. A log that is moved ([`Times::Kept`]) keeps its recorded times and its appends (see [`original`]). Nothing can be
//!    put before what was written, so the first line that can't be imported ends it.
//! 5. What the store it comes from said of how much is kept is set at the end (see [`kept`]).
//! 6. Memory is bounded by the session's limits, the longest line taken, and a few bytes for each distinct line and stream.

mod identity;
mod kept;
mod line;
mod lines;
mod original;
mod read_ahead;
mod standing;
mod summary;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use annals_client::{
    AppendSession, Appended, Client, Error, ExpectedRevision, Limits, PendingAppend, Timestamp,
};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use self::identity::Identities;
use self::kept::Kept;
use self::line::Parsed;
pub use self::line::{Bad, Times, parse as parse_line};
use self::lines::Line;
pub use self::lines::Lines;
use self::original::Original;
use self::read_ahead::{Batch, read_ahead};
use self::standing::Standing;
use self::summary::Summary;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;

/// Results that may wait to be looked at, about.
const PENDING_MAX: usize = 8_192;

pub async fn run(client: &Client, file: &str, times: Times, mut output: Output) -> Result<(), Failure> {
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
    // Asked first, so that a server that is not there is known before anything is read.
    let limits = client.server_info().await?.limits;
    let bar = progress::bytes(length);
    let standing = match times {
        Times::Kept => Some(Standing::of(client).await?),
        Times::InMetadata => None,
    };
    let mut import = Import::new(name, times, client.append_session(), limits, bar.clone());
    import.standing = standing;
    let mut ended = import.take_all(read_ahead(source)).await;
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

/// An append that was handed to the session.
struct Sent {
    line: u64,
    stream_hash: u64,
    events: u64,
    /// Where its first event stood in the log that is moved.
    first_position: Option<u64>,
    first_revision: Option<u64>,
    result: PendingAppend,
}

/// An import under way.
struct Import<'a> {
    name: &'a str,
    times: Times,
    session: AppendSession,
    limits: Limits,
    bar: ProgressBar,
    identities: Identities,
    /// The append of the log that is moved, of which another event may come.
    original: Option<Original>,
    /// What is there already of the log that is moved.
    standing: Option<Standing>,
    kept: Kept,
    pending: VecDeque<Sent>,
    /// Hashes of the names of the streams that the file wrote to.
    streams: HashSet<u64>,
    hasher: RandomState,
    summary: Summary,
}

impl<'a> Import<'a> {
    fn new(name: &'a str, times: Times, session: AppendSession, limits: Limits, bar: ProgressBar) -> Self {
        Import {
            name,
            times,
            session,
            limits,
            bar,
            identities: Identities::default(),
            original: None,
            standing: None,
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

    async fn take_all(&mut self, mut batches: mpsc::Receiver<Batch>) -> Result<(), Failure> {
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

    /// Hands a line's event to the session, or says what is wrong with it.
    async fn take(&mut self, line: Line) -> Result<(), Failure> {
        self.bar.inc(line.length_bytes);
        let number = line.number;
        let parsed = match line.text {
            Ok(text) if text.iter().all(u8::is_ascii_whitespace) => return Ok(()),
            Ok(text) => parse_line(&text, self.times, |stream, line| {
                self.identities.next(stream, line)
            }),
            Err(length) => Err(Bad::TooLong(length)),
        };
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

    /// Appends a line's event by itself.
    async fn send(&mut self, line: u64, parsed: Parsed) -> Result<(), Failure> {
        let stream_hash = self.hasher.hash_one(&parsed.stream);
        let taken = self
            .session
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

    /// Puts a line's event to those of its append, which is sent when the next begins.
    async fn collect(&mut self, line: u64, parsed: Parsed, recorded_at: Timestamp) -> Result<(), Failure> {
        if let Some(standing) = &mut self.standing
            && standing.holds(line, &parsed).await?
        {
            self.summary.already_there += 1;
            self.streams.insert(self.hasher.hash_one(&parsed.stream));
            self.summary.streams = self.streams.len();
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
        // Any revision: only so is the append known by its first id, should its client send it once more.
        let (any, at) = (ExpectedRevision::Any, original.recorded_at);
        let taken = self
            .session
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

    /// Remembers that an append waits for its answer, if the session took it.
    async fn wait_for(&mut self, line: u64, sent: Result<Sent, Error>) -> Result<(), Failure> {
        match sent {
            Ok(sent) => {
                self.pending.push_back(sent);
                Ok(())
            }
            // Why it is over is told by the first append that was not answered.
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

    /// Takes the result of the oldest append.
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
                let elsewhere = |was: Option<u64>, is: u64| was.is_some_and(|was| was != is);
                if let Some(moved) = &mut self.summary.moved
                    && (elsewhere(sent.first_position, appended.first_position)
                        || elsewhere(sent.first_revision, appended.first_revision))
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

    /// Sets what the file says of how much is kept.
    async fn set_kept(&mut self, client: &Client) -> Result<(), Failure> {
        self.summary.kept = std::mem::take(&mut self.kept).set(client).await?;
        Ok(())
    }

    fn report(&mut self, line: u64, reason: &str) {
        self.summary.bad += 1;
        self.bar.suspend(|| eprintln!("{}:{line}: {reason}", self.name));
    }
}
