//! vault-create: makes a vault key of the caller.

use crate::Error;
use crate::identity::Deployer;
use crate::kms::unchanged_key;
use crate::messages::VaultCreateParams;
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::handlers::stored;
use crate::session::handlers::vault_offer::{OfferedKey, offer};
use crate::session::reply::Reply;

pub(super) fn create<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let VaultCreateParams { epoch, nonce, previous, key } = context.request.params()?;
    Deployer::new(context.request, context.boot.deployers.as_ref())?;
    let kms = unchanged_key(context.platform, context.boot, &key)?;
    let seed = stored::random(context.platform)?;
    offer(context, OfferedKey { epoch, nonce, previous, kms, seed, new: true })
}
