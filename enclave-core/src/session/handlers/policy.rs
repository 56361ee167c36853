//! policy: the texts of a KMS key whose digests claims contain.
//!
//! Anyone may ask for the configuration's key, and for the key of a statement, which its owner signed. Who may ask for
//! any key could make the enclave call KMS without end; that needs a deployer.

use crate::Error;
use crate::encoding::SecretVec;
use crate::identity::{Deployer, VaultRecord};
use crate::kms::{Arn, KeyReading, read_key};
use crate::messages::{PolicyParams, PolicyTexts};
use crate::objects::statement_record;
use crate::parent::StoreKey;
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::handlers::statement;
use crate::session::reply::{Reply, ReplyBody};

pub(super) fn policy<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let arn = authorised_key(context)?;
    let KeyReading { policy, metadata, .. } = read_key(context.platform, context.boot, &arn)?;
    let bytes = SecretVec(PolicyTexts { policy, metadata }.encode());
    let reservation = context.reserve(bytes.capacity() as u64)?;
    Ok(Reply { body: Some(ReplyBody { bytes, _reservation: reservation }), ..Reply::empty() })
}

/// The key that is asked for, if the caller may ask for it.
fn authorised_key<P: Platform>(context: &Context<'_, '_, P>) -> Result<Arn, Error> {
    let configured = context.boot.parsed.as_ref().map(|configuration| &configuration.arn);
    match context.request.params()? {
        PolicyParams::Configured => configured.cloned().ok_or(Error::NotFound),
        PolicyParams::Key(arn) => {
            if configured != Some(&arn) {
                Deployer::new(context.request, context.boot.deployers.as_ref())?;
            }
            Ok(arn)
        }
        PolicyParams::Statement(owner, epoch) => {
            let stored = statement::load(context.platform, StoreKey::statement(owner, epoch))?;
            Ok(VaultRecord::verify(&owner, statement_record(&stored)?)?.arn)
        }
    }
}
