//! Ids for events without one, so that importing a file again adds nothing.
//!
//! The id of a line is UUIDv5(UUIDv5([`NAMESPACE`], stream + `0x00` + line), n), where the line is its bytes without
//! surrounding white space, and n, as eight big-endian bytes, is the number of identical lines before it in the file.
//! So two identical lines are two events, and adding lines at the end of a file changes no earlier id.

use std::collections::HashMap;

use annals_client::Uuid;

/// UUIDv5 of `annals.import` in the DNS namespace. It must never change, because ids in existing stores depend on it.
pub const NAMESPACE: Uuid = Uuid::from_u128(0xe831_a510_aa8a_536b_aeaa_b48b_2f19_f0f7);

/// The number of occurrences of each line; 16 bytes and a counter for each distinct line.
#[derive(Debug, Default)]
pub struct Identities {
    seen: HashMap<Uuid, u32>,
}

impl Identities {
    /// Returns the id of the next occurrence of a line.
    pub fn next(&mut self, stream: &str, line: &[u8]) -> Uuid {
        let name = [stream.as_bytes(), b"\0", line.trim_ascii()].concat();
        let content = Uuid::new_v5(&NAMESPACE, &name);
        let seen = self.seen.entry(content).or_default();
        let before = u64::from(*seen);
        *seen = seen.saturating_add(1);
        Uuid::new_v5(&content, &before.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use annals_client::Uuid;

    use super::{Identities, NAMESPACE};

    #[test]
    fn the_namespace_is_what_it_is_said_to_be() {
        assert_eq!(NAMESPACE, Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"annals.import"));
    }

    #[test]
    fn ids_stay_the_same_for_ever() {
        let mut identities = Identities::default();
        let line = br#"{"stream":"order-1","type":"Placed","data":{}}"#;
        let ids = [(); 2].map(|()| identities.next("order-1", line).to_string());
        assert_eq!(
            ids,
            [
                "12306bb6-b79f-5ee4-a4f0-02dc6e17a770",
                "88a1b73c-8ddf-50df-a35b-3e9548ff4acd"
            ]
        );
    }

    #[test]
    fn identical_lines_are_different_events_and_importing_again_gives_the_same_ids() {
        let lines: [(&str, &[u8]); 5] = [
            ("a", b"x"),
            ("a", b"x"),
            ("b", b"x"),
            ("a", b"y"),
            ("a", b" x \r"),
        ];
        let ids = |count: usize| {
            let mut identities = Identities::default();
            let next = |(stream, line): &(&str, &[u8])| identities.next(stream, line);
            lines.iter().take(count).map(next).collect::<Vec<_>>()
        };
        let all = ids(5);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 5);
        assert_eq!(ids(3), all[..3], "lines that follow change nothing");
    }
}
