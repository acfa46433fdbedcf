//! Connections that are counted and that can be cut. At the end of a drain, clients that do not read or do not end
//! their calls must not keep the server from stopping.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::coalescing::Coalescing;
use crate::metrics::{Metrics, Open};

/// State shared by all connections of a server.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    /// Counts the connections.
    pub metrics: Metrics,
    /// Cancelled when the server stops accepting calls and finishes those in flight.
    pub drain: CancellationToken,
    /// Cancelled when the connections are cut.
    pub cut: CancellationToken,
}

impl Connections {
    pub(super) fn open(&self, io: TcpStream) -> Connection {
        Connection {
            io,
            cut: Box::pin(self.cut.clone().cancelled_owned()),
            coalescing: Coalescing::default(),
            _open: self.metrics.connection(),
        }
    }
}

/// A connection of a client.
pub(crate) struct Connection {
    io: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    coalescing: Coalescing,
    _open: Open,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.io.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        // HTTP/2 always has a pending read, so this check also wakes a connection whose writes are stuck.
        if read.is_pending() && this.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server is stopping",
            )));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.coalescing.poll_wait(cx, buf.len()));
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(
            self.coalescing
                .poll_wait(cx, bufs.iter().map(|buf| buf.len()).sum())
        );
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_cut_ends_a_read_that_waits() {
        let connections = Connections {
            metrics: Metrics::new(),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut connection = connections.open(listener.accept().await.unwrap().0);
        let waiting = tokio::spawn(async move { connection.read_u8().await });
        tokio::task::yield_now().await;
        connections.cut.cancel();
        assert_eq!(
            waiting.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
    }
}
