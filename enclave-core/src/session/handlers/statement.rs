//! statement: an owner's vault statement, as the store has it.

use crate::messages::{StatementParams, StatementResult};
use crate::parent::{StoreKey, StoreKind};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::handlers::{list, stored};
use crate::session::reply::Reply;
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// The longest statement that is passed on, in bytes: with the response it must fit into a head.
const MAX_PASSED_ON: u64 = 64_000;

pub(super) fn statement<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let StatementParams { owner, kid } = context.request.params()?;
    let epoch = match kid {
        Some(kid) => {
            let (keys, _reservation) = list::all(context, StoreKind::VaultKey, owner)?;
            keys.iter().find(|entry| entry.id == kid.object_id()).map(|entry| entry.version)
        }
        None => list::all(context, StoreKind::Statement, owner)?.0.last().map(|entry| entry.version),
    };
    let key = StoreKey::statement(owner, epoch.ok_or(Error::NotFound)?);
    let statement = load(context.platform, key)?;
    Ok(Reply::done(StatementResult { statement }.encode()))
}

/// The statement stored under `key`, which proves itself.
pub(super) fn load<P: Platform>(platform: &P, key: StoreKey) -> Result<Vec<u8>, Error> {
    let short = &mut |length| if length > MAX_PASSED_ON { Err(Error::Malformed(MessageKind::Parent)) } else { Ok(()) };
    stored::load(platform, key, short)
}
