//! The Annals server: reads the configuration, opens an engine and a store on it, and serves gRPC and HTTP.
//!
//! - [`config`]: configuration and its sources.
//! - [`server`]: starting, serving, draining, and stopping when the storage failed.
//! - `grpc`: converts requests to the store's types and its results to messages, and maps errors in one place.
//! - `forwarding`: forwards appends to the server that writes, where several servers share a log.
//! - `http`: metrics and health for programs that do not use gRPC.
//! - `loss`: reports events that are missing from the storage, and whether the operator accepts their loss.
//! - `pulse`: checks whether the storage answers.
//!
//! Only this crate names engines. As a library it is for tests and for programs that embed a whole server:
//!
//! ```no_run
//! # async fn example() -> Result<(), annals_server::Error> {
//! use annals_server::{Config, Server, config::Options};
//!
//! let config = Config::resolve(Options { listen: Some("127.0.0.1:0".parse()?), ..Options::default() })?;
//! let server = Server::start(config).await?;
//! println!("serving on {}", server.grpc_address());
//! server.serve(std::future::pending()).await
//! # }
//! ```

pub mod config;
mod engine;
mod error;
mod forwarding;
mod grpc;
mod http;
pub mod logging;
mod loss;
mod metrics;
mod phase;
mod pulse;
pub mod server;

pub use config::Config;
pub use error::{Error, Result};
pub use server::{Server, run};
