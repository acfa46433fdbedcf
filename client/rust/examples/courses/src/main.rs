//! Enrolment in courses: decisions that depend on more than one stream ([dynamic consistency
//! boundaries](https://dcb.events)).
//!
//!     cargo run -p annals-courses -- demo
//!
//! A course has a capacity, and a student takes at most five courses: whether a student may subscribe depends on the
//! events of the course and on those of the student. Both are found by tags, in any stream, and the append is
//! rejected if another such event was appended in the meantime.
//!
//! | file | contains |
//! |---|---|
//! | `event` | the events as they are stored, with their tags |
//! | `enrolment` | decision models, each with its query, and the rules |
//! | `application` | the operations |
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

/// Exit code 0; 1 if the store failed; 2 if a rule rejects the command.
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
