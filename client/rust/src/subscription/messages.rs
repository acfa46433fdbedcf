//! The messages of both kinds of subscription, as one type.

use annals_proto::v1 as pb;

/// The content of a message of either kind of subscription.
pub(super) enum Message {
    Events(Vec<pb::RecordedEvent>),
    CaughtUp(pb::CaughtUp),
    FellBehind(pb::FellBehind),
    Checkpoint(pb::Checkpoint),
    /// A kind that this client does not know.
    Unknown,
}

impl From<pb::SubscribeAllResponse> for Message {
    fn from(message: pb::SubscribeAllResponse) -> Self {
        use pb::subscribe_all_response::Content;
        match message.content {
            Some(Content::Events(batch)) => Message::Events(batch.events),
            Some(Content::CaughtUp(caught_up)) => Message::CaughtUp(caught_up),
            Some(Content::FellBehind(fell)) => Message::FellBehind(fell),
            Some(Content::Checkpoint(checkpoint)) => Message::Checkpoint(checkpoint),
            None => Message::Unknown,
        }
    }
}

impl From<pb::SubscribeStreamResponse> for Message {
    fn from(message: pb::SubscribeStreamResponse) -> Self {
        use pb::subscribe_stream_response::Content;
        match message.content {
            Some(Content::Events(batch)) => Message::Events(batch.events),
            Some(Content::CaughtUp(caught_up)) => Message::CaughtUp(caught_up),
            Some(Content::FellBehind(fell)) => Message::FellBehind(fell),
            Some(Content::Checkpoint(checkpoint)) => Message::Checkpoint(checkpoint),
            None => Message::Unknown,
        }
    }
}
