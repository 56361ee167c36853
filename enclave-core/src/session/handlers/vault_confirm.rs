//! vault-confirm: the caller's record of the vault key that waits. A new key is sealed, stored and read back; then its
//! statement is published. For a key that is stored already, only the statement is replaced.

use crate::crypto::sha384;
use crate::identity::{OwnerOperation, VaultRecord};
use crate::messages::VaultConfirmParams;
use crate::objects::{ObjectAd, ObjectContent, encode_statement};
use crate::parent::{Answer, Operation, StoreKey};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::handlers::stored;
use crate::session::reply::Reply;
use crate::{Error, MessageKind};

pub(super) fn confirm<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let VaultConfirmParams { record } = context.request.params()?;
    let operation = OwnerOperation::new(context.request)?;
    let pending = context.pending.take().ok_or(Error::Refused)?;
    let owner = operation.caller();
    if pending.owner != owner {
        return Err(Error::Refused);
    }
    let signed = VaultRecord::verify(&owner, &record)?;
    let agrees = signed.epoch == pending.epoch
        && signed.kid == pending.kid
        && signed.document == sha384(&[&pending.document])
        && signed.claims == sha384(&[&pending.claims])
        && signed.arn == pending.arn;
    if !agrees {
        return Err(Error::Mismatch(MessageKind::Record));
    }
    if signed.image != context.boot.image {
        return Err(Error::WrongImage);
    }
    if let Some(seed) = &pending.new_seed {
        let (id, version, content) = (pending.kid.object_id(), pending.epoch, ObjectContent::VaultKey(pending.kid));
        let authorised = operation.object(id, version, content);
        let salt = *stored::random(context.platform)?;
        let ad = ObjectAd { content, owner, id, version, arn: pending.arn.clone(), salt, image: signed.image };
        stored::put(context, &authorised, &ad, &record, seed.as_slice())?;
    }
    let statement = encode_statement(&pending.document, &pending.claims, &record);
    let key = StoreKey::statement(owner, pending.epoch);
    context.in_time()?;
    match context.platform.parent(Operation::Replace(key, &statement))? {
        Answer::Done => Ok(Reply::empty()),
        _ => Err(Error::ParentFailed),
    }
}
