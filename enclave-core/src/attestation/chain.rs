//! Who signed a document: its chain of certificates, and its signature.
//!
//! rustls-webpki builds and checks the path: signatures (only ECDSA over P-384 with SHA-384), names, validity at the
//! document's time, cA, path length, unknown critical extensions. It makes at most 100 signature checks. This file
//! checks what webpki does not: keyUsage, the root's own path length, and that the bundle is exactly the path.

use crate::attestation::certificate::{CertificateUsage, DIGITAL_SIGNATURE, KEY_CERT_SIGN, ecdsa_signature};
use crate::attestation::document::Document;
use crate::crypto::{VerificationCrypto, sha256};
use crate::time::UnixMillis;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use core::time::Duration;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

/// The root certificate of AWS Nitro Enclaves, G1, valid until 2049.
const AWS_ROOT: &[u8] = include_bytes!("aws-nitro-root-g1.der");

/// A root certificate that documents may lead to. It is pinned byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    der: CertificateDer<'static>,
}

impl Root {
    /// AWS's root.
    pub fn aws() -> Self {
        Self { der: CertificateDer::from(AWS_ROOT) }
    }

    /// A root that a person named, in DER. Any root but AWS's is a development root: anyone who holds its key can sign
    /// any document, and everything that depends on it must say so.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Certificate`]; [`Error::UntrustedRoot`] if the certificate may not sign
    /// certificates.
    pub fn development(der: Vec<u8>) -> Result<Self, Error> {
        let der = CertificateDer::from(der);
        anchor_from_trusted_cert(&der).map_err(|_| Error::Malformed(MessageKind::Certificate))?;
        let usage = CertificateUsage::of(&der)?;
        if !usage.ca || usage.key_usage & KEY_CERT_SIGN == 0 {
            return Err(Error::UntrustedRoot);
        }
        Ok(Self { der })
    }

    /// Whether it is another root than AWS's.
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

/// Checks that a leaf under `root` signed the document, at the time that the document names.
///
/// `cabundle[0]` must equal the root; the pinned bytes are used. The rest of the bundle must be the path from root to
/// leaf, in order, with no other certificate.
///
/// # Errors
/// [`Error::UntrustedRoot`], [`Error::CertificateExpired`], [`Error::CertificateNotYetValid`], [`Error::BadSignature`];
/// [`Error::Malformed`] of [`MessageKind::Certificate`].
pub(super) fn check<C: VerificationCrypto>(document: &Document<'_>, root: &Root) -> Result<(), Error> {
    let (first, rest) = document.cabundle.split_first().ok_or(Error::UntrustedRoot)?;
    if *first != root.der() {
        return Err(Error::UntrustedRoot);
    }
    let anchor = anchor_from_trusted_cert(&root.der).map_err(|_| Error::Malformed(MessageKind::Certificate))?;
    let intermediates: Vec<_> = rest.iter().map(|der| CertificateDer::from(*der)).collect();
    let leaf = CertificateDer::from(document.certificate);
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| Error::Malformed(MessageKind::Certificate))?;

    let path = leaf
        .verify_for_usage(
            &[C::es384()],
            core::slice::from_ref(&anchor),
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_millis(document.timestamp.get())),
            // AWS's certificates have no extended key usage. One that has it must allow this one.
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|error| rejected(error, document.timestamp))?;
    check_usage(&path, rest, root, document.certificate)?;

    leaf.verify_signature(C::es384(), &document.to_be_signed(), &ecdsa_signature(document.signature))
        .map_err(|_| Error::BadSignature)
}

/// Checks what webpki does not. `rest` is the bundle without its root.
fn check_usage(path: &VerifiedPath<'_>, rest: &[&[u8]], root: &Root, leaf: &[u8]) -> Result<(), Error> {
    let used = path.intermediate_certificates().rev();
    let in_order = path.intermediate_certificates().count() == rest.len()
        && used.zip(rest).all(|(certificate, der)| certificate.der().as_ref() == *der);
    let room = CertificateUsage::of(root.der())?.path_length.is_none_or(|length| usize::from(length) >= rest.len());
    if !in_order || !room {
        return Err(Error::UntrustedRoot);
    }
    // RFC 5280, 6.1.4 (n): the keyUsage of a CA certificate must include keyCertSign.
    for authority in rest {
        if CertificateUsage::of(authority)?.key_usage & KEY_CERT_SIGN == 0 {
            return Err(Error::UntrustedRoot);
        }
    }
    if CertificateUsage::of(leaf)?.key_usage & DIGITAL_SIGNATURE == 0 {
        return Err(Error::UntrustedRoot);
    }
    Ok(())
}

/// The error for a path that webpki rejects.
fn rejected(error: webpki::Error, document_time: UnixMillis) -> Error {
    let ms = |time: UnixTime| UnixMillis::new(time.as_secs().saturating_mul(1_000));
    match error {
        webpki::Error::CertExpired { not_after, .. } => {
            Error::CertificateExpired { time: ms(not_after), now: document_time }
        }
        webpki::Error::CertNotValidYet { not_before, .. } => {
            Error::CertificateNotYetValid { time: ms(not_before), now: document_time }
        }
        webpki::Error::BadDer | webpki::Error::BadDerTime => Error::Malformed(MessageKind::Certificate),
        _ => Error::UntrustedRoot,
    }
}
