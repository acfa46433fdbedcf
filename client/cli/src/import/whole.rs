//! Moves a whole log: the store gets the same events at the same positions and revisions, or the import fails.
//!
//! 1. A file is read twice: nothing is sent before all of its lines have been checked. From standard input each line
//!    is checked as it is read; the first bad line ends the import, and the events before it remain as the beginning
//!    of the log.
//! 2. Events that the store already has are not resent.

use std::fs::File;
use std::io::Read;

use annals_client::{Client, Limits, Position, RecordedEvent, TransferPart};
use futures::{StreamExt, stream};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use super::line::Bad;
use super::lines::{Line, Lines, is_blank};
use super::order::Order;
use super::read_ahead::Batch;
use super::summary::Summary;
use crate::failure::Failure;
use crate::whole::{self, Header};

/// Approximate number of bytes of events in a part.
const PART_BYTES: usize = 256 << 10;
/// Maximum number of parts waiting to be sent.
const PARTS_WAITING: usize = 4;

/// A move in progress.
pub struct Whole<'a> {
    pub client: &'a Client,
    pub name: &'a str,
    pub header: Header,
    pub limits: Limits,
    pub bar: ProgressBar,
    pub summary: &'a mut Summary,
}

/// Checks every line of a file before anything is sent.
pub fn check(file: &str, limits: &Limits) -> Result<(), Failure> {
    let opening = |error| Failure::io(format!("opening {file:?}"), error);
    let mut order = Order::default();
    let mut is_first = true;
    for line in Lines::new(Box::new(File::open(file).map_err(opening)?) as Box<dyn Read>) {
        let line = line.map_err(|error| Failure::io(format!("reading {file:?}"), error))?;
        let number = line.number;
        let stopped = |bad: Bad| Failure::NotMoved(format!("line {number}: {bad}"));
        let text = line.text.map_err(|length| stopped(Bad::TooLong(length)))?;
        if is_blank(&text) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            let part = whole::parse(&text).map_err(stopped)?;
            order.take(&part, limits).map_err(stopped)?;
        }
    }
    match order.has_ended() {
        true => Ok(()),
        false => Err(Failure::NotMoved(
            "the export is not complete: its last line is missing; export the log again".to_owned(),
        )),
    }
}

impl Whole<'_> {
    /// Moves the lines after the first.
    pub async fn run(self, first: Vec<Line>, mut batches: mpsc::Receiver<Batch>) -> Result<(), Failure> {
        let (client, source) = (self.client, self.header.store_id);
        let here = client.begin_import(source).await?;
        let known = self.last_event(here).await?;
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let parts = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<TransferPart>| {
            receiver.recv().await.map(|part| (part, receiver))
        });
        // Without a last part the server keeps the parts received and waits for the rest.
        let import = client.import(source, parts.boxed());
        let sending = Sending {
            sender,
            here,
            known,
            order: Order::default(),
            events: Vec::new(),
            bytes: 0,
        };
        let sent = async move {
            // Dropped at the end of this block in any case, so that the call ends as well.
            let mut sending = sending;
            let mut next = Some(Ok(first));
            while let Some(batch) = next {
                let reading = |error| Failure::io(format!("reading {}", self.name), error);
                for line in batch.map_err(reading)? {
                    self.bar.inc(line.length_bytes);
                    sending.take(line, &self.limits, self.summary).await?;
                }
                sending.send_events().await?;
                next = batches.recv().await;
            }
            sending.end().await
        };
        tokio::pin!(import);
        let mut sent = std::pin::pin!(sent);
        let ended = tokio::select! {
            // The server's error explains why nothing more can be sent.
            biased;
            imported = &mut import => return imported.map(|_| ()).map_err(Failure::Client),
            ended = &mut sent => ended,
        };
        match ended {
            Ok(()) => {
                import.await?;
                Ok(())
            }
            Err(failure) => {
                // The parts sent are written before the call ends, with an error that is less specific than this one.
                let _ = import.await;
                Err(failure)
            }
        }
    }

    /// Returns the event at the last position that the store has, if it is not removed.
    async fn last_event(&self, here: Position) -> Result<Option<RecordedEvent>, Failure> {
        if here == Position::START {
            return Ok(None);
        }
        let event = self
            .client
            .read_all()
            .from_position(here)
            .limit(1)
            .await?
            .next()
            .await;
        Ok(event.transpose()?.filter(|event| event.position == here))
    }
}

/// The state of sending the log to the server.
struct Sending {
    sender: mpsc::Sender<TransferPart>,
    /// The last position that the store already has.
    here: Position,
    /// The event at that position.
    known: Option<RecordedEvent>,
    order: Order,
    events: Vec<RecordedEvent>,
    bytes: usize,
}

impl Sending {
    async fn take(&mut self, line: Line, limits: &Limits, summary: &mut Summary) -> Result<(), Failure> {
        let number = line.number;
        let stopped = |bad: Bad| Failure::NotMoved(format!("line {number}: {bad}"));
        let text = line.text.map_err(|length| stopped(Bad::TooLong(length)))?;
        if is_blank(&text) || whole::header(&text).is_some() && number == 1 {
            return Ok(());
        }
        let mut part = whole::parse(&text).map_err(stopped)?;
        self.order.take(&part, limits).map_err(stopped)?;
        summary.scopes = self.order.scopes();
        match &mut part {
            TransferPart::Events(events) => {
                for event in events.drain(..) {
                    self.take_event(event, number, summary).await?;
                }
                return Ok(());
            }
            TransferPart::Gap(gap) if gap.last_position <= self.here => return Ok(()),
            TransferPart::Gap(gap) => gap.first_position = gap.first_position.max(self.here.next()),
            TransferPart::Snapshot(_) => summary.snapshots += 1,
            TransferPart::End(head) if *head < self.here => {
                return Err(stopped(Bad::Order(format!(
                    "the export ends at position {head}, but the store already has this log up to {}; \
                     export it again",
                    self.here
                ))));
            }
            _ => {}
        }
        self.send_events().await?;
        self.send(part).await
    }

    async fn take_event(
        &mut self,
        event: RecordedEvent,
        number: u64,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        summary.note_stream(&event.stream);
        if event.position <= self.here {
            if let Some(known) = self
                .known
                .as_ref()
                .filter(|known| known.position == event.position)
                && known.id != event.id
            {
                return Err(Failure::NotMoved(format!(
                    "line {number}: the store has event {} at position {}, but the export has {}; \
                     this is a different log: move it to an empty store",
                    known.id, event.position, event.id
                )));
            }
            summary.already_there += 1;
            return Ok(());
        }
        summary.imported += 1;
        self.bytes += event.data.len() + event.metadata.len() + 200;
        self.events.push(event);
        if self.bytes >= PART_BYTES {
            self.send_events().await?;
        }
        Ok(())
    }

    async fn send_events(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        let events = std::mem::take(&mut self.events);
        match events.is_empty() {
            true => Ok(()),
            false => self.send(TransferPart::Events(events)).await,
        }
    }

    async fn send(&mut self, part: TransferPart) -> Result<(), Failure> {
        if self.sender.send(part).await.is_err() {
            // The call has ended, and its result is handled first.
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    /// Ends the move after all lines: no more parts are sent.
    async fn end(mut self) -> Result<(), Failure> {
        if self.order.has_ended() {
            return Ok(());
        }
        self.send_events().await?;
        Err(Failure::NotMoved(
            "the export ends before its last line; the part received is stored, and the store accepts no appends \
             until the rest is imported: export the log again, and import that export"
                .to_owned(),
        ))
    }
}
