//! Many clients write state, and append events with changes and checks of state, to the same few entries and streams,
//! while subscribers follow them; servers are killed (SIGKILL) and started again. Clients and subscribers move on to
//! other servers. Then the checker, which knows only requests and responses, proves that the events of an append are in
//! the log if and only if its changes of state were made, that the versions of each scope are dense and each was given
//! once, that no acknowledged change is lost, and that each check held when its write was made
//! ([`annals_tests::checker::state`]).
//!
//! After each fault the clients rest, every write of unknown outcome is retried until its outcome is known, and every
//! server must list the same entries, which every subscriber must come to have.
//!
//! - `cluster`: three servers on one FoundationDB cluster. `one_server`: on every engine that persists.
//! - `race`: the clients and the verdict. `writer`, `subscriber`: one of them. `draw`: its requests. `calls`: how they
//!   are sent and recorded. `falsified`: histories with one false response each, which must be refused.
//!
//! `ANNALS_RACE_SECONDS` sets how long a race lasts between faults, as for the other races.

mod calls;
mod cluster;
mod draw;
mod falsified;
mod one_server;
mod race;
mod subscriber;
mod writer;
