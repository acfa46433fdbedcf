//! Reading lines while those before them are imported.

use std::io::{self, Read};

use tokio::sync::mpsc;

use super::lines::{Line, Lines};

/// Bytes that are read ahead, about.
const BATCH_BYTES: u64 = 256 << 10;

/// Lines that are read and handed on together.
pub type Batch = io::Result<Vec<Line>>;

/// Reads lines in a thread of its own, because reading standard input blocks. A batch is handed on before that.
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
