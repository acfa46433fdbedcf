//! A folder that is removed with its owner.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A new folder. It is removed when this is dropped, or otherwise some seconds after this process has ended, however
/// it ended: a value in a `static` is never dropped, and a killed test drops nothing.
pub(crate) struct Folder {
    path: PathBuf,
    /// Waits for the end of its standard input, which is the end of this process unless it is killed before.
    remover: Child,
}

/// Sleeps for longer than `fdbserver` takes to notice that its parent has ended.
const REMOVES: &str = "cat >/dev/null; sleep 3; rm -rf -- \"$0\"";

impl Folder {
    /// A new folder below `parent`.
    pub(crate) fn below(parent: &Path) -> Self {
        std::fs::create_dir_all(parent).expect("the folder for clusters can be made");
        let path = tempfile::Builder::new()
            .prefix("annals-fdb-")
            .tempdir_in(parent)
            .expect("a folder for a cluster can be made")
            .keep();
        let remover = Command::new("sh")
            .args(["-c", REMOVES])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be started");
        Self { path, remover }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may have ended on its own; removing a missing folder does nothing.
        let _ = self.remover.kill();
        let _ = self.remover.wait();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
