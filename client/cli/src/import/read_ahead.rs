//! Reads lines while earlier ones are being imported.

use std::io::{self, Read};

use tokio::sync::mpsc;

use super::lines::{Line, Lines};

/// Approximate number of bytes to read ahead.
const BATCH_BYTES: u64 = 256 << 10;

/// Lines that are read and sent together.
pub type Batch = io::Result<Vec<Line>>;

/// Reads lines in a separate thread, because reading standard input blocks. Sends a batch before a read that could
/// block.
pub fn read_ahead(source: Box<dyn Read + Send>) -> mpsc::Receiver<Batch> {
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
