//! A server from start to stop.
//!
//! ```text
//! Starting -> Serving -> Draining -> stopped      on SIGTERM: what is in flight is answered first
//!         \   /  |  \-----> Failed -> stopped      the storage failed: stop at once, nothing it says can be trusted
//!       Unreachable                               a cluster does not answer: wait until it does
//! ```
//!
//! 1. Addresses are bound before the store is opened, so that a port that is taken is told before anything is touched.
//! 2. When [`Server::serve`] returns, the store is closed and no connection of this server is open.
//! 3. Stopping takes no longer than the drain timeout and a little more, whatever clients do.

#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    os::fd::AsFd,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use annals_engine::Engine;
use annals_store::{Environment, Settings, Store};
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::{
    Config, Error, Result,
    config::{EngineConfig, ListenAddress},
    engine, grpc,
    handover::OtherServers,
    http,
    metrics::Metrics,
    pulse,
};

/// For how long calls may still be told that the storage failed, before their connections are cut.
const FAILED_GRACE: Duration = Duration::from_millis(500);
/// How long cut connections and the store may take to end, which takes next to nothing unless something hangs.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before a storage that does not answer is opened once more.
const REOPEN_WAIT: Duration = Duration::from_millis(500);

/// What a server does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is being opened.
    Starting,
    /// The storage does not answer now, and may again: nothing can be done but wait.
    Unreachable,
    /// Calls are served.
    Serving,
    /// Calls in flight are answered; no new ones are taken.
    Draining,
    /// The storage failed.
    Failed,
}

/// A server with an open store, bound to its addresses.
pub struct Server {
    config: Config,
    store: Store,
    engine: &'static str,
    metrics: Metrics,
    front: Front,
}

/// What is there before the store is: the addresses, and health served on one of them.
struct Front {
    grpc: TcpListener,
    grpc_address: SocketAddr,
    http_address: SocketAddr,
    phase: watch::Sender<Phase>,
    registry: Arc<OnceLock<Registry>>,
    store: Arc<OnceLock<Store>>,
    _http: Aborting<()>,
}

impl Front {
    async fn bind(config: &Config) -> Result<Self> {
        let (grpc, grpc_address) = bind("--listen", config.listen.clone()).await?;
        let beside = ListenAddress {
            host: grpc_address.ip().to_string(),
            port: http_port(config.listen.port),
        };
        let wanted = config.http_listen.clone().unwrap_or(beside);
        let (http, http_address) = bind("--http-listen", wanted).await?;
        let (phase, seen) = watch::channel(Phase::Starting);
        let registry = Arc::new(OnceLock::new());
        let store = Arc::new(OnceLock::new());
        let shown = http::Shown {
            phase: seen,
            registry: Arc::clone(&registry),
            store: Arc::clone(&store),
        };
        let _http = Aborting(tokio::spawn(http::serve(http, shown)));
        Ok(Self {
            grpc,
            grpc_address,
            http_address,
            phase,
            registry,
            store,
            _http,
        })
    }

    /// Tells whoever calls over gRPC that the storage does not answer, and that health is not what it should be.
    fn refuse_meanwhile(&self, metrics: &Metrics) -> Result<Refusing> {
        let failed = |error: std::io::Error| Error::Serve(error.to_string());
        // The same socket once more: a call that comes as it is handed over waits, and is not refused.
        let listener = self.grpc.as_fd().try_clone_to_owned().map_err(failed)?;
        let listener = TcpListener::from_std(listener.into()).map_err(failed)?;
        let cut = CancellationToken::new();
        let connections = grpc::Connections {
            metrics: metrics.clone(),
            drain: CancellationToken::new(),
            cut: cut.clone(),
        };
        Ok(Refusing {
            _serving: Aborting(tokio::spawn(grpc::refuse(listener, connections))),
            _cut: cut.drop_guard(),
        })
    }
}

/// A front that refuses calls, until it is dropped.
struct Refusing {
    _serving: Aborting<Result<()>>,
    /// Cuts its connections: whoever comes back finds a server that serves.
    _cut: DropGuard,
}

/// Starts a server and serves until `shutdown` returns.
///
/// # Errors
/// As [`Server::start`] and [`Server::serve`].
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    let mut shutdown = pin!(shutdown);
    let server = tokio::select! {
        server = Server::start(config) => server?,
        () = &mut shutdown => {
            info!("asked to stop before the store was open");
            return Ok(());
        }
    };
    server.serve(shutdown).await
}

