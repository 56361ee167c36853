//! list: the caller's functions or vault keys, as the store has them.

use crate::encoding::SecretVec;
use crate::identity::OwnerOperation;
use crate::messages::{ListParams, MAX_LIST_ENTRIES, encode_list};
use crate::parent::{Answer, ListEntry, MAX_LISTED, Operation, StoreKind};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::reply::{Reply, ReplyBody};
use crate::state::Reservation;
use crate::types::OwnerKey;
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// Memory for one page, in bytes: its entries, and their encoding, which is shorter. A vector may grow to twice its size.
const PAGE: u64 = (MAX_LISTED * 4 * size_of::<ListEntry>()) as u64;

pub(super) fn list<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let ListParams { kind } = context.request.params()?;
    let operation = OwnerOperation::new(context.request)?;
    let (entries, mut reservation) = all(context, kind, operation.caller())?;
    let bytes = SecretVec(encode_list(&entries));
    reservation.shrink(bytes.capacity() as u64);
    Ok(Reply { body: Some(ReplyBody { bytes, _reservation: reservation }), ..Reply::empty() })
}

/// Every entry of an owner, and the memory reserved for them and their encoding. Pages that do not ascend are a lie of
/// the parent.
pub(super) fn all<'p, P: Platform>(
    context: &Context<'_, 'p, P>,
    kind: StoreKind,
    owner: OwnerKey,
) -> Result<(Vec<ListEntry>, Reservation<'p, P>), Error> {
    let mut entries: Vec<ListEntry> = Vec::new();
    let mut reservation = context.reserve(0)?;
    loop {
        reservation.grow(PAGE)?;
        let after = entries.last().copied();
        let Answer::Listed(page) = context.platform.parent(Operation::List { kind, owner, after })? else {
            return Err(Error::ParentFailed);
        };
        let ascending = after.iter().chain(&page).zip(after.iter().chain(&page).skip(1)).all(|(a, b)| a < b);
        if !ascending || entries.len() + page.len() > MAX_LIST_ENTRIES {
            return Err(Error::Malformed(MessageKind::Parent));
        }
        let full = page.len() == MAX_LISTED;
        entries.extend(page);
        if !full {
            return Ok((entries, reservation));
        }
    }
}
