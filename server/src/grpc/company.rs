//! Answers that go out together.
//!
//! An answer wakes its connection, which the runtime runs next, before the other answers that the same commit has woken. Each
//! would be a write, a system call, and mostly a packet of its own. So before it writes, a connection goes once to the back of
//! the queue of what is ready to run.
//!
//! That may wake another thread of the runtime, so it is only done as long as it brings something: after a wait that added
//! nothing to what is written, some writes go out at once, and more of them the longer nothing comes of it.

use std::task::{Context, Poll};

/// What is this large is worth a write of its own.
const LARGE_BYTES: usize = 8 << 10;
/// Doublings of the number of writes that go out at once.
const DOUBLINGS_MAX: u32 = 6;

/// Whether to wait for company.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// How much there was to write when the wait began.
    waiting: Option<usize>,
    /// Waits in a row that brought nothing.
    in_vain: u32,
    /// So many writes go out at once.
    at_once: u32,
}

impl Company {
    /// Ready when so many bytes are to be written now.
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

    fn is_ready(company: &mut Company, bytes: usize) -> bool {
        company
            .poll_wait(&Context::from_waker(std::task::Waker::noop()), bytes)
            .is_ready()
    }

    #[test]
    fn waits_before_each_write_as_long_as_more_comes_meanwhile() {
        let mut company = Company::default();
        for _ in 0..10 {
            assert!(!is_ready(&mut company, 10));
            assert!(is_ready(&mut company, 20));
        }
    }

    #[test]
    fn waits_less_often_when_nothing_comes() {
        let mut company = Company::default();
        let waits = (0..1_000).filter(|_| !is_ready(&mut company, 10)).count();
        assert!((10..30).contains(&waits), "{waits}");
        // And again as soon as something does.
        while is_ready(&mut company, 10) {}
        assert!(is_ready(&mut company, 20));
        assert!(!is_ready(&mut company, 10));
    }

    #[test]
    fn what_is_large_goes_out_at_once() {
        let mut company = Company::default();
        assert!(is_ready(&mut company, LARGE_BYTES));
        // Even if it was small when it began to wait.
        assert!(!is_ready(&mut company, 10));
        assert!(is_ready(&mut company, LARGE_BYTES));
    }
}
