//! A disk that fails on demand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Bytes that can still be written. A larger write fails and makes this negative, after which syncs fail too.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Arc<AtomicI64>);

impl Fault {
    pub(crate) fn after(bytes: i64) -> Self {
        Self(Arc::new(AtomicI64::new(bytes)))
    }
}

/// Fails if the disk is full.
pub(crate) fn meet(fault: Option<&Fault>, bytes: usize) -> io::Result<()> {
    let Some(Fault(left)) = fault else { return Ok(()) };
    let before = left.fetch_sub(bytes as i64, Ordering::Relaxed);
    if before < bytes as i64 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}