impl Server {
    /// Binds the addresses and opens the store. Health is served from here on over HTTP, gRPC once [`Server::serve`] is
    /// called. If the storage is a cluster that does not answer, this waits for it, and meanwhile says so over gRPC as well.
    ///
    /// # Errors
    /// [`Error::Bind`] if an address is taken; [`Error::Config`], [`Error::Open`] or [`Error::Storage`] if the store can't be
    /// opened.
    pub async fn start(config: Config) -> Result<Self> {
        let front = Front::bind(&config).await?;
        let metrics = Metrics::new();
        let mut waiting = None;
        let store = loop {
            let opened = async {
                let opened = engine::open(&config.engine, &metrics).await?;
                open_store(&config, opened, front.grpc_address).await
            };
            match opened.await {
                Err(error @ Error::Unreachable(_)) => {
                    error!(%error, "waiting for the storage");
                    front.phase.send_replace(Phase::Unreachable);
                    if waiting.is_none() {
                        waiting = Some(front.refuse_meanwhile(&metrics)?);
                    }
                    tokio::time::sleep(REOPEN_WAIT).await;
                }
                result => break result?,
            }
        };
        drop(waiting);
        Ok(Self::of(config, front, metrics, store))
    }

    /// The same on an engine that the caller has, whatever engine is configured: a test's, that fails when told to.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_on(config: Config, engine: Arc<dyn Engine>) -> Result<Self> {
        let front = Front::bind(&config).await?;
        let opened = engine::Opened { engine, loss: None };
        let store = open_store(&config, opened, front.grpc_address).await?;
        Ok(Self::of(config, front, Metrics::new(), store))
    }

    fn of(config: Config, front: Front, metrics: Metrics, store: Store) -> Self {
        let mut shown = Registry::with_prefix("annals");
        let engine = store.engine();
        metrics.register(&mut shown, engine);
        Metrics::register_store(&mut shown, &store);
        // Nobody else sets them, so they are still unset.
        let _ = front.registry.set(shown);
        let _ = front.store.set(store.clone());
        Self {
            config,
            front,
            store,
            engine,
            metrics,
        }
    }

    /// Where gRPC is served.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.front.grpc_address
    }

    /// Where metrics and health are served.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.front.http_address
    }

    /// Serves until `shutdown` returns, then answers what is in flight, for at most the drain timeout, and closes the
    /// store.
    ///
    /// # Errors
    /// [`Error::Storage`] as soon as the storage fails or proves corrupt; [`Error::Serve`] if connections can't be
    /// accepted any more.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        // Whatever way this ends, and even if it is dropped, no connection outlives it.
        let _cut_at_end = cut.clone().drop_guard();
        let connections = grpc::Connections {
            metrics: self.metrics.clone(),
            drain: drain.clone(),
            cut: cut.clone(),
        };
        let (reporter, health) = tonic_health::server::health_reporter();
        let stopping = Stopping {
            store: self.store.clone(),
            phase: self.front.phase,
            health: grpc::Health::new(reporter),
            drain: drain.clone(),
            drain_timeout: self.config.drain_timeout,
        };
        stopping.health.serving().await;
        let service = grpc::EventStore::new(self.store.clone(), self.engine, drain, self.metrics);
        let mut serving = Aborting(tokio::spawn(grpc::serve(
            self.front.grpc,
            service,
            health,
            connections,
        )?));
        stopping.phase.send_replace(Phase::Serving);
        // Last, so that whoever waits for this line finds everything ready.
        let (grpc, http) = (self.front.grpc_address, self.front.http_address);
        log_listening(&self.config.engine, self.engine, &self.store, grpc, http);

        let result = tokio::select! {
            () = shutdown => stopping.drain(&mut serving).await,
            failure = self.store.failed() => stopping.fail(&mut serving, failure).await,
            never = pulse::follow(&self.store, &stopping.phase, &stopping.health) => match never {},
            result = &mut serving.0 => result.unwrap_or_else(|error| Err(Error::Serve(error.to_string()))),
        };
        cut.cancel();
        let closing = async {
            serving.ended().await;
            self.store.close().await;
        };
        if tokio::time::timeout(STOP_TIMEOUT, closing).await.is_err() {
            warn!("the store did not close in time; what was acknowledged is durable nevertheless");
        }
        info!(head = self.store.info().head.0, "stopped");
        result
    }
}

