//! Orders: one aggregate, its commands, and a list of orders as a read model.
//!
//!     cargo run -p annals-orders -- demo
//!
//! | file | contains |
//! |---|---|
//! | `event` | the events of an order as they are stored |
//! | `order` | the rules: which commands are allowed in which state |
//! | `order_list` | the read model |
//! | `application` | the operations |
//! | `arguments`, `demo` | the command line |
//!
//! The examples of the other languages contain the same application. All of them use the same streams, and can share
//! the same SQLite file.

mod application;
mod arguments;
mod demo;
mod event;
mod order;
mod order_list;

use std::process::ExitCode;

use clap::Parser;

use crate::application::Failure;
use crate::arguments::Arguments;

/// Exit code 0; 1 if the store failed; 2 if a rule rejects the command.
#[tokio::main]
async fn main() -> ExitCode {
    match arguments::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(refused)) => {
            eprintln!("error: {refused} ({})", refused.code());
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}
