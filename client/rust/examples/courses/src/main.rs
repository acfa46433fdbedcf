//! Enrolment in courses: decisions that no single stream can make ([dynamic consistency boundaries](https://dcb.events)).
//!
//!     cargo run -p annals-courses -- demo
//!
//! A course has a capacity, and a student takes five courses at most: whether a student may subscribe depends on the events
//! of the course and on those of the student. Both are found by tags, whatever streams they stand in, and the append is
//! refused if another such event came meanwhile.
//!
//! | file | holds |
//! |---|---|
//! | `event` | what can happen, as it is stored, and with which tags |
//! | `enrolment` | decision models, each with its query, and the rules |
//! | `application` | what can be asked |
//! | `arguments`, `demo` | the command line |

mod application;
mod arguments;
mod demo;
mod enrolment;
mod event;

use std::process::ExitCode;

use annals_toolkit::CommandError;
use clap::Parser;

use crate::arguments::Arguments;

/// 0; or 1 if the store failed, or 2 if a rule does not allow it.
#[tokio::main]
async fn main() -> ExitCode {
    match arguments::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Rejected(refused)) => {
            eprintln!("error: {refused} ({})", refused.code());
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}
