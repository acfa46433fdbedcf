//! Log lines for appends, at level debug: streams, revisions, positions and event ids; never data.

use std::fmt;

use annals_store::{Append, Appended, Error, Revisions, StreamName};
use tracing::{Level, debug, enabled};
use uuid::Uuid;

/// The parts of an append's log line that are known before the append is evaluated. Kept only if the line will be
/// written.
#[derive(Debug)]
pub(super) struct AppendLine {
    streams: Vec<StreamName>,
    ids: Vec<Uuid>,
}

impl AppendLine {
    /// Returns `None` unless debug lines are written.
    pub(super) fn of(append: &Append) -> Option<Box<Self>> {
        enabled!(Level::DEBUG).then(|| {
            Box::new(Self {
                streams: append.streams().cloned().collect(),
                ids: append.ids().collect(),
            })
        })
    }

    pub(super) fn write(self, result: &Result<Appended, Error>) {
        let ids = Commas(&self.ids);
        match (self.streams.as_slice(), result) {
            ([stream], Ok(appended)) => debug!(
                stream = stream.as_str(),
                first_revision = appended.first_revision.0,
                last_revision = appended.last_revision.0,
                first_position = appended.first_position.0,
                last_position = appended.last_position.0,
                already_appended = appended.already_appended,
                %ids,
                "appended"
            ),
            (streams, Ok(appended)) => {
                let written: Vec<_> = streams.iter().zip(appended.revisions()).map(Written).collect();
                debug!(
                    streams = %Commas(&written),
                    first_position = appended.first_position.0,
                    last_position = appended.last_position.0,
                    already_appended = appended.already_appended,
                    %ids,
                    "appended"
                );
            }
            ([stream], Err(error)) => debug!(stream = stream.as_str(), %ids, %error, "not appended"),
            (streams, Err(error)) => debug!(streams = %Commas(streams), %ids, %error, "not appended"),
        }
    }
}

/// A stream and the revisions that an append added to it, displayed as `stream@first-last`.
struct Written<'a>((&'a StreamName, Revisions));

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, revisions) = &self.0;
        write!(f, "{stream}@{}-{}", revisions.first, revisions.last)
    }
}

/// Displays items separated by commas.
struct Commas<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, item) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}
