//! Reading a KMS key's policy and metadata, at most once in ten minutes, and by one session at a time.

use crate::Error;
use crate::boot::Boot;
use crate::crypto::sha384;
use crate::kms::arn::Arn;
use crate::kms::calls::{key_metadata, key_policy};
use crate::kms::key_metadata::MAX_METADATA;
use crate::kms::key_state::{AcceptedKey, KeyReading, KmsKeyState};
use crate::platform::Platform;
use crate::state::{Reading, now};

/// The longest policy, in bytes (AWS KMS quotas, "Key policy document size").
pub const MAX_POLICY: usize = 32_768;
/// How long a session waits for another one's reading, in milliseconds.
const WAIT_FOR: u64 = 60_000;

/// The state of the configuration's key; `None` without a configuration.
///
/// # Errors
/// As [`read_key`].
pub fn configured_key<P: Platform>(platform: &P, boot: &Boot) -> Result<Option<KmsKeyState>, Error> {
    match &boot.parsed {
        Some(configuration) => Ok(Some(read_key(platform, boot, &configuration.arn)?.state)),
        None => Ok(None),
    }
}

/// What was read of a key, at most [`KEY_AGE`](crate::state::KEY_AGE) ago. What KMS does not give is `None`; the client
/// judges that.
///
/// # Errors
/// Those of [`now`]; [`Error::Busy`] after too many readings in a minute, or if another session's takes too long.
pub fn read_key<P: Platform>(platform: &P, boot: &Boot, arn: &Arn) -> Result<KeyReading, Error> {
    let configured = boot.parsed.as_ref().is_some_and(|configuration| configuration.arn == *arn);
    let since = platform.elapsed();
    let now = loop {
        let now = now(platform)?;
        match platform.shared(|shared| shared.keys.begin(arn, configured, now))? {
            Reading::Known(known) => return Ok(*known),
            Reading::Begin => break now,
            Reading::Wait if platform.elapsed().saturating_sub(since) < WAIT_FOR => platform.pause(),
            Reading::Wait => return Err(Error::BUSY),
        }
    };
    let policy = key_policy(platform, arn, now).ok().filter(|text| text.len() <= MAX_POLICY);
    let metadata = key_metadata(platform, arn, now).ok().map(|metadata| metadata.encode());
    let metadata = metadata.filter(|metadata| metadata.len() <= MAX_METADATA);
    let state = KmsKeyState {
        arn: arn.clone(),
        policy: policy.as_ref().map(|text| sha384(&[text.as_bytes()])),
        metadata: metadata.as_ref().map(|metadata| sha384(&[metadata])),
        read_at: now,
    };
    let reading = KeyReading { state, policy, metadata };
    platform.shared(|shared| shared.keys.finish(reading.clone()));
    Ok(reading)
}

/// The state of a key, which must be the one that the client accepted.
///
/// # Errors
/// [`Error::PolicyChanged`] on any difference; as [`read_key`].
pub fn unchanged_key<P: Platform>(platform: &P, boot: &Boot, accepted: &AcceptedKey) -> Result<KmsKeyState, Error> {
    let state = read_key(platform, boot, &accepted.arn)?.state;
    if accepted.matches(&state) { Ok(state) } else { Err(Error::PolicyChanged) }
}
