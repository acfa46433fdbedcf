//! Messages in their encoding. Events are stored in the bytes in which they are sent, so appends and responses of reads
//! are not decoded and encoded again.
//!
//! - `codec`: the codec of all calls.
//! - `encoded`: appends in the encoding in which they arrive.
//! - `raw`: responses of reads, subscriptions and pipelines as bytes.
//! - `malformed`: the field of a message that can't be decoded.

pub(super) mod codec;
pub(super) mod encoded;
pub(super) mod malformed;
pub(super) mod raw;
