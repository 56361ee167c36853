//! A root of a certificate chain. It is made at the first start and kept in two files with mode 0600: `NAME.key`
//! (PKCS #8) and `NAME.der` (the certificate).

use crate::Error;
use crate::private_files::{create, make_directory, read};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::path::Path;

/// A root.
pub struct Authority {
    /// The key that signs certificates.
    pub issuer: Issuer<'static, KeyPair>,
    /// The certificate that verifiers trust, in DER.
    pub der: Vec<u8>,
}

impl Authority {
    /// Makes a root that is not stored.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn make(params: CertificateParams, algorithm: &'static SignatureAlgorithm) -> Result<Self, Error> {
        let key = KeyPair::generate_for(algorithm)?;
        let der = params.self_signed(&key)?.der().to_vec();
        Ok(Self { issuer: Issuer::new(params, key), der })
    }

    /// Loads the root `name` from `directory`, or creates and stores it.
    ///
    /// `params` must be the same at every start.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Certificate`], [`Error::NotARoot`], [`Error::RootMismatch`].
    pub fn load_or_make(
        directory: &Path,
        name: &str,
        params: CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> Result<Self, Error> {
        make_directory(directory)?;
        let (key_path, der_path) = (directory.join(format!("{name}.key")), directory.join(format!("{name}.der")));
        if !key_path.exists() {
            create(&key_path, &KeyPair::generate_for(algorithm)?.serialize_der())?;
        }
        let key = PrivatePkcs8KeyDer::from(read(&key_path)?);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, algorithm)?;
        // The key is stored first. After a crash between the two writes, the next start makes the certificate.
        if !der_path.exists() {
            create(&der_path, params.self_signed(&key)?.der())?;
        }
        let der = read(&der_path)?;
        let certificate = CertificateDer::from(der.as_slice());
        let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| Error::NotARoot)?;
        if !anchor.subject_public_key_info.ends_with(key.der_bytes()) {
            return Err(Error::RootMismatch(der_path));
        }
        Ok(Self { issuer: Issuer::new(params, key), der })
    }
}

/// The subject name of a development certificate. The organization says that it is not AWS.
pub fn development_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "DEVELOPMENT, not AWS");
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn load(directory: &Path) -> Result<Authority, Error> {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Authority::load_or_make(directory, "root", params, &rcgen::PKCS_ECDSA_P384_SHA384)
    }

    #[test]
    fn makes_a_root_once_and_keeps_it_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let first = load(&path).unwrap().der;
        assert_eq!(load(&path).unwrap().der, first);
        for (name, mode) in [("", 0o700), ("root.key", 0o600), ("root.der", 0o600)] {
            let found = fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name}");
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
    }

    #[test]
    fn makes_a_lost_certificate_again_and_refuses_another_roots() {
        let directory = tempfile::tempdir().unwrap();
        load(directory.path()).unwrap();
        fs::remove_file(directory.path().join("root.der")).unwrap();
        load(directory.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        load(other.path()).unwrap();
        fs::copy(other.path().join("root.der"), directory.path().join("root.der")).unwrap();
        assert!(matches!(load(directory.path()), Err(Error::RootMismatch(_))));
        fs::write(directory.path().join("root.key"), b"damaged").unwrap();
        assert!(matches!(load(directory.path()), Err(Error::Certificate(_))));
    }
}
