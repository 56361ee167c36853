//! A root made at the first start and kept: `NAME.key` (PKCS #8) and `NAME.der` (its certificate), both 0600.

use crate::Error;
use rcgen::{CertificateParams, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A root: what signs, and the certificate that verifiers trust.
pub struct Authority {
    /// Signs the certificates below it.
    pub issuer: Issuer<'static, KeyPair>,
    /// The certificate.
    pub der: Vec<u8>,
}

impl Authority {
    /// A root that is kept nowhere.
    pub fn make(params: CertificateParams, algorithm: &'static SignatureAlgorithm) -> Result<Self, Error> {
        let key = KeyPair::generate_for(algorithm)?;
        let der = params.self_signed(&key)?.der().to_vec();
        Ok(Self { issuer: Issuer::new(params, key), der })
    }

    /// The root in `directory` under `name`, made if there is none. `params` describe it both times.
    pub fn load_or_make(
        directory: &Path,
        name: &str,
        params: CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> Result<Self, Error> {
        make_private_directory(directory)?;
        let (key_path, der_path) = (directory.join(format!("{name}.key")), directory.join(format!("{name}.der")));
        if !key_path.exists() {
            keep(&key_path, &KeyPair::generate_for(algorithm)?.serialize_der())?;
        }
        let key = PrivatePkcs8KeyDer::from(read(&key_path)?);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, algorithm)?;
        // The key comes first: whoever is cut off between the two signs the certificate at the next start.
        if !der_path.exists() {
            keep(&der_path, params.self_signed(&key)?.der())?;
        }
        let der = read(&der_path)?;
        let certificate = CertificateDer::from(der.as_slice());
        let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| Error::NotARoot)?;
        if !anchor.subject_public_key_info.ends_with(key.der_bytes()) {
            return Err(Error::RootDisagrees(der_path));
        }
        Ok(Self { issuer: Issuer::new(params, key), der })
    }
}

/// Makes a directory that only its owner enters.
pub fn make_private_directory(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::File(path.to_path_buf(), error))
}

/// Reads a file of at most a megabyte.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let limited = || {
        if fs::metadata(path)?.len() > 1 << 20 {
            return Err(io::Error::from(ErrorKind::FileTooLarge));
        }
        fs::read(path)
    };
    limited().map_err(|error| Error::File(path.to_path_buf(), error))
}

/// Writes a new file, whole or not at all; one that is there already stays.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    match written(path, bytes).and_then(|file| Ok(file.persist_noclobber(path)?)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::File(path.to_path_buf(), error)),
    }
}

/// Writes a file, whole or not at all, in place of one that is there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let done = written(path, bytes).and_then(|file| Ok(file.persist(path)?));
    done.map(drop).map_err(|error| Error::File(path.to_path_buf(), error))
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(directory: &Path) -> Result<Authority, Error> {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Authority::load_or_make(directory, "root", params, &rcgen::PKCS_ECDSA_P384_SHA384)
    }

    #[test]
    fn made_once_and_private() {
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
    fn a_lost_certificate_is_made_again_and_a_foreign_one_refused() {
        let directory = tempfile::tempdir().unwrap();
        load(directory.path()).unwrap();
        fs::remove_file(directory.path().join("root.der")).unwrap();
        load(directory.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        load(other.path()).unwrap();
        fs::copy(other.path().join("root.der"), directory.path().join("root.der")).unwrap();
        assert!(matches!(load(directory.path()), Err(Error::RootDisagrees(_))));
        fs::write(directory.path().join("root.key"), b"damaged").unwrap();
        assert!(matches!(load(directory.path()), Err(Error::Certificate(_))));
    }
}
