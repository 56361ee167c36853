//! The root under which development documents are signed.

use crate::Error;
use crate::authority::{Authority, development_name};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, date_time_ymd};
use std::path::Path;
use std::sync::Arc;

/// A P-384 root in the form of `aws.nitro-enclaves`. This machine made it, so it proves nothing to others.
pub struct Root(pub(super) Authority);

impl Root {
    /// Loads the root from this directory (`nsm-root.key` and `nsm-root.der`, mode 0600). The first start makes it.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Certificate`], [`Error::NotARoot`], [`Error::RootMismatch`].
    pub fn load_or_make(directory: &Path) -> Result<Arc<Self>, Error> {
        let authority = Authority::load_or_make(directory, "nsm-root", params(), &PKCS_ECDSA_P384_SHA384)?;
        Ok(Arc::new(Self(authority)))
    }

    /// Makes another root with the same name, as an impostor would. It is not stored.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn impostor() -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self(Authority::make(params(), &PKCS_ECDSA_P384_SHA384)?)))
    }

    /// The certificate that verifiers pin, in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = development_name("DEVELOPMENT.nitro-enclaves");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // AWS's root is valid for thirty years too.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    params
}
