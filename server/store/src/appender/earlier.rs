//! Whether an append was written before: the places where it may be are looked up one after the other, in the group and in
//! the log. Rarely more than none, and never for an append whose expectation is fresh.

use super::overlay::Overlay;
use crate::{
    append::Append,
    decide::{self, Known, Place, Verdict},
    error::Result,
    read::standing,
    receipt,
    shared::Shared,
};

/// What is to be done with an append; `None`: it depends on events of its group in a way that is easier to judge once they
/// are written.
pub(super) async fn judge(
    shared: &Shared,
    overlay: &Overlay<'_>,
    append: &Append,
    known: &Known<'_>,
) -> Result<Option<Verdict>> {
    for place in decide::places(append, known).into_iter().flatten() {
        let verdict = match place {
            Place::Revision(from) => match overlay.standing_from(shared, append, from).await? {
                Some(standing) => decide::compare(append, known, place, &standing),
                None => return Ok(None),
            },
            Place::Request(request) => {
                let standing = standing::of_request(shared, request).await?;
                decide::compare(append, known, place, &standing)
            }
            Place::Receipt => by_receipt(shared, append, known).await?,
        };
        if verdict.is_some() {
            return Ok(verdict);
        }
    }
    Ok(Some(decide::otherwise(append, known)))
}

async fn by_receipt(shared: &Shared, append: &Append, known: &Known<'_>) -> Result<Option<Verdict>> {
    let Some(receipt) = receipt::find(shared, append.stream(), append.events[0].id).await? else {
        return Ok(None);
    };
    let verdict = if receipt.details.is_none() {
        let standing = standing::of_request(shared, receipt.request).await?;
        decide::compare(append, known, Place::Receipt, &standing)
    } else {
        None
    };
    Ok(verdict.or_else(|| decide::compare_receipt(append, known, &receipt)))
}
