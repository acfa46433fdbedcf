//! Ten students compete for the three places of a course, all at once.

use annals_client::Uuid;
use annals_toolkit::CommandError;
use futures::future::try_join_all;

use crate::application::{Courses, Failure};
use crate::arguments::line;

/// Runs the demonstration.
pub async fn run(courses: &Courses) -> Result<(), Failure> {
    let course = format!("demo-{}", Uuid::new_v4().simple());
    println!(
        "a course with three places: {}",
        line(&courses.define(&course, 3).await?)
    );
    let students: Vec<String> = (0..10).map(|nth| format!("{course}-s{nth}")).collect();
    try_join_all(
        students
            .iter()
            .map(|student| run_for_it(courses, student, &course)),
    )
    .await?;
    let shown = courses.show(&course).await?;
    println!("now: {}", line(&shown));
    if let Some(first) = shown.students.first() {
        let done = courses.unsubscribe(first, &course).await?;
        println!("the first gives the place back: {}", line(&done));
    }
    run_for_it(courses, &format!("{course}-late"), &course).await?;
    println!("now: {}", line(&courses.show(&course).await?));
    Ok(())
}

async fn run_for_it(courses: &Courses, student: &str, course: &str) -> Result<(), Failure> {
    match courses.subscribe(student, course).await {
        Ok(done) => println!("{student}: {}", line(&done)),
        Err(CommandError::Rejected(refused)) => {
            println!("{student}: refused, {refused} ({})", refused.code());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
