//! The TLS of a KMS endpoint: a certificate for each requested name `kms.REGION.amazonaws.com`, under this KMS's own
//! root.

use crate::Error;
use crate::authority::{Authority, development_name};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The largest number of names for which certificates are made.
const MAX_NAMES: usize = 256;

/// The TLS of this KMS.
pub struct Tls {
    /// The configuration for every connection.
    pub config: Arc<ServerConfig>,
}

impl Tls {
    /// Loads the root from `directory`. The first start makes it.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Certificate`], [`Error::NotARoot`], [`Error::RootMismatch`], [`Error::Tls`].
    pub fn new(directory: &Path) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = development_name("DEVELOPMENT KMS root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        let root = Authority::load_or_make(directory, "kms-root", params, &PKCS_ECDSA_P384_SHA384)?;
        let endpoints = Endpoints { root, made: Mutex::new(HashMap::new()) };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(endpoints));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }
}

/// The region in the host name of a KMS endpoint (AWS General Reference, "AWS KMS endpoints and quotas"). `None` if the
/// host is not such an endpoint.
pub fn region_of(host: &str) -> Option<&str> {
    let region = host.strip_prefix("kms.")?;
    let region = region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    let parts: Vec<_> = region.split('-').collect();
    let (last, words) = parts.split_last()?;
    let number = matches!(last.len(), 1 | 2) && last.bytes().all(|c| c.is_ascii_digit());
    let lower = words.iter().all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase()));
    (number && lower && words.len() >= 2 && region.len() <= 32).then_some(region)
}

/// The host name of a region's endpoint.
pub fn host_of(region: &str) -> String {
    format!("kms.{region}.amazonaws.com{}", if region.starts_with("cn-") { ".cn" } else { "" })
}

/// The certificates that were made, by host name.
struct Endpoints {
    root: Authority,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoints")
    }
}

impl ResolvesServerCert for Endpoints {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().filter(|host| region_of(host).is_some())?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.get(host) {
            return Some(key.clone());
        }
        if made.len() >= MAX_NAMES {
            return None;
        }
        let key = Arc::new(self.make(host).ok()?);
        made.insert(host.to_string(), key.clone());
        Some(key)
    }
}

impl Endpoints {
    fn make(&self, host: &str) -> Result<CertifiedKey, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new([host.to_string()])?;
        params.distinguished_name = development_name(host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        let certificate = params.signed_by(&key, &self.root.issuer)?;
        let signing = aws_lc_rs::sign::any_ecdsa_type(&PrivatePkcs8KeyDer::from(key.serialized_der()).into())?;
        Ok(CertifiedKey::new(vec![CertificateDer::from(certificate)], signing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_region_in_names_of_kms_endpoints_only() {
        for region in ["eu-central-1", "us-gov-west-1", "ap-southeast-10", "cn-north-1"] {
            assert_eq!(region_of(&host_of(region)), Some(region));
        }
        for host in [
            "kms.amazonaws.com",
            "kms.eu-1.amazonaws.com",
            "kms.EU-central-1.amazonaws.com",
            "example.org",
            "kms.eu-central-1.amazonaws.com.example.org",
            "kms.eu-central-.amazonaws.com",
            "s3.eu-central-1.amazonaws.com",
        ] {
            assert_eq!(region_of(host), None, "{host}");
        }
    }
}
