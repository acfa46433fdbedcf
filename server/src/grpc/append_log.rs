//! The log line of each append, at debug: stream, revisions, positions and event ids; never data.

use annals_store::{Append, Appended, Error, StreamName};
use tracing::{Level, debug, enabled};
use uuid::Uuid;

/// What is known of an append before it is judged. Kept only if its line will be written.
#[derive(Debug)]
pub(super) struct AppendLine {
    stream: StreamName,
    ids: Vec<Uuid>,
}

impl AppendLine {
    /// `None` unless debug lines are written.
    pub(super) fn of(append: &Append) -> Option<Box<Self>> {
        enabled!(Level::DEBUG).then(|| {
            Box::new(Self {
                stream: append.stream().clone(),
                ids: append.ids().collect(),
            })
        })
    }

    pub(super) fn write(self, result: &Result<Appended, Error>) {
        let stream = self.stream.as_str();
        let ids = Ids(&self.ids);
        match result {
            Ok(appended) => debug!(
                stream,
                first_revision = appended.first_revision.0,
                last_revision = appended.last_revision.0,
                first_position = appended.first_position.0,
                last_position = appended.last_position.0,
                already_appended = appended.already_appended,
                %ids,
                "appended"
            ),
            Err(error) => debug!(stream, %ids, %error, "not appended"),
        }
    }
}

/// Ids, separated by commas.
struct Ids<'a>(&'a [Uuid]);

impl std::fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, id) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            id.fmt(f)?;
        }
        Ok(())
    }
}
