//! Runs a server from start to stop.
//!
//! ```text
//! Starting -> Serving -> Draining -> stopped      on SIGTERM: calls in flight are finished first
//!         \   /  |  \-----> Failed -> stopped      the storage failed: stop at once, its answers can't be trusted
//!       Unreachable                               a cluster does not answer: wait until it does
//! ```
//!
//! 1. Addresses are bound before the store is opened, so that an address in use is reported before any file is
//!    changed.
//! 2. When [`Server::serve`] returns, the store is closed and no connection of this server is open.
//! 3. Stopping takes little longer than the drain timeout, whatever clients do.

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
use annals_services::{
    checkpoints::Checkpoints,
    groups::{Groups, Setup},
};
use annals_store::{Environment, Settings, Store};
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::{
    Config, Error, Result,
    config::{EngineConfig, ListenAddress},
    engine,
    forwarding::{Leaders, OtherServers},
    grpc, http,
    metrics::{CheckpointLags, Metrics},
    phase::Phase,
    pulse,
};

/// How long calls may still receive the error that the storage failed, before their connections are cut.
const FAILED_GRACE: Duration = Duration::from_millis(500);
/// How long cut connections and the store may take to end. They end almost at once unless something hangs.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Time to wait before opening an unresponsive storage again.
const REOPEN_WAIT: Duration = Duration::from_millis(500);

/// A server with an open store, bound to its addresses.
pub struct Server {
    config: Config,
    store: Store,
    groups: Groups,
    engine: &'static str,
    metrics: Metrics,
    lags: CheckpointLags,
    front: Front,
}

/// State that exists before the store is open: the addresses, and health served on one of them.
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

    /// Answers gRPC calls with the error that the storage does not answer, and reports health as not serving.
    fn refuse_meanwhile(&self, metrics: &Metrics) -> Result<Refusing> {
        let failed = |error: std::io::Error| Error::Serve(error.to_string());
        // A duplicate of the same socket: calls that arrive during the switch wait in its queue and are not refused.
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

/// Refuses gRPC calls until it is dropped.
struct Refusing {
    _serving: Aborting<Result<()>>,
    /// Cuts its connections when it is dropped: clients that reconnect find a server that serves.
    _cut: DropGuard,
}

/// Starts a server and serves until `shutdown` returns.
///
/// # Errors
/// The errors of [`Server::start`] and [`Server::serve`].
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<()> {
    let mut shutdown = pin!(shutdown);
    let server = tokio::select! {
        server = Server::start(config) => server?,
        () = &mut shutdown => {
            info!("stopped before the store was open");
            return Ok(());
        }
    };
    server.serve(shutdown).await
}

impl Server {
    /// Binds the addresses and opens the store. Health is served over HTTP from then on, and gRPC once
    /// [`Server::serve`] is called. If the storage is a cluster that does not answer, waits for it and reports that
    /// over gRPC as well.
    ///
    /// # Errors
    /// [`Error::Bind`] if an address can't be bound; [`Error::Config`], [`Error::Open`] or [`Error::Storage`] if the
    /// store can't be opened.
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

    /// Starts a server on an engine of the caller, whatever engine is configured: for tests with an engine that fails
    /// on demand.
    ///
    /// # Errors
    /// The errors of [`Server::start`].
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
        let setup = Setup {
            address: advertised(&config, front.grpc_address),
            is_shared: config.engine.is_shared(),
            clock: Environment::system("").clock,
            seed: Environment::system("").seed,
        };
        let groups = Groups::open(store.clone(), setup);
        Metrics::register_groups(&mut shown, &groups, &store);
        let lags = CheckpointLags::default();
        shown.register_collector(Box::new(lags.clone()));
        // Only this function sets them, so they are still unset.
        let _ = front.registry.set(shown);
        let _ = front.store.set(store.clone());
        Self {
            groups,
            config,
            front,
            store,
            engine,
            metrics,
            lags,
        }
    }

    /// Returns the address of the gRPC listener.
    #[must_use]
    pub const fn grpc_address(&self) -> SocketAddr {
        self.front.grpc_address
    }

    /// Returns the address of the HTTP listener for metrics and health.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.front.http_address
    }

    /// Serves until `shutdown` returns, then finishes calls in flight, for at most the drain timeout, and closes the
    /// store.
    ///
    /// # Errors
    /// [`Error::Storage`] as soon as the storage fails or proves corrupt; [`Error::Serve`] if connections can't be
    /// accepted any more.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        // No connection outlives this call, however it ends, even if it is dropped.
        let _cut_at_end = cut.clone().drop_guard();
        let connections = grpc::Connections {
            metrics: self.metrics.clone(),
            drain: drain.clone(),
            cut: cut.clone(),
        };
        let (reporter, health) = tonic_health::server::health_reporter();
        let groups = grpc::ServedGroups {
            groups: self.groups.clone(),
            leaders: self.config.engine.is_shared().then(Leaders::default),
            address: self.front.grpc_address.to_string(),
        };
        let stopping = Stopping {
            store: self.store.clone(),
            groups: self.groups.clone(),
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
            groups,
            health,
            connections,
        )?));
        stopping.phase.send_replace(Phase::Serving);
        // Logged last, so that the server is ready when the line appears.
        let (grpc, http) = (self.front.grpc_address, self.front.http_address);
        log_listening(&self.config.engine, self.engine, &self.store, grpc, http);

        let checkpoints = Checkpoints::new(self.store.clone());
        let result = tokio::select! {
            () = shutdown => stopping.drain(&mut serving).await,
            failure = self.store.failed() => stopping.fail(&mut serving, failure).await,
            never = pulse::follow(&self.store, &stopping.phase, &stopping.health) => match never {},
            never = self.lags.follow(&checkpoints) => match never {},
            result = &mut serving.0 => result.unwrap_or_else(|error| Err(Error::Serve(error.to_string()))),
        };
        cut.cancel();
        let closing = async {
            serving.ended().await;
            self.groups.close().await;
            self.store.close().await;
        };
        if tokio::time::timeout(STOP_TIMEOUT, closing).await.is_err() {
            warn!("the store did not close in time; acknowledged appends are durable nevertheless");
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
        EngineConfig::Memory => "none: all events are lost when the server stops".to_owned(),
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
        state_deletion_age: config.state_deletion_age,
        multi_threaded: true,
        new_identity: loss.is_some(),
        shared_engine: config.engine.is_shared(),
        condition_pages_max: condition_pages_max(config.engine.is_shared()),
        condition_rest: 5,
        ..Settings::default()
    };
    let advertised = advertised(config, address);
    if config.engine.is_shared() && advertised.is_empty() {
        warn!("other servers can't forward appends to this one; set its address with --advertise");
    }
    let mut environment = Environment::system(advertised);
    if config.engine.is_shared() {
        environment.forwarding = Some(Arc::new(OtherServers::new(config.limits.append_bytes_max)));
    }
    let store = Store::open(engine, settings, environment).await?;
    if let Some(loss) = loss {
        // The new identity is durable, so the loss need not be reported at the next start.
        loss.settle().await?;
        warn!(store = %store.info().id, "the store has a new identity; checkpoints of the old one are not valid");
    }
    Ok(store)
}

