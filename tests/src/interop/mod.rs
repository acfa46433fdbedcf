//! Scripted cases that every client plays against every engine; their format is told in `tests/interop/README.md`.
//!
//! - [`Case`]: what a file says. [`Player`]: plays it with [clients](Performer) against a server, and judges the answers.
//! - [`Language`]: which clients there are, and which must take part.
//! - [`Orders`]: the reference application that they have in common.
//!
//! 1. The judgement stands here, once. A client only performs: a step in, what came of it out.
//! 2. Nothing is passed over: a case, an action, an argument or a field of an answer that one side does not know fails.
//! 3. Each case has a fresh server, so that positions are written out in the cases.
//!
//! Why clients of other languages are processes that are told steps, instead of runners that read the cases: the format,
//! its notations and the comparison exist once, and a case may have steps of several clients.

mod case;
mod judgement;
mod language;
mod notation;
mod odd;
mod orders;
mod performer;
mod player;
mod rust;

pub use case::Case;
pub use language::{Language, repository};
pub use orders::Orders;
pub use performer::Performer;
pub use player::Player;
