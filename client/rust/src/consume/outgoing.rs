//! What a consumer has to send.

use annals_proto::v1 as pb;

use super::delivery::Reply;

/// The most ids of a message.
const MESSAGE_IDS_MAX: usize = 1_000;

/// What waits to be sent, in the order in which it arose.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    acks: Vec<u64>,
    nacks: Vec<pb::Nack>,
    extensions: Vec<u64>,
    /// Whether a message is to be sent even if it has nothing to say.
    is_due: bool,
}

impl Outgoing {
    pub(super) fn settle(&mut self, delivery: u64, reply: Reply) {
        match reply.into_nack(delivery) {
            Some(nack) => self.nacks.push(nack),
            None => self.acks.push(delivery),
        }
    }

    pub(super) fn extend(&mut self, deliveries: impl IntoIterator<Item = u64>) {
        self.extensions.extend(deliveries);
    }

    /// Lets the server know that the consumer is there, although it may have nothing to say.
    pub(super) fn show_life(&mut self) {
        self.is_due = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.acks.is_empty() && self.nacks.is_empty() && self.extensions.is_empty() && !self.is_due
    }

    /// Takes the next message.
    pub(super) fn message(&mut self) -> pb::ConsumeRequest {
        self.is_due = false;
        let mut room = MESSAGE_IDS_MAX;
        let acks = take(&mut self.acks, &mut room);
        let nacks = take(&mut self.nacks, &mut room);
        let extensions = take(&mut self.extensions, &mut room);
        pb::ConsumeRequest {
            acks,
            nacks,
            extensions,
            ..Default::default()
        }
    }
}

/// Takes as many from the front as there is room for.
fn take<T>(waiting: &mut Vec<T>, room: &mut usize) -> Vec<T> {
    let count = waiting.len().min(*room);
    *room -= count;
    match count == waiting.len() {
        true => std::mem::take(waiting),
        false => waiting.drain(..count).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_what_waits_up_to_its_limit() {
        let mut outgoing = Outgoing::default();
        assert!(outgoing.is_empty());
        (0..1_200).for_each(|id| outgoing.settle(id, Reply::Ack));
        outgoing.settle(1_200, Reply::failed("x"));
        outgoing.extend([1_201]);
        let sizes = |message: &pb::ConsumeRequest| {
            (message.acks.len(), message.nacks.len(), message.extensions.len())
        };
        assert_eq!(sizes(&outgoing.message()), (1_000, 0, 0));
        let second = outgoing.message();
        assert_eq!((sizes(&second), second.acks[0]), ((200, 1, 1), 1_000));
        assert!(outgoing.is_empty());
        outgoing.show_life();
        assert!(!outgoing.is_empty());
        assert_eq!(sizes(&outgoing.message()), (0, 0, 0));
        assert!(outgoing.is_empty());
    }
}
