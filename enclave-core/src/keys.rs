//! What the enclave reads of KMS keys: policy, facts, grants; for the claims as digests, for the client as texts.

use crate::boot::Boot;
use crate::claims::KmsState;
use crate::config::Arn;
use crate::platform::Platform;
use crate::shared::{self, KeyReading};
use crate::{Error, digest, kms};

/// The longest `describe` that is passed on, in bytes: with the policy it must fit a response's head. A key with
/// more grants than that counts as one that could not be read.
pub const MAX_DESCRIBE: usize = 28_000;
/// The longest policy, in bytes (KMS' own quota).
pub const MAX_POLICY: usize = 32_768;

/// The state of the configuration's key; none if there is no configuration.
pub fn configured<P: Platform>(platform: &P, boot: &Boot) -> Result<Option<KmsState>, Error> {
    match &boot.parsed {
        Some(configuration) => Ok(Some(read(platform, &configuration.arn)?.state)),
        None => Ok(None),
    }
}

/// What was read of a key, at most [`shared::KEY_AGE`] ago. What KMS does not give is none: the client judges that.
pub fn read<P: Platform>(platform: &P, arn: &Arn) -> Result<KeyReading, Error> {
    let now = shared::now(platform)?;
    if let Some(known) = platform.shared(|shared| shared.key(arn, now)) {
        return Ok(known);
    }
    let policy = kms::key_policy(platform, arn, now).ok().filter(|text| text.len() <= MAX_POLICY);
    let describe = kms::describe(platform, arn, now).ok().filter(|facts| facts.len() <= MAX_DESCRIBE);
    let state = KmsState {
        arn: arn.clone(),
        policy: policy.as_ref().map(|text| digest::sha384(&[text.as_bytes()])),
        describe: describe.as_ref().map(|facts| digest::sha384(&[facts])),
        read: now,
    };
    let reading = KeyReading { state, policy, describe };
    platform.shared(|shared| shared.set_key(reading.clone()));
    Ok(reading)
}

/// Whether a key is still as the client judged it; [`Error::PolicyChanged`] on any difference. What could not be read
/// equals only what could not be read.
pub fn unchanged<P: Platform>(
    platform: &P,
    arn: &Arn,
    policy: Option<[u8; 48]>,
    describe: Option<[u8; 48]>,
) -> Result<KmsState, Error> {
    let state = read(platform, arn)?.state;
    if state.policy == policy && state.describe == describe { Ok(state) } else { Err(Error::PolicyChanged) }
}
