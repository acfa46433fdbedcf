//! A connection that inspects the first bytes from the server: an HTTP/1.1 server answers the start of an HTTP/2
//! connection with text, which HTTP/2 would parse as a frame of 4 MB.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answers::Answers;

/// The start of an HTTP/1 response. An HTTP/2 connection never starts like this: its first frame is SETTINGS.
const HTTP1: &[u8] = b"HTTP/1.";

/// A connection that inspects the start of the response.
pub(super) struct Wire<T> {
    inner: T,
    /// The start of the response, until it is long enough.
    beginning: Option<Vec<u8>>,
    /// The error of a failed write that waits for the response.
    failed: Option<io::ErrorKind>,
    answers: Arc<Answers>,
}

impl<T> Wire<T> {
    pub(super) fn new(inner: T, answers: Arc<Answers>) -> Self {
        let beginning = Some(Vec::with_capacity(HTTP1.len()));
        Wire {
            inner,
            beginning,
            failed: None,
            answers,
        }
    }

    fn look_at(&mut self, received: &[u8]) {
        let Some(beginning) = &mut self.beginning else {
            return;
        };
        let missing = HTTP1.len() - beginning.len();
        beginning.extend(received.iter().take(missing));
        if !HTTP1.starts_with(beginning) {
            self.beginning = None;
        } else if beginning.len() == HTTP1.len() {
            self.answers.mark_other();
            self.beginning = None;
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.look_at(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> Wire<T> {
    /// Completes a write. A failed write first waits for bytes that the server sent before, which the transport would
    /// no longer read; at the latest until the connection ends.
    fn end_write(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let (Poll::Ready(Err(error)), true) = (&written, self.beginning.is_some()) else {
            return written;
        };
        let mut bytes = [0; HTTP1.len()];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.inner).poll_read(context, &mut buffer);
        if read.is_pending() {
            self.failed = Some(error.kind());
            return Poll::Pending;
        }
        self.look_at(buffer.filled());
        written
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match self.failed {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => Pin::new(&mut self.inner).poll_write(context, bytes),
        };
        self.end_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match self.failed {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => Pin::new(&mut self.inner).poll_write_vectored(context, parts),
        };
        self.end_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an endpoint that sent these pieces is recognised as HTTP/1.
    fn is_http1(pieces: &[&[u8]]) -> bool {
        let answers = Arc::<Answers>::default();
        let mut wire = Wire::new((), answers.clone());
        pieces.iter().for_each(|piece| wire.look_at(piece));
        answers.never_grpc()
    }

    #[test]
    fn an_answer_in_http1_is_recognised_in_any_pieces() {
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice();
        for at in 0..answer.len() {
            let (first, second) = answer.split_at(at);
            assert!(is_http1(&[first, second]), "in two after {at} bytes");
        }
        assert!(!is_http1(&[b"HTTP/"]), "this may still become anything");
        assert!(!is_http1(&[b"SSH-2.0-OpenSSH_9.6\r\n"]));
        assert!(!is_http1(&[b"\0\0\x12\x04\0\0\0\0\0", b"HTTP/1.1"]));
    }
}
