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
