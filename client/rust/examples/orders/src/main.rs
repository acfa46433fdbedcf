//! Orders: one aggregate, its commands, and a list of orders as a read model.
//!
//!     cargo run -p annals-orders -- demo
//!
//! | file | holds |
//! |---|---|
//! | `event` | what can happen to an order, as it is stored |
//! | `order` | the rules: what may happen when |
//! | `order_list` | the read model |
//! | `application` | what can be asked |
//! | `arguments`, `demo` | the command line |
//!
//! The same application stands in the examples of the other languages; all of them work on the same streams, and on the same
//! SQLite file if they are let to.

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

/// 0; or 1 if the store failed, or 2 if a rule does not allow it.
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
