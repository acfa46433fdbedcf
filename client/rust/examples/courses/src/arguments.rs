//! The command line.

use annals_client::Client;
use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::application::{Courses, Failure};
use crate::demo;

/// Enrolment in courses, stored in Annals.
#[derive(Debug, Parser)]
#[command(name = "courses")]
pub struct Arguments {
    /// Endpoint of the server.
    #[arg(long, env = "ANNALS_ENDPOINT", default_value = "http://127.0.0.1:2113")]
    endpoint: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Define a course.
    Define {
        course: String,
        /// Number of places, 0 or more.
        capacity: u64,
    },
    /// Change the number of places.
    ChangeCapacity {
        course: String,
        /// Number of places, 0 or more.
        capacity: u64,
    },
    /// Subscribe a student to a course.
    Subscribe { student: String, course: String },
    /// Unsubscribe a student from a course.
    Unsubscribe { student: String, course: String },
    /// Show the current state of a course.
    Show { course: String },
    /// Ten students compete for three places.
    Demo,
}

/// Runs the command given in the arguments.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let courses = Courses::new(Client::new(arguments.endpoint)?);
    let done = match &arguments.action {
        Action::Define { course, capacity } => courses.define(course, *capacity).await?,
        Action::ChangeCapacity { course, capacity } => courses.change_capacity(course, *capacity).await?,
        Action::Subscribe { student, course } => courses.subscribe(student, course).await?,
        Action::Unsubscribe { student, course } => courses.unsubscribe(student, course).await?,
        Action::Show { course } => {
            println!("{}", line(&courses.show(course).await?));
            return Ok(());
        }
        Action::Demo => return demo::run(&courses).await,
    };
    println!("{}", line(&done));
    Ok(())
}

/// Formats a value as one line of JSON.
pub fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("output can be represented in JSON")
}
