//! Whom a document comes from: its chain of certificates, and its signature.
//!
//! rustls-webpki builds and checks the path: signatures (ECDSA over P-384 with SHA-384 and no other), names, validity
//! at the document's time, cA, path length, unknown critical extensions; it makes at most 100 signature checks.
//! What it leaves out is checked here: keyUsage, the root's own path length, and that the bundle is the path.

use crate::crypto::Crypto;
use crate::der::{DIGITAL_SIGNATURE, KEY_CERT_SIGN, Uses, ecdsa_signature};
use crate::digest::sha256;
use crate::document::Document;
use crate::{Error, Part};
use alloc::vec::Vec;
use core::time::Duration;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

/// The root of AWS Nitro Enclaves, G1, valid until 2049.
const AWS_ROOT: &[u8] = include_bytes!("aws-nitro-root-g1.der");

/// A root certificate that documents may lead to. It is pinned byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    der: CertificateDer<'static>,
}

impl Root {
    /// AWS's.
    pub fn aws() -> Self {
        Self { der: CertificateDer::from(AWS_ROOT) }
    }

    /// A root that somebody named, DER. Any but AWS's is a development root: who holds its key is whoever made it,
    /// and everything that rests on it has to say so.
    pub fn development(der: Vec<u8>) -> Result<Self, Error> {
        let der = CertificateDer::from(der);
        anchor_from_trusted_cert(&der).map_err(|_| Error::Malformed(Part::Certificate))?;
        let uses = Uses::of(&der)?;
        if !uses.ca || uses.key_usage & KEY_CERT_SIGN == 0 {
            return Err(Error::UntrustedRoot);
        }
        Ok(Self { der })
    }

    /// Whether it is not AWS's.
    pub fn is_development(&self) -> bool {
        self.der.as_ref() != AWS_ROOT
    }

    /// The certificate, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate's DER.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&[&self.der])
    }
}

/// Checks that the document was signed by a leaf under `root`, at the time that it names.
///
/// `cabundle[0]` has to be the root itself, which the document then does not contribute: the pinned bytes are used.
/// The rest of the bundle has to be the path from root to leaf, in order and without a certificate beside it.
pub(super) fn check<C: Crypto>(document: &Document<'_>, root: &Root) -> Result<(), Error> {
    let (first, rest) = document.cabundle.split_first().ok_or(Error::UntrustedRoot)?;
    if *first != root.der() {
        return Err(Error::UntrustedRoot);
    }
    let anchor = anchor_from_trusted_cert(&root.der).map_err(|_| Error::Malformed(Part::Certificate))?;
    let intermediates: Vec<_> = rest.iter().map(|der| CertificateDer::from(*der)).collect();
    let leaf = CertificateDer::from(document.certificate);
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| Error::Malformed(Part::Certificate))?;

    let path = leaf
        .verify_for_usage(
            &[C::es384()],
            core::slice::from_ref(&anchor),
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_millis(document.timestamp)),
            // AWS's certificates name no extended key usage, and must then not be for something else alone.
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|error| refused(error, document.timestamp))?;
    check_uses(&path, rest, root, document.certificate)?;

    leaf.verify_signature(C::es384(), &document.to_be_signed(), &ecdsa_signature(document.signature))
        .map_err(|_| Error::BadSignature)
}

/// What webpki does not check. `rest` is the bundle without its root.
fn check_uses(path: &VerifiedPath<'_>, rest: &[&[u8]], root: &Root, leaf: &[u8]) -> Result<(), Error> {
    let used = path.intermediate_certificates().rev();
    let in_order = path.intermediate_certificates().count() == rest.len()
        && used.zip(rest).all(|(certificate, der)| certificate.der().as_ref() == *der);
    let room = Uses::of(root.der())?.path_length.is_none_or(|length| usize::from(length) >= rest.len());
    if !in_order || !room {
        return Err(Error::UntrustedRoot);
    }
    // RFC 5280, 6.1.4 (n): a certificate that may not sign certificates has signed none.
    for authority in rest {
        if Uses::of(authority)?.key_usage & KEY_CERT_SIGN == 0 {
            return Err(Error::UntrustedRoot);
        }
    }
    if Uses::of(leaf)?.key_usage & DIGITAL_SIGNATURE == 0 {
        return Err(Error::UntrustedRoot);
    }
    Ok(())
}

/// A chain that does not hold at the document's time is out of date; all else is no chain to the root.
fn refused(error: webpki::Error, document_time: u64) -> Error {
    let ms = |time: UnixTime| time.as_secs().saturating_mul(1_000);
    match error {
        webpki::Error::CertExpired { not_after, .. } => Error::Expired { time: ms(not_after), now: document_time },
        webpki::Error::CertNotValidYet { not_before, .. } => {
            Error::NotYetValid { time: ms(not_before), now: document_time }
        }
        webpki::Error::BadDer | webpki::Error::BadDerTime => Error::Malformed(Part::Certificate),
        _ => Error::UntrustedRoot,
    }
}
