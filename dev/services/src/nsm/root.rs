//! The root of development documents.

use super::chain::name;
use crate::Error;
use crate::authority::Authority;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, date_time_ymd};
use std::path::Path;
use std::sync::Arc;

/// A P-384 root in the shape of `aws.nitro-enclaves`, of this machine alone.
pub struct Root(pub(super) Authority);

impl Root {
    /// The root in this directory (`nsm-root.key` and `nsm-root.der`, 0600), made at the first start.
    pub fn load_or_make(directory: &Path) -> Result<Arc<Self>, Error> {
        let authority = Authority::load_or_make(directory, "nsm-root", params(), &PKCS_ECDSA_P384_SHA384)?;
        Ok(Arc::new(Self(authority)))
    }

    /// Another root of the same name, kept nowhere: what an impostor would make.
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
    params.distinguished_name = name("DEVELOPMENT.nitro-enclaves");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // As AWS' own, thirty years.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    params
}
