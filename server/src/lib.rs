//! The Annals server: takes configuration, opens an engine and a store on it, and answers gRPC and HTTP.
//!
//! - [`config`]: what an operator can set, and where it comes from.
//! - [`server`]: starting, serving, draining, and stopping when the storage failed.
//! - `grpc`: requests into the store's types, its answers onto the wire, and the one place that maps errors.
//! - `handover`: appends to the server that writes, where several share a log.
//! - `http`: metrics and health for machines that speak no gRPC.
//! - `loss`: events that are missing from the storage, and whether the operator accepts that.
//! - `pulse`: whether the storage answers.
//!
//! Only this crate names an engine. As a library it serves tests and programs that embed a whole server:
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
mod grpc;
mod handover;
mod http;
pub mod logging;
mod loss;
mod metrics;
mod pulse;
pub mod server;

pub use config::Config;
pub use error::{Error, Result};
pub use server::{Server, run};
