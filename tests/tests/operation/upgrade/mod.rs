//! A store that two versions of the server serve, in turn or at once: this one, and a newer one that adds the field
//! `newer` (70) to every event it appends (`just build-newer`). The client is newer than both and sends a field (20)
//! that neither knows. Every event must be returned in the same bytes by both, whichever of them wrote it, read it from
//! disk or wrote it again.

mod client;
mod cluster;
mod embedded;
mod log;
