//! vault-attest: attests a stored vault key of the caller anew, if it opens with the key share in the request.

use crate::Error;
use crate::identity::OwnerOperation;
use crate::kms::read_key;
use crate::messages::VaultAttestParams;
use crate::objects::ObjectContent;
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::handlers::stored;
use crate::session::handlers::vault_offer::{OfferedKey, offer};
use crate::session::reply::Reply;
use zeroize::Zeroizing;

pub(super) fn attest<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let VaultAttestParams { kid, epoch, nonce, previous } = context.request.params()?;
    let operation = OwnerOperation::new(context.request)?;
    let authorised = operation.object(kid.object_id(), epoch, ObjectContent::VaultKey(kid));
    let loaded = stored::get(context, authorised.key())?;
    let object = stored::parse(&loaded.bytes, authorised.key())?;
    let seed = stored::open(context, &authorised, &object)?.bytes;
    let seed = seed.as_slice().try_into().map(Zeroizing::new).map_err(|_| Error::CannotOpen)?;
    let kms = read_key(context.platform, context.boot, &object.ad.arn)?.state;
    offer(context, OfferedKey { epoch, nonce, previous, kms, seed, new: false })
}
