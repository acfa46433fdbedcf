use bytes::BytesMut;
use proptest::prelude::*;

use super::{Cursor, put_varint, varint_len};

proptest! {
    #[test]
    fn a_varint_comes_back_and_takes_what_it_says(value in any::<u64>(), shift in 0..64_u32) {
        let value = value >> shift;
        let mut out = BytesMut::new();
        put_varint(&mut out, value);
        prop_assert_eq!(out.len(), varint_len(value));
        prop_assert_eq!(out.len(), prost::length_delimiter_len(value as usize));
        let mut cursor = Cursor::new(&out);
        prop_assert_eq!(cursor.varint(), Ok(value));
        prop_assert!(cursor.rest().is_empty());
    }

    #[test]
    fn any_bytes_are_walked_over_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut cursor = Cursor::new(&bytes);
        while let Ok(Some(_)) = cursor.field() {}
    }
}

#[test]
fn a_varint_of_more_than_64_bits_is_refused() {
    assert!(Cursor::new(&[0xFF; 11]).varint().is_err());
    assert!(
        Cursor::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02])
            .varint()
            .is_err()
    );
    assert_eq!(
        Cursor::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]).varint(),
        Ok(u64::MAX)
    );
}

#[test]
fn a_field_is_taken_only_if_it_is_the_next_with_its_number() {
    let taken = |message: &'static [u8]| {
        let mut cursor = Cursor::new(message);
        let bytes = cursor.take_field(3);
        if bytes.is_none() {
            assert_eq!(cursor.rest(), message, "nothing is taken");
        }
        bytes.map(|bytes| (bytes, cursor.rest()))
    };
    assert_eq!(taken(&[0x1A, 2, 7, 8, 9]), Some((&[7, 8][..], &[9][..])));
    assert_eq!(taken(&[0x1A, 0, 9]), Some((&[][..], &[9][..])), "an empty field");
    assert_eq!(
        taken(&[0x1A, 0x81, 0x00, 7]),
        Some((&[7][..], &[][..])),
        "a length in more bytes than it needs"
    );
    for (message, reason) in [
        (&[][..], "the end"),
        (&[0x12, 1, 7, 0x1A, 1, 7], "another number first"),
        (&[0x18, 1], "a number"),
        (&[0x9A, 0x00, 1, 7], "a key in more bytes than it needs"),
        (&[0x1A], "no length"),
        (&[0x1A, 0x80], "a length that is cut short"),
        (&[0x1A, 2, 7], "bytes that are cut short"),
        (
            &[0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            "a length of 2^64 - 1",
        ),
    ] {
        assert_eq!(taken(message), None, "{reason}");
    }
}
