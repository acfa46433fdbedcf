//! The command line.

use annals_client::Client;
use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::application::{Courses, Failure};
use crate::demo;

/// Enrolment in courses, kept in Annals.
#[derive(Debug, Parser)]
#[command(name = "courses")]
pub struct Arguments {
    /// Of the server.
    #[arg(long, env = "ANNALS_ENDPOINT", default_value = "http://127.0.0.1:2113")]
    endpoint: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a course.
    Define {
        course: String,
        /// How many students it takes, 0 or more.
        capacity: u64,
    },
    /// Have it take more or fewer.
    ChangeCapacity {
        course: String,
        /// How many students it takes, 0 or more.
        capacity: u64,
    },
    /// Have a student take a course.
    Subscribe { student: String, course: String },
    /// Or take it no more.
    Unsubscribe { student: String, course: String },
    /// A course as it is.
    Show { course: String },
    /// Ten students, three places.
    Demo,
}

/// Does what was asked for.
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

/// A value as one line of JSON.
pub fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is shown has a JSON form")
}
