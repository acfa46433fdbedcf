//! Scripted cases that every client plays against every engine; `tests/interop/README.md` describes their format.
//!
//! - [`Case`]: the contents of a file. [`Player`]: plays it with [clients](Performer) against a server, and judges
//!   the responses.
//! - [`Language`]: the languages with clients, and which of them must take part.
//! - [`Orders`]: the reference application that they have in common.
//!
//! 1. All judgement is here, once. A client only performs: a step in, its outcome out.
//! 2. Nothing is skipped: a case, an action, an argument or a field of a response that one side does not know is a
//!    failure.
//! 3. Each case has a fresh server, so that cases can contain literal positions.
//!
//! Why clients of other languages are processes that receive steps, instead of runners that read the cases: the
//! format, its notations and the comparison exist once, and a case may have steps of several clients.

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
