//! Offering a vault key: the enclave attests it, and keeps it until its owner confirms it in the same session.

use crate::Error;
use crate::attestation::{MAX_VALIDITY, VaultClaims, vault_user_data};
use crate::crypto::KemSecret;
use crate::kms::KmsKeyState;
use crate::messages::VaultOffer;
use crate::platform::{DocumentPurpose, Platform};
use crate::session::context::Context;
use crate::session::pending::PendingVaultKey;
use crate::session::reply::Reply;
use crate::state::CLOCK_AGE;
use crate::types::{Kid, Nonce};
use zeroize::Zeroizing;

/// What the two verbs that offer a key know of it.
pub(super) struct OfferedKey {
    pub epoch: u64,
    pub nonce: Nonce,
    pub previous: Option<Kid>,
    pub kms: KmsKeyState,
    pub seed: Zeroizing<[u8; 32]>,
    pub new: bool,
}

/// Attests a vault key of the caller and waits for the caller's record.
pub(super) fn offer<'p, P: Platform>(context: &mut Context<'_, 'p, P>, key: OfferedKey) -> Result<Reply<'p, P>, Error> {
    let public = KemSecret::from_seed(key.seed.as_slice())?.public();
    let now = context.in_time()?;
    let (owner, kid, arn) = (context.request.caller, Kid::of(&public), key.kms.arn.clone());
    let claims = VaultClaims {
        owner,
        epoch: key.epoch,
        key: public,
        kid,
        previous: key.previous,
        // The enclave's clock may be this much ahead of the document's time. Without the difference, the claims could
        // exceed the limit.
        until: now.plus(MAX_VALIDITY - CLOCK_AGE),
        configuration: context.boot.configuration.clone(),
        kms: Some(key.kms),
        // A key never leaves the image that made it.
        images: alloc::vec![context.boot.image],
    }
    .encode();
    let purpose = DocumentPurpose::Vault { user_data: &vault_user_data(&claims), nonce: &key.nonce };
    let document = context.platform.document(purpose)?;
    let new_seed = key.new.then_some(key.seed);
    let (epoch, offer) = (key.epoch, VaultOffer { document, claims });
    let reply = Reply::done(offer.encode());
    let VaultOffer { document, claims } = offer;
    *context.pending = Some(PendingVaultKey { owner, epoch, kid, arn, document, claims, new_seed });
    Ok(reply)
}
