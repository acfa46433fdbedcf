//! Encodes appends directly into the bytes of UmaDB's messages.
//!
//! ```text
//! AppendRequest     1: Event, repeated   2: AppendCondition {1: Query {1: QueryItem {2: tag}}   2: after}
//! Event             1: type   2: tag, repeated   3: data   4: uuid
//! ```

use bytes::BufMut;
use prost::encoding::{encode_varint, encoded_len_varint};

use crate::{
    load::{
        events::{
            self, DATA_BYTES, ID_BYTES, STREAM_BYTES, TAG_BYTES, TYPE_BYTES, category, stream_name, tag,
        },
        wire::{Message, open},
    },
    stores::Batch,
};

/// Letters of a category.
const CATEGORY_BYTES: usize = 5;

impl Message for Batch {
    fn write(&self, to: &mut impl BufMut) {
        let stream = stream_name(self.stream);
        let labels = if self.labelled {
            (2 + TAG_BYTES) + (2 + CATEGORY_BYTES)
        } else {
            0
        };
        let event = (2 + TYPE_BYTES) + (2 + STREAM_BYTES) + labels + (3 + DATA_BYTES) + (2 + ID_BYTES);
        for number in self.numbers() {
            let content = events::content(number);
            open(to, 1, event);
            open(to, 1, TYPE_BYTES);
            to.put_slice(content.kind.as_bytes());
            open(to, 2, STREAM_BYTES);
            to.put_slice(&stream);
            if self.labelled {
                open(to, 2, TAG_BYTES);
                to.put_slice(&tag(number));
                open(to, 2, CATEGORY_BYTES);
                to.put_slice(category(self.stream).as_bytes());
            }
            open(to, 3, DATA_BYTES);
            to.put_slice(&content.data);
            open(to, 4, ID_BYTES);
            to.put_slice(&events::id(number));
        }
        let after = match self.mark {
            0 => 0,
            mark => 1 + encoded_len_varint(mark),
        };
        open(to, 2, 6 + STREAM_BYTES + after);
        open(to, 1, 4 + STREAM_BYTES);
        open(to, 1, 2 + STREAM_BYTES);
        open(to, 2, STREAM_BYTES);
        to.put_slice(&stream);
        if self.mark > 0 {
            to.put_u8(2 << 3);
            encode_varint(self.mark, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::{
        super::{pb, text},
        *,
    };

    #[test]
    fn an_append_is_written_as_prost_would_write_it() {
        for (mark, labelled) in [(0, false), (7, true), (1_000_000, false)] {
            let batch = Batch {
                stream: 42,
                revision: 3,
                mark,
                first: 70_000,
                events: 3,
                labelled,
            };
            let stream = text(&stream_name(42)).to_owned();
            let event = |number| {
                let mut tags = vec![stream.clone()];
                if labelled {
                    tags.extend([text(&tag(number)).to_owned(), category(42).to_owned()]);
                }
                pb::Event {
                    event_type: events::content(number).kind.to_owned(),
                    tags,
                    data: events::content(number).data.to_vec().into(),
                    uuid: text(&events::id(number)).to_owned(),
                    metadata: Vec::new(),
                }
            };
            let query = pb::Query {
                items: vec![pb::QueryItem {
                    tags: vec![stream.clone()],
                    ..Default::default()
                }],
            };
            let message = pb::AppendRequest {
                events: batch.numbers().map(event).collect(),
                condition: Some(pb::AppendCondition {
                    fail_if_events_match: Some(query),
                    after: (mark > 0).then_some(mark),
                }),
                tracking_info: None,
            };
            let mut bytes = Vec::new();
            batch.write(&mut bytes);
            assert_eq!(bytes, message.encode_to_vec());
        }
    }
}
