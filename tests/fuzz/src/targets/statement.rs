//! Vault statements: claims and a record that the owner signed.
//!
//! - An accepted record is encoded to the same bytes, and so are the claims of an accepted statement.
//! - Accepted claims, with a record that the owner signed, make an accepted statement with the same fields. The only
//!   exception is a document that is too long.
//! - The record can be taken out of it unread.
//! - With one bit flipped a statement is rejected, and so is one whose record names an image that the claims do not
//!   name.

use crate::damage::flip_bit;
use crate::identities::owner;
use crate::kms;
use enclave_core::attestation::{MAX_DOCUMENT, TrustMode, VaultClaims};
use enclave_core::crypto::sha384;
use enclave_core::identity::{VAULT_RECORD, VaultRecord};
use enclave_core::objects::{Statement, encode_statement, statement_record};
use enclave_core::{Error, MessageKind, Pcr};

/// The input is a record, a statement, or claims.
pub fn check(data: &[u8]) {
    if let Ok(record) = VaultRecord::parse(data) {
        assert_eq!(record.encode(), data);
    }
    for mode in [TrustMode::Production, TrustMode::Development] {
        let found = Statement::parse(data, mode);
        if let Ok(statement) = &found {
            assert_eq!(statement.claims.encode(), statement.claims_bytes);
            assert!(Statement::parse(&flip_bit(data, data), mode).is_err());
        }
        let claims = found.map(|statement| statement.claims).or_else(|_| VaultClaims::parse(data, mode));
        if let Ok(claims) = claims {
            check_signed(data, claims, mode);
        }
    }
}

/// Signs a statement with these claims as the owner. `document` stands for the attestation document.
fn check_signed(document: &[u8], mut claims: VaultClaims, mode: TrustMode) {
    claims.owner = owner().owner();
    let claims_bytes = claims.encode();
    let mut record = VaultRecord {
        owner: claims.owner,
        epoch: claims.epoch,
        kid: claims.kid,
        document: sha384(&[document]),
        claims: sha384(&[&claims_bytes]),
        arn: claims.kms.as_ref().map_or_else(kms::arn, |kms| kms.arn.clone()),
        image: *claims.images.last().expect("accepted claims name an image"),
    };
    let sign = |record: &VaultRecord| owner().sign1(VAULT_RECORD, &[], &record.encode());
    let signed = sign(&record);
    let bytes = encode_statement(document, &claims_bytes, &signed);
    let statement = match Statement::parse(&bytes, mode) {
        Ok(statement) => statement,
        Err(error) => return assert!(document.len() > MAX_DOCUMENT, "a signed statement is rejected: {error}"),
    };
    assert_eq!((statement.document, &statement.claims, &statement.record), (document, &claims, &record));
    assert_eq!(statement_record(&bytes), Ok(&signed[..]));
    assert!(Statement::parse(&flip_bit(&bytes, document), mode).is_err());
    let mut images = (0..=u8::MAX).map(|byte| Pcr::new([byte; 48]));
    record.image = images.find(|image| !claims.images.contains(image)).expect("claims name few images");
    let bytes = encode_statement(document, &claims_bytes, &sign(&record));
    assert_eq!(Statement::parse(&bytes, mode).err(), Some(Error::Mismatch(MessageKind::Statement)));
}
