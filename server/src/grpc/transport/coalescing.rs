//! Coalesces small writes to a connection.
//!
//! A result wakes its connection, and the runtime polls it next, before the other results that the same commit has
//! woken. Each result would then be a write, a system call, and usually a packet of its own. So before it writes, a
//! connection yields once and goes to the back of the run queue.
//!
//! The yield may wake another thread of the runtime, so it is only done while it pays off: after a wait that added
//! nothing to the pending bytes, some writes are sent without waiting, and more of them after each further wait in
//! vain.

use std::task::{Context, Poll};

/// Bytes from which a write is worth sending without waiting.
const LARGE_BYTES: usize = 8 << 10;
/// The most doublings of the number of writes that are sent without waiting.
const DOUBLINGS_MAX: u32 = 6;

/// Decides whether a write waits for more bytes.
#[derive(Debug, Default)]
pub(super) struct Coalescing {
    /// Number of pending bytes when the wait began.
    waiting: Option<usize>,
    /// Consecutive waits that added nothing.
    in_vain: u32,
    /// Number of writes to send without waiting.
    at_once: u32,
}

impl Coalescing {
    /// Returns ready when a write of this many bytes should be sent now.
    pub(super) fn poll_wait(&mut self, cx: &Context<'_>, bytes: usize) -> Poll<()> {
        if let Some(before) = self.waiting.take() {
            self.in_vain = if bytes > before {
                0
            } else {
                (self.in_vain + 1).min(DOUBLINGS_MAX)
            };
            self.at_once = (1 << self.in_vain) - 1;
            return Poll::Ready(());
        }
        if bytes >= LARGE_BYTES {
            return Poll::Ready(());
        }
        if let Some(left) = self.at_once.checked_sub(1) {
            self.at_once = left;
            return Poll::Ready(());
        }
        self.waiting = Some(bytes);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ready(coalescing: &mut Coalescing, bytes: usize) -> bool {
        coalescing
            .poll_wait(&Context::from_waker(std::task::Waker::noop()), bytes)
            .is_ready()
    }

    #[test]
    fn waits_before_each_write_as_long_as_more_comes_meanwhile() {
        let mut coalescing = Coalescing::default();
        for _ in 0..10 {
            assert!(!is_ready(&mut coalescing, 10));
            assert!(is_ready(&mut coalescing, 20));
        }
    }

    #[test]
    fn waits_less_often_when_nothing_comes() {
        let mut coalescing = Coalescing::default();
        let waits = (0..1_000).filter(|_| !is_ready(&mut coalescing, 10)).count();
        assert!((10..30).contains(&waits), "{waits}");
        // A wait that added bytes makes each write wait again.
        while is_ready(&mut coalescing, 10) {}
        assert!(is_ready(&mut coalescing, 20));
        assert!(!is_ready(&mut coalescing, 10));
    }

    #[test]
    fn what_is_large_goes_out_at_once() {
        let mut coalescing = Coalescing::default();
        assert!(is_ready(&mut coalescing, LARGE_BYTES));
        // This also holds if the write was small when the wait began.
        assert!(!is_ready(&mut coalescing, 10));
        assert!(is_ready(&mut coalescing, LARGE_BYTES));
    }
}
