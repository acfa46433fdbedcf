use std::{collections::BTreeSet, sync::Arc};

use bytes::BytesMut;
use proptest::prelude::*;

use super::{Rewritten, rewrite};
use crate::{
    format::{
        frame::{Frame, Mark, SHARED_BYTES_MAX},
        record::{self, Place, TimeField},
    },
    testing::event,
    values::position::{Position, Revision, Timestamp},
};

/// Encodes the event at a position, with so many bytes of data.
fn entry(position: Position, data: usize) -> Vec<u8> {
    let mut event = event(position.0.into());
    event.data = vec![b'd'; data].into();
    let mut body = BytesMut::new();
    record::put_body(&mut body, &event);
    let place = Place {
        stream: "s",
        revision: Revision(position.0 - 1),
        position,
        time: &TimeField::new(Timestamp::from_micros(7)),
    };
    let mut out = BytesMut::new();
    record::put_entry(&mut out, &body, &place);
    out.to_vec()
}

/// Consecutive frames from a position on, each with events of the given sizes.
fn frames(first: u64, data: &[Vec<usize>]) -> Vec<Arc<Frame>> {
    let mut next = Position(first);
    let frame = |sizes: &Vec<usize>| {
        let first = next;
        let mut body = Vec::new();
        for size in sizes {
            body.extend(entry(next, *size));
            next = next.next();
        }
        let mark = Mark {
            events: u32::try_from(sizes.len()).unwrap(),
            keyed: false,
            continued: false,
        };
        Arc::new(Frame::new(9, first, Position(next.0 - 1), &[mark], &body))
    };
    data.iter().map(frame).collect()
}

/// Returns the frames after the changes were applied.
fn applied(frames: &[Arc<Frame>], rewritten: &Rewritten) -> Vec<Arc<Frame>> {
    let kept = frames
        .iter()
        .filter(|frame| !rewritten.deleted.contains(frame))
        .cloned();
    let mut frames: Vec<Arc<Frame>> = kept
        .chain(rewritten.written.iter().cloned().map(Arc::new))
        .collect();
    frames.sort_by_key(|frame| frame.last);
    frames
}

fn entries(frames: &[Arc<Frame>]) -> Vec<(Position, Vec<u8>)> {
    let mut found = Vec::new();
    for frame in frames {
        for entry in frame.entries_between(frame.first, frame.last).unwrap() {
            let position = entry.view().unwrap().position;
            found.push((position, entry.into_bytes().to_vec()));
        }
    }
    found
}

fn positions(dead: &[u64]) -> BTreeSet<Position> {
    dead.iter().copied().map(Position).collect()
}

/// First position, last position and number of events of each frame.
fn shape(frames: &[Arc<Frame>]) -> Vec<(u64, u64, u64)> {
    frames
        .iter()
        .map(|frame| (frame.first.0, frame.last.0, frame.len()))
        .collect()
}

#[test]
fn what_becomes_of_frames() {
    let single = vec![vec![10]; 8];
    let large = vec![vec![3_000], vec![3_000], vec![3_000]];
    let mixed = vec![vec![10, 10], vec![3_000], vec![10]];
    type Row<'a> = (&'a str, &'a [Vec<usize>], &'a [u64], &'a [(u64, u64, u64)]);
    let table: &[Row<'_>] = &[
        ("nothing dead", &single[..2], &[], &[(1, 1, 1), (2, 2, 1)]),
        ("all dead", &single, &[1, 2, 3, 4, 5, 6, 7, 8], &[(1, 8, 0)]),
        ("small neighbours", &single, &[2, 4, 6], &[(1, 8, 5)]),
        (
            "nothing for the holes",
            &large,
            &[2],
            &[(1, 1, 1), (2, 2, 0), (3, 3, 1)],
        ),
        ("large ones stay apart", &large, &[1, 2], &[(1, 2, 0), (3, 3, 1)]),
        (
            "a part of a frame",
            &mixed,
            &[2],
            &[(1, 2, 1), (3, 3, 1), (4, 4, 1)],
        ),
        (
            "dead at the end",
            &mixed,
            &[4],
            &[(1, 2, 2), (3, 3, 1), (4, 4, 0)],
        ),
    ];
    for (what, data, dead, wanted) in table {
        let frames = frames(1, data);
        let rewritten = rewrite(&frames, &positions(dead)).unwrap();
        assert_eq!(shape(&applied(&frames, &rewritten)), *wanted, "{what}");
        assert_eq!(rewritten.events, dead.len() as u64, "{what}");
    }
}

#[test]
fn dead_stretches_grow_together_from_one_time_to_the_next() {
    let mut frames = frames(1, &vec![vec![3_000]; 30]);
    for dead in [1..11_u64, 21..31, 11..21] {
        let dead: Vec<u64> = dead.collect();
        let rewritten = rewrite(&frames, &positions(&dead)).unwrap();
        frames = applied(&frames, &rewritten);
    }
    assert_eq!(shape(&frames), [(1, 30, 0)]);
}

#[test]
fn bytes_are_those_of_the_values() {
    let frames = frames(1, &[vec![250_000], vec![10]]);
    let rewritten = rewrite(&frames, &positions(&[1])).unwrap();
    let stored = |frame: &Frame| {
        let bytes: usize = frame.to_values().iter().map(|(_, value)| value.len()).sum();
        assert_eq!(bytes, frame.stored_bytes());
        bytes as u64
    };
    let before: u64 = frames.iter().map(|frame| stored(frame)).sum();
    let after: u64 = rewritten.written.iter().map(stored).sum();
    assert_eq!(rewritten.bytes(), before - after);
    assert!(rewritten.bytes() > 250_000);
}

fn sizes() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let size = prop_oneof![8 => 0..200_usize, 2 => 500..2_000_usize, 1 => Just(150_000)];
    proptest::collection::vec(proptest::collection::vec(size, 1..8), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_position_is_covered_once_and_what_lives_stays_as_it_is(
        first in 1..1_000_000_u64,
        sizes in sizes(),
        dead in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..80), 1..4),
    ) {
        let original = frames(first, &sizes);
        let count: usize = sizes.iter().map(Vec::len).sum();
        let mut frames = original.clone();
        let mut all_dead = BTreeSet::new();
        for round in dead {
            let dead: BTreeSet<Position> =
                round.iter().map(|index| Position(first + index.index(count) as u64)).collect();
            let new = dead.difference(&all_dead).count() as u64;
            let rewritten = rewrite(&frames, &dead).unwrap();
            prop_assert_eq!(rewritten.events, new);
            let largest = frames.iter().map(|frame| frame.body.len()).max().unwrap();
            for frame in &rewritten.written {
                prop_assert!(frame.body.len() <= largest.max(SHARED_BYTES_MAX));
                // The frame can be decoded from its stored values.
                let values: Vec<_> = frame.to_values().into_iter().map(|(_, value)| value).collect();
                prop_assert_eq!(&Frame::from_values(frame.last, &values).unwrap(), frame);
            }
            frames = applied(&frames, &rewritten);
            all_dead.extend(dead);
            let mut next = Position(first);
            for frame in &frames {
                prop_assert_eq!(frame.first, next);
                next = frame.last.next();
            }
            prop_assert_eq!(next, Position(first + count as u64));
            let wanted: Vec<_> =
                entries(&original).into_iter().filter(|(position, _)| !all_dead.contains(position)).collect();
            prop_assert_eq!(entries(&frames), wanted);
        }
    }
}
