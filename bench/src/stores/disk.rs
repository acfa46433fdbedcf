//! A bare file: the limit of the disk for every store.
//!
//! A thread takes all waiting appends, writes them with one call, waits for one fdatasync, and answers. No store that
//! syncs before it answers can be faster with the same bytes, unless it writes fewer of them. It runs in the
//! generator's process, so its CPU time counts as the client's.

use std::{fs::File, io::Write, path::Path, sync::mpsc, thread, time::Duration};

use futures::FutureExt;
use tokio::sync::oneshot;

use super::{Ability, Batch, Client, Setting, Store, Work};
use crate::{
    Error, Result,
    folder::new_folder,
    load::wire::{Append, Message},
    process::Restart,
};

/// A file that is appended to.
pub(super) struct Disk {
    setting: Setting,
    folder: tempfile::TempDir,
    writer: mpsc::Sender<Waiting>,
}

/// Bytes to write, and the channel of the task that waits for them.
struct Waiting {
    bytes: Vec<u8>,
    done: oneshot::Sender<()>,
}

impl Disk {
    pub(super) fn start(data: &Path) -> Result<Self> {
        let folder = new_folder("disk", data)?;
        let path = folder.path().join("bytes");
        let file = File::create(&path).map_err(Error::system(format!("create {}", path.display())))?;
        let (writer, writes) = mpsc::channel();
        thread::spawn(move || write_all(file, &writes));
        let setting = Setting {
            program: "write and fdatasync by the generator itself".to_owned(),
            durable: "an fdatasync before each reply, shared by waiting appends".to_owned(),
            client: "none: the bytes of the requests to Annals are written to a file".to_owned(),
        };
        Ok(Self {
            setting,
            folder,
            writer,
        })
    }
}

/// Writes until all senders are dropped. An error drops the waiting tasks' channels, and they report it.
fn write_all(mut file: File, writes: &mpsc::Receiver<Waiting>) {
    let (mut bytes, mut waiting) = (Vec::new(), Vec::new());
    while let Ok(first) = writes.recv() {
        bytes.clear();
        for write in std::iter::once(first).chain(writes.try_iter()) {
            bytes.extend_from_slice(&write.bytes);
            waiting.push(write.done);
        }
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for done in waiting.drain(..) {
            // An interrupted task no longer waits.
            let _ = done.send(());
        }
    }
}

impl Store for Disk {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        (ability != Ability::Append).then_some("a bare file")
    }

    fn processes(&self) -> Vec<u32> {
        Vec::new()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn clients(&self, count: usize, _: usize) -> Work<'_, Vec<Box<dyn Client>>> {
        async move {
            let client = || -> Box<dyn Client> { Box::new(DiskClient(self.writer.clone())) };
            Ok((0..count).map(|_| client()).collect())
        }
        .boxed()
    }

    fn restart(&mut self, _: Restart) -> Work<'_, Duration> {
        super::lacking()
    }

    fn stop(self: Box<Self>) -> Work<'static, ()> {
        let closed = self.folder.close();
        async move { closed.map_err(Error::system("delete the file")) }.boxed()
    }
}

struct DiskClient(mpsc::Sender<Waiting>);

impl Client for DiskClient {
    fn append(&mut self, batch: Batch) -> Work<'_, u64> {
        async move {
            let mut bytes = Vec::new();
            let append = Append {
                stream: batch.stream,
                revision: batch.revision,
                first: batch.first,
                events: batch.events,
            };
            append.write(&mut bytes);
            let (done, written) = oneshot::channel();
            let failed = || Error::wrong("append", "the file can't be written");
            self.0.send(Waiting { bytes, done }).map_err(|_| failed())?;
            written.await.map_err(|_| failed())?;
            Ok(0)
        }
        .boxed()
    }
}
