//! The handshake: hello in, document and claims out, `enc` in.

use crate::attestation::{EXPORTER_LABEL, SessionClaims, document_time, exporter_claim, session_user_data};
use crate::boot::Boot;
use crate::crypto::{ENC_LEN, KemSecret, sha384};
use crate::encoding::{read_frame, write_frame};
use crate::kms::configured_key;
use crate::messages::{Hello, SessionSecrets, encode_evidence};
use crate::platform::{Connection, DocumentPurpose, Platform};
use crate::time::UnixMillis;
use crate::types::ReceiptKey;
use crate::{Error, MessageKind};
use zeroize::Zeroizing;

/// Shakes hands. Also gives the time of the session's document. The KEM key is dropped when it returns.
pub(super) fn handshake<P: Platform, C: Connection>(
    platform: &P,
    boot: &Boot,
    connection: &mut C,
) -> Result<(SessionSecrets, UnixMillis), Error> {
    let hello = read_frame(connection, Hello::MAX_LEN)?;
    let parsed = Hello::parse(&hello)?;
    if !parsed.offers_suite() {
        return Err(Error::Malformed(MessageKind::Hello));
    }
    let hello_digest = sha384(&[&hello]);
    let exporter = Zeroizing::new(connection.export(EXPORTER_LABEL, &hello_digest)?);
    let mut seed = Zeroizing::new([0; 32]);
    platform.random(seed.as_mut_slice())?;
    let kem = KemSecret::from_seed(seed.as_slice())?;
    let claims = SessionClaims {
        hello: hello_digest,
        exporter: exporter_claim(&exporter),
        kem_public: kem.public(),
        receipt_key: ReceiptKey::new(boot.receipt_key.public()),
        configuration: boot.configuration.clone(),
        kms: configured_key(platform, boot)?,
        memory: platform.shared(|shared| shared.memory.total()),
    }
    .encode();
    let user_data = session_user_data(&claims);
    let document = platform.document(DocumentPurpose::Session { user_data: &user_data, nonce: &parsed.nonce })?;
    write_frame(connection, &encode_evidence(&document, &claims))?;
    let enc = read_frame(connection, ENC_LEN)?;
    Ok((SessionSecrets::enclave(&kem, &enc, &claims)?, document_time(&document)?))
}