fn log_listening(
    config: &EngineConfig,
    engine: &'static str,
    store: &Store,
    grpc: SocketAddr,
    http: SocketAddr,
) {
    let info = store.info();
    let data = match config {
        EngineConfig::Embedded { data, .. } => data.display().to_string(),
        EngineConfig::Memory => "none: everything is gone when the server stops".to_owned(),
        #[cfg(feature = "foundationdb")]
        EngineConfig::FoundationDb(settings) => {
            let (prefix, file) = (&settings.key_prefix, settings.cluster_file.display());
            format!("prefix {prefix} in the cluster of {file}")
        }
    };
    info!(
        %grpc,
        %http,
        engine,
        data,
        store = %info.id,
        head = info.head.0,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
}

async fn open_store(config: &Config, opened: engine::Opened, address: SocketAddr) -> Result<Store> {
    let engine::Opened { engine, loss } = opened;
    let settings = Settings {
        limits: config.limits,
        tail_bytes_max: config.tail_bytes,
        accept_recorded_times: config.accept_recorded_times,
        scavenge_every: config.scavenge_every,
        appender_thread: true,
        new_identity: loss.is_some(),
        shared_engine: config.engine.is_shared(),
        condition_pages_max: condition_pages_max(config.engine.is_shared()),
        // On a cluster reading is mostly waiting.
        condition_rest: if config.engine.is_shared() { 0 } else { 2 },
        ..Settings::default()
    };
    let advertised = advertised(config, address);
    if config.engine.is_shared() && advertised.is_empty() {
        warn!("other servers can't hand appends over to this one; give its address with --advertise");
    }
    let mut environment = Environment::system(advertised);
    if config.engine.is_shared() {
        environment.handover = Some(Arc::new(OtherServers::new(config.limits.append_bytes_max)));
    }
    let store = Store::open(engine, settings, environment).await?;
    if let Some(loss) = loss {
        // The new identity is durable: from here on the store is as it is now.
        loss.settle().await?;
        warn!(store = %store.info().id, "the store has a new identity; consumers of the old one start again");
    }
    Ok(store)
}

/// Pages that are read at a time to search for matches of conditions. On a cluster reading is mostly waiting; on one machine it
/// is work, and half of the processors are left to everything else.
fn condition_pages_max(is_shared: bool) -> usize {
    const PAGES_ON_CLUSTER: usize = 32;
    if is_shared {
        return PAGES_ON_CLUSTER;
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (processors / 2).max(1)
}

/// Where other servers reach this one; empty if that is not known.
fn advertised(config: &Config, address: SocketAddr) -> String {
    match &config.advertise {
        Some(advertised) => advertised.to_string(),
        None if address.ip().is_unspecified() => String::new(),
        None => address.to_string(),
    }
}

/// What it takes to stop.
struct Stopping {
    store: Store,
    phase: watch::Sender<Phase>,
    health: grpc::Health,
    drain: CancellationToken,
    drain_timeout: Duration,
}

impl Stopping {
    /// Takes no more calls, ends those that would not end by themselves, and waits for the others.
    async fn drain(&self, serving: &mut Aborting<Result<()>>) -> Result<()> {
        let timeout_seconds = self.drain_timeout.as_secs();
        info!(timeout_seconds, "stopping: answering what is in flight");
        self.phase.send_replace(Phase::Draining);
        self.health.not_serving().await;
        self.drain.cancel();
        self.store.end_subscriptions();
        self.health.end_watches().await;
        tokio::select! {
            () = serving.ended() => Ok(()),
            failure = self.store.failed() => self.fail(serving, failure).await,
            () = tokio::time::sleep(self.drain_timeout) => {
                warn!("calls in flight did not end within the drain timeout; cutting their connections");
                Ok(())
            }
        }
    }

    /// Stops at once; callers that wait are told why, if they listen.
    async fn fail(&self, serving: &mut Aborting<Result<()>>, failure: annals_store::Error) -> Result<()> {
        error!(error = %failure, "the storage failed; stopping at once");
        self.phase.send_replace(Phase::Failed);
        self.health.not_serving().await;
        self.drain.cancel();
        self.store.end_subscriptions();
        // What is left is cut, so how this ends makes no difference.
        let _ = tokio::time::timeout(FAILED_GRACE, serving.ended()).await;
        Err(Error::Storage(failure.to_string()))
    }
}

/// A task that ends with its owner.
struct Aborting<T>(JoinHandle<T>);

impl<T> Aborting<T> {
    /// Returns once the task has ended, however often it is asked.
    async fn ended(&mut self) {
        if !self.0.is_finished() {
            let _ = (&mut self.0).await;
        }
    }
}

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn bind(option: &'static str, address: ListenAddress) -> Result<(TcpListener, SocketAddr)> {
    let bound = async {
        let listener = TcpListener::bind((address.host.as_str(), address.port)).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bound.await.map_err(|source| Error::Bind {
        option,
        address,
        source,
    })
}

/// The port after that of gRPC; any free one if gRPC was given any free one, because the next may be taken.
const fn http_port(listen_port: u16) -> u16 {
    match listen_port {
        0 => 0,
        // The configuration has made sure that there is a next one.
        port => port.saturating_add(1),
    }
}
