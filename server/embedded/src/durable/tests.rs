use std::fs;

use super::*;

const LOG: u64 = 0x1234_5678_9ABC_DEF0;

fn mark(sequence: u64) -> Mark {
    Mark {
        tip: Tip {
            sequence,
            checksum: sequence as u32 ^ 0xA5A5,
        },
        head: Some(Bytes::from(format!("head {sequence}"))),
        unsettled: false,
    }
}

fn read(path: &Path) -> Option<Mark> {
    Durable::open(path, LOG).expect("reads").map(|(_, mark)| mark)
}

#[test]
fn the_last_mark_is_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("durable");
    let durable = Durable::create(&path, LOG, &mark(0)).expect("creates");
    for sequence in 0..5 {
        assert_eq!(read(&path), Some(mark(sequence)));
        durable.advance(&mark(sequence + 1)).expect("writes");
    }
    // A later mark may name an earlier record: after an accepted loss.
    durable.settle(&mark(2)).expect("writes");
    assert_eq!(read(&path), Some(mark(2)));
    let (durable, _) = Durable::open(&path, LOG).expect("reads").expect("is there");
    durable.advance(&mark(3)).expect("writes");
    assert_eq!(read(&path), Some(mark(3)));
}

#[test]
fn a_mark_with_any_byte_damaged_is_the_one_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("durable");
    let durable = Durable::create(&path, LOG, &mark(1)).expect("creates");
    durable.advance(&mark(2)).expect("writes");
    let whole = fs::read(&path).expect("reads");
    let newest = SLOTS_AT[0] as usize;
    for byte in newest..newest + SLOT_BYTES {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x40;
        fs::write(&path, &damaged).expect("writes");
        assert_eq!(read(&path), Some(mark(1)), "byte {byte}");
    }
}

#[test]
fn a_file_without_a_valid_mark_has_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("durable");
    assert_eq!(read(&path), None, "there is no file");
    Durable::create(&path, LOG + 1, &mark(1)).expect("creates");
    assert_eq!(read(&path), None, "it belongs to another log");
    Durable::create(&path, LOG, &mark(1)).expect("creates");
    let whole = fs::read(&path).expect("reads");
    fs::write(&path, vec![0; whole.len()]).expect("writes");
    assert_eq!(read(&path), None, "it is all zeros");
    for bytes in [0, 100, whole.len() - 1] {
        fs::write(&path, &whole[..bytes]).expect("writes");
        // The first mark is in the second slot.
        assert_eq!(read(&path), None, "{bytes} bytes");
    }
}

#[test]
fn a_frozen_mark_stays_until_it_is_settled() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("durable");
    let durable = Durable::create(&path, LOG, &mark(1)).expect("creates");
    durable.freeze(&mark(40)).expect("writes");
    let frozen = Mark {
        unsettled: true,
        ..mark(40)
    };
    durable.advance(&mark(24)).expect("nothing is written");
    assert_eq!(read(&path), Some(frozen));
    durable.settle(&mark(25)).expect("writes");
    durable.advance(&mark(26)).expect("writes");
    assert_eq!(read(&path), Some(mark(26)));
}

#[test]
fn a_head_that_is_too_long_is_left_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("durable");
    let of = |head: Option<usize>| Mark {
        head: head.map(|bytes| vec![7; bytes].into()),
        ..mark(3)
    };
    for (head, kept) in [
        (None, None),
        (Some(0), Some(0)),
        (Some(HEAD_BYTES_MAX), Some(HEAD_BYTES_MAX)),
        (Some(HEAD_BYTES_MAX + 1), None),
    ] {
        Durable::create(&path, LOG, &of(head)).expect("creates");
        assert_eq!(read(&path), Some(of(kept)));
    }
}
