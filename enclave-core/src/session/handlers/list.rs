//! list: the caller's functions or vault keys, as the store has them.

use crate::identity::OwnerOperation;
use crate::messages::{ListParams, MAX_LIST_ENTRIES, encode_list};
use crate::parent::{Answer, ListEntry, MAX_LISTED, Operation, StoreKind};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::reply::{Reply, ReplyBody};
use crate::state::reserve;
use crate::types::OwnerKey;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

pub(super) fn list<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let ListParams { kind } = context.request.params()?;
    let operation = OwnerOperation::new(context.request)?;
    let entries = all(context.platform, kind, operation.caller())?;
    let bytes = Zeroizing::new(encode_list(&entries));
    let reservation = reserve(context.platform, bytes.capacity() as u64)?;
    Ok(Reply { body: Some(ReplyBody { bytes, _reservation: reservation }), ..Reply::empty() })
}

/// Every entry of an owner. Pages that do not ascend are a lie of the parent.
pub(super) fn all<P: Platform>(platform: &P, kind: StoreKind, owner: OwnerKey) -> Result<Vec<ListEntry>, Error> {
    let mut entries: Vec<ListEntry> = Vec::new();
    loop {
        let after = entries.last().copied();
        let Answer::Listed(page) = platform.parent(Operation::List { kind, owner, after })? else {
            return Err(Error::ParentFailed);
        };
        let ascending = after.iter().chain(&page).zip(after.iter().chain(&page).skip(1)).all(|(a, b)| a < b);
        if !ascending || entries.len() + page.len() > MAX_LIST_ENTRIES {
            return Err(Error::Malformed(MessageKind::Parent));
        }
        let full = page.len() == MAX_LISTED;
        entries.extend(page);
        if !full {
            return Ok(entries);
        }
    }
}
