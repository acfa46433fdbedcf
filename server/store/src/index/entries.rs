//! Index entries of a window, in the order of their keys.
//!
//! 1. The first byte of a key is its kind, so entries are in the order of their kinds. Only within a kind are they
//!    sorted: by the names and ids of the window, which sort as the keys do (`keys`).
//! 2. Entries are encoded when a commit takes them, and all entries of a commit share one buffer of exactly their
//!    size. A window of single appends has more entries than events; an allocation for each key and value would take
//!    longer than anything else here, and again when fjall's threads free them.

use annals_engine::Mutation;
use bytes::{BufMut, Bytes};
use uuid::Uuid;

use super::{
    entry,
    postings::{self, POSITIONS_MAX},
};
use crate::{
    format::keys,
    index::{NewStream, Request, StreamRun, Window},
    lifecycle,
    values::position::{Position, Revision},
};

/// Entries of a window that remain to be written.
pub(crate) struct Entries<'a> {
    rest: std::iter::Peekable<Box<dyn Iterator<Item = Entry<'a>> + Send + 'a>>,
    /// Keys and values of a commit while they are encoded.
    bytes: Vec<u8>,
    /// Lengths of each key and of its value in `bytes`.
    lengths: Vec<(usize, usize)>,
}

/// An entry before it is encoded. The variants are in the order of the kinds of keys.
enum Entry<'a> {
    Receipt(&'a str, Uuid, Request),
    Minute(u64, Position),
    Tag(&'a str, &'a [Position]),
    Lifecycle(&'a str, &'a lifecycle::Marked),
    Name(&'a str, &'a NewStream),
    Request(Uuid, Request),
    Stream(&'a str, Revision, &'a [Position]),
    Type(&'a str, &'a [Position]),
}

impl<'a> Entries<'a> {
    /// Returns all entries of a window.
    pub(crate) fn of(window: &'a Window) -> Self {
        let streams = by_name(window.streams.iter().map(|(name, run)| (name.as_str(), run)));
        let marked = by_name(window.marked.iter().map(|(name, marked)| (name.as_str(), marked)));
        let began = |(name, run): &(&'a str, &'a StreamRun)| Some((*name, run.began.as_ref()?));
        let names: Vec<_> = streams.iter().filter_map(began).collect();
        let mut requests: Vec<_> = window
            .requests
            .iter()
            .map(|(id, request)| (*id, *request))
            .collect();
        requests.sort_unstable_by_key(|(id, _)| id.as_u128());
        let mut minutes = window.minutes.clone();
        minutes.sort_unstable();

        let mut receipts: Vec<_> = window
            .began_again
            .iter()
            .map(|((stream, id), request)| (stream.as_str(), *id, *request))
            .collect();
        receipts.sort_unstable_by_key(|(stream, id, _)| (*stream, id.as_u128()));

        let receipts = receipts
            .into_iter()
            .map(|(stream, id, request)| Entry::Receipt(stream, id, request));
        let minutes = minutes
            .into_iter()
            .map(|(minute, first)| Entry::Minute(minute, first));
        let lifecycles = marked
            .into_iter()
            .map(|(name, marked)| Entry::Lifecycle(name, marked));
        let names = names.into_iter().map(|(name, began)| Entry::Name(name, began));
        let requests = requests
            .into_iter()
            .map(|(id, request)| Entry::Request(id, request));
        let rest = receipts
            .chain(minutes)
            .chain(lists(&window.tags, Entry::Tag))
            .chain(lifecycles)
            .chain(names)
            .chain(requests)
            .chain(streams.into_iter().flat_map(|(name, run)| of_stream(name, run)))
            .chain(lists(&window.types, Entry::Type));
        let rest: Box<dyn Iterator<Item = Entry<'a>> + Send + 'a> = Box::new(rest);
        Self {
            rest: rest.peekable(),
            bytes: Vec::new(),
            lengths: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.rest.peek().is_none()
    }

    /// Takes the next entries, about `bytes_max` bytes of them, and at least one if any remain.
    pub(crate) fn take(&mut self, bytes_max: usize) -> Vec<Mutation> {
        self.bytes.clear();
        self.lengths.clear();
        for entry in self.rest.by_ref() {
            let begin = self.bytes.len();
            entry.put_key(&mut self.bytes);
            let middle = self.bytes.len();
            entry.put_value(&mut self.bytes);
            self.lengths.push((middle - begin, self.bytes.len() - middle));
            if self.bytes.len() >= bytes_max {
                break;
            }
        }
        let mut bytes = Bytes::copy_from_slice(&self.bytes);
        let sets = self.lengths.iter().map(|(key, value)| {
            let key = bytes.split_to(*key);
            Mutation::Set(key, bytes.split_to(*value))
        });
        sets.collect()
    }
}

impl Entry<'_> {
    fn put_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Receipt(stream, id, _) => keys::put_receipt(out, stream, *id),
            Self::Minute(minute, _) => keys::put_minute(out, *minute),
            Self::Tag(name, positions) => keys::put_tag(out, name, positions[0]),
            Self::Lifecycle(name, _) => keys::put_lifecycle(out, name),
            Self::Name(name, _) => keys::put_name(out, name),
            Self::Request(id, _) => keys::put_request(out, *id),
            Self::Stream(name, first, _) => keys::put_stream(out, name, *first),
            Self::Type(name, positions) => keys::put_kind(out, name, positions[0]),
        }
    }

    fn put_value(&self, out: &mut Vec<u8>) {
        match self {
            Self::Minute(_, first) => entry::put_position(out, *first),
            Self::Lifecycle(_, marked) => out.put_slice(&lifecycle::value(marked)),
            Self::Name(_, began) => entry::put_name(out, began),
            Self::Receipt(_, _, request) | Self::Request(_, request) => entry::put_request(out, *request),
            Self::Tag(_, positions) | Self::Stream(_, _, positions) | Self::Type(_, positions) => {
                postings::put(out, positions);
            }
        }
    }
}

fn of_stream<'a>(name: &'a str, run: &'a StreamRun) -> impl Iterator<Item = Entry<'a>> {
    let firsts = (run.first.0..).step_by(POSITIONS_MAX).map(Revision);
    firsts
        .zip(run.positions.chunks(POSITIONS_MAX))
        .map(move |(first, positions)| Entry::Stream(name, first, positions))
}

fn lists<'a, N: AsRef<str> + 'a>(
    lists: impl IntoIterator<Item = (&'a N, &'a Vec<Position>)>,
    entry: fn(&'a str, &'a [Position]) -> Entry<'a>,
) -> impl Iterator<Item = Entry<'a>> {
    let lists = by_name(
        lists
            .into_iter()
            .map(|(name, positions)| (name.as_ref(), positions)),
    );
    lists.into_iter().flat_map(move |(name, positions)| {
        let chunks = positions.chunks(POSITIONS_MAX);
        chunks.map(move |chunk| entry(name, chunk))
    })
}

fn by_name<'a, T>(named: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, T)> {
    let mut named: Vec<_> = named.collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named
}

#[cfg(test)]
mod tests;
