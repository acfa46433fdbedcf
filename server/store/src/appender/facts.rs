//! What must be known of each append before it is judged: looked up in the tail, and for all that is not there in one
//! trip to the engine.

use annals_engine::{Direction, Page, PageLimit, Read};

use crate::{
    append::Append,
    error::Result,
    index::{Postings, parse_request},
    keys,
    position::{Position, Revision},
    shared::Shared,
    tail::Request,
};

/// What is known of an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Its stream's last revision.
    pub last: Option<Revision>,
    /// The remembered append that began with the same id; only looked up if the append is keyed.
    pub request: Option<Request>,
}

/// Which fact a read is for.
enum Wanted {
    Last(usize),
    Request(usize),
}

/// Looks up the facts of appends, in their order. They hold as of `head`, which is the tail's.
pub(crate) async fn gather(shared: &Shared, head: Position, appends: &[&Append]) -> Result<Vec<Fact>> {
    let mut facts = vec![Fact::default(); appends.len()];
    let mut wanted = Vec::new();
    let mut reads = Vec::new();
    for (index, append) in appends.iter().enumerate() {
        match shared.tail.last_revision(&append.stream) {
            Some(last) => facts[index].last = last,
            None => {
                wanted.push(Wanted::Last(index));
                reads.push(Read::Range {
                    range: keys::stream_entries(append.stream.as_str()),
                    direction: Direction::Backwards,
                    limit: PageLimit {
                        entries: 1,
                        bytes: usize::MAX,
                    },
                });
            }
        }
        if append.is_keyed() {
            let first_id = append.events[0].id;
            facts[index].request = shared.tail.request(first_id);
            if facts[index].request.is_none() && shared.tail.indexed() > Position::START {
                wanted.push(Wanted::Request(index));
                reads.push(Read::Get(keys::request(first_id)));
            }
        }
    }
    if shared.tail.indexed() == Position::START {
        // Nothing is on disk yet, so what the tail does not know is not there.
        return Ok(facts);
    }
    if !reads.is_empty() {
        let pages = shared.engine.snapshot().await?.read(reads).await?;
        let mut found = Vec::new();
        for (wanted, page) in wanted.into_iter().zip(pages) {
            match wanted {
                Wanted::Last(index) => {
                    facts[index].last = last_revision(page)?;
                    found.push((appends[index].stream.clone(), facts[index].last));
                }
                Wanted::Request(index) => {
                    facts[index].request =
                        page.into_value().map(|value| parse_request(&value)).transpose()?;
                }
            }
        }
        shared.tail.remember(head, found);
    }
    Ok(facts)
}

fn last_revision(page: Page) -> Result<Option<Revision>> {
    let Some(entry) = page.entries.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Postings::parse_stream(&entry)?.last()))
}