/// Returns how many pages are read in parallel to search for matches of conditions. On a cluster, reading is mostly
/// waiting. On one machine it is work, and half of the processors are left to other tasks.
fn condition_pages_max(is_shared: bool) -> usize {
    const PAGES_ON_CLUSTER: usize = 32;
    if is_shared {
        return PAGES_ON_CLUSTER;
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (processors / 2).max(1)
}

/// Returns the address at which other servers reach this one; empty if it is unknown.
fn advertised(config: &Config, address: SocketAddr) -> String {
    match &config.advertise {
        Some(advertised) => advertised.to_string(),
        None if address.ip().is_unspecified() => String::new(),
        None => address.to_string(),
    }
}

/// State needed to shut down.
struct Stopping {
    store: Store,
    groups: Groups,
    phase: watch::Sender<Phase>,
    health: grpc::Health,
    drain: CancellationToken,
    drain_timeout: Duration,
}

impl Stopping {
    /// Refuses new calls, ends those that would never end, and waits for the others.
    async fn drain(&self, serving: &mut Aborting<Result<()>>) -> Result<()> {
        let timeout_seconds = self.drain_timeout.as_secs();
        info!(timeout_seconds, "stopping: finishing calls in flight");
        self.phase.send_replace(Phase::Draining);
        self.health.not_serving().await;
        self.drain.cancel();
        self.groups.end_consumers();
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

    /// Stops at once. Waiting callers get the reason if they still read.
    async fn fail(&self, serving: &mut Aborting<Result<()>>, failure: annals_store::Error) -> Result<()> {
        error!(error = %failure, "the storage failed; stopping at once");
        self.phase.send_replace(Phase::Failed);
        self.health.not_serving().await;
        self.drain.cancel();
        self.groups.end_consumers();
        self.store.end_subscriptions();
        // The remaining connections are cut, so it makes no difference whether this timed out.
        let _ = tokio::time::timeout(FAILED_GRACE, serving.ended()).await;
        Err(Error::Storage(failure.to_string()))
    }
}

/// A task that is aborted when its owner is dropped.
struct Aborting<T>(JoinHandle<T>);

impl<T> Aborting<T> {
    /// Waits until the task has ended. Can be called repeatedly.
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

/// Returns the port after that of gRPC. For port 0 returns 0, because the port after an arbitrary free one may be
/// taken.
const fn http_port(listen_port: u16) -> u16 {
    match listen_port {
        0 => 0,
        // The configuration ensures that there is a next one.
        port => port.saturating_add(1),
    }
}
