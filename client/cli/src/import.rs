//! `annals import`: a file of events, one JSON object a line, into the log.
//!
//! 1. The file's order is the log's order: each line is an append of its own, all through one session.
//! 2. Importing again adds nothing: ids are given, or follow from the line (see [`line`]).
//! 3. A bad line is reported with its number and reason, and costs none of the good ones.
//! 4. Memory is bounded by the session's limits, the longest line taken, and a few bytes for each distinct line and stream.

mod identity;
mod line;
mod lines;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use annals_client::{AppendSession, Appended, Client, Error, ExpectedRevision, Limits, PendingAppend};
use indicatif::ProgressBar;
use serde_json::json;
use tokio::sync::mpsc;

use self::identity::Identities;
use self::line::{Bad, Parsed};
use self::lines::{Line, Lines};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;

/// Bytes that are read ahead, about.
const BATCH_BYTES: u64 = 256 << 10;
/// Results that may wait to be looked at, about.
const PENDING_MAX: usize = 8_192;

pub async fn run(client: &Client, file: &str, mut output: Output) -> Result<(), Failure> {
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
    let mut import = Import::new(name, client.append_session(), limits, bar.clone());
    let ended = import.take_all(read_ahead(source)).await;
    bar.finish_and_clear();
    import.summary.print(&mut output)?;
    ended?;
    match import.summary.bad {
        0 => Ok(()),
        bad => Err(Failure::BadLines(bad)),
    }
}

/// Lines that are read and handed on together.
type Batch = io::Result<Vec<Line>>;

/// Reads lines in a thread of its own, because reading standard input blocks. A batch is handed on before that.
fn read_ahead(source: Box<dyn Read + Send>) -> mpsc::Receiver<Batch> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut lines = Lines::new(source);
        loop {
            let (mut batch, mut batch_bytes) = (Vec::new(), 0);
            while batch.is_empty() || (lines.more_at_hand() && batch_bytes < BATCH_BYTES) {
                match lines.next() {
                    Some(Ok(line)) => {
                        batch_bytes += line.length_bytes;
                        batch.push(line);
                    }
                    Some(Err(error)) => {
                        let _ = sender
                            .blocking_send(Ok(batch))
                            .and_then(|()| sender.blocking_send(Err(error)));
                        return;
                    }
                    None => {
                        let _ = sender.blocking_send(Ok(batch));
                        return;
                    }
                }
            }
            if sender.blocking_send(Ok(batch)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What an import did.
#[derive(Debug, Default)]
struct Summary {
    imported: u64,
    already_there: u64,
    bad: u64,
    streams: usize,
}

impl Summary {
    fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let Summary {
            imported,
            already_there,
            bad,
            streams,
        } = self;
        match output.format {
            Format::Ndjson => output.json(&json!({
                "imported": imported, "already_there": already_there, "bad": bad, "streams": streams,
            }))?,
            Format::Table => output.line(&format!(
                "imported {imported}, already there {already_there}, bad {bad}; streams {streams}"
            ))?,
        }
        output.flush()
    }
}

/// An append that was handed to the session.
struct Sent {
    line: u64,
    stream_hash: u64,
    result: PendingAppend,
}

/// An import under way.
struct Import<'a> {
    name: &'a str,
    session: AppendSession,
    limits: Limits,
    bar: ProgressBar,
    identities: Identities,
    pending: VecDeque<Sent>,
    /// Hashes of the names of the streams that the file wrote to.
    streams: HashSet<u64>,
    hasher: RandomState,
    summary: Summary,
}

impl<'a> Import<'a> {
    fn new(name: &'a str, session: AppendSession, limits: Limits, bar: ProgressBar) -> Self {
        Import {
            name,
            session,
            limits,
            bar,
            identities: Identities::default(),
            pending: VecDeque::new(),
            streams: HashSet::new(),
            hasher: RandomState::new(),
            summary: Summary::default(),
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
                None => return self.drain().await,
            }
        }
    }

    /// Hands a line's event to the session, or says what is wrong with it.
    async fn take(&mut self, line: Line) -> Result<(), Failure> {
        self.bar.inc(line.length_bytes);
        let number = line.number;
        let parsed = match line.text {
            Ok(text) if text.iter().all(u8::is_ascii_whitespace) => return Ok(()),
            Ok(text) => line::parse(&text, &mut self.identities),
            Err(length) => Err(Bad::TooLong(length)),
        };
        let checked = parsed.and_then(|parsed| {
            line::check_size(&parsed.event, &self.limits)?;
            Ok(parsed)
        });
        let Parsed { stream, event } = match checked {
            Ok(parsed) => parsed,
            Err(bad) => {
                self.report(number, &bad.to_string());
                return Ok(());
            }
        };
        let stream_hash = self.hasher.hash_one(&stream);
        match self.session.append(stream, ExpectedRevision::Any, [event]).await {
            Ok(result) => {
                self.pending.push_back(Sent {
                    line: number,
                    stream_hash,
                    result,
                });
                Ok(())
            }
            // Why it is over is told by the first append that was not answered.
            Err(error) => {
                self.drain().await?;
                Err(Failure::ImportStopped {
                    line: number,
                    source: error,
                })
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
                    true => self.summary.already_there += 1,
                    false => self.summary.imported += 1,
                }
                self.streams.insert(sent.stream_hash);
                self.summary.streams = self.streams.len();
                Ok(())
            }
            Err(error @ (Error::InvalidField(_) | Error::TooLarge(_) | Error::EventIdConflict { .. })) => {
                self.report(sent.line, &error.to_string());
                Ok(())
            }
            Err(source) => Err(Failure::ImportStopped {
                line: sent.line,
                source,
            }),
        }
    }

    fn report(&mut self, line: u64, reason: &str) {
        self.summary.bad += 1;
        self.bar.suspend(|| eprintln!("{}:{line}: {reason}", self.name));
    }
}
