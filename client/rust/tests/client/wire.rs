//! A TCP relay that breaks connections, at once or after a number of bytes from the server, or stops forwarding.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};

/// Relays connections to a server.
pub struct Wire {
    address: SocketAddr,
    opened: Arc<AtomicU64>,
    cut: broadcast::Sender<()>,
    held: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Wire {
    /// A wire that works until it is cut.
    pub async fn to(server: SocketAddr) -> Self {
        Wire::open(server, |_| u64::MAX).await
    }

    /// A wire that breaks each of its first `breaks` connections after 100 to `bytes_max` bytes from the server.
    pub async fn brittle(server: SocketAddr, seed: u64, breaks: u64, bytes_max: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        Wire::open(server, move |nth| match nth < breaks {
            true => random.random_range(100..=bytes_max),
            false => u64::MAX,
        })
        .await
    }

    async fn open(server: SocketAddr, mut bytes_of: impl FnMut(u64) -> u64 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let opened = Arc::new(AtomicU64::new(0));
        let (cut, _) = broadcast::channel(1);
        let held = watch::Sender::new(false);
        let (counter, cutter, holder) = (opened.clone(), cut.clone(), held.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let bytes = bytes_of(counter.fetch_add(1, Ordering::SeqCst));
                tokio::spawn(relay(
                    client,
                    server,
                    bytes,
                    cutter.subscribe(),
                    holder.subscribe(),
                ));
            }
        });
        Wire {
            address,
            opened,
            cut,
            held,
            accepting,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Number of connections opened so far.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    /// Breaks the open connections.
    pub fn cut(&self) {
        let _ = self.cut.send(());
    }

    /// Stops forwarding, as if the server's process were stopped or its host had vanished.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Breaks the open connections, and accepts no more.
    pub fn tear_down(self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn relay(
    mut client: TcpStream,
    server: SocketAddr,
    bytes: u64,
    mut cut: broadcast::Receiver<()>,
    mut held: watch::Receiver<bool>,
) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut up, mut down) = ([0; 8192], [0; 8192]);
    let mut left = bytes;
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(length) if length > 0 && server.write_all(&up[..length]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut down) => {
                let Ok(length) = read else { return };
                let passed = left.min(length as u64);
                if client.write_all(&down[..passed as usize]).await.is_err() || length == 0 {
                    return;
                }
                left -= passed;
                if left == 0 {
                    return;
                }
            },
            _ = cut.recv() => return,
            () = is_held(&mut held) => {
                let _ = cut.recv().await;
                return;
            }
        }
    }
}

async fn is_held(held: &mut watch::Receiver<bool>) {
    // The wire may have been dropped; its connections then stay open until they are cut.
    if held.wait_for(|held| *held).await.is_err() {
        std::future::pending().await
    }
}
