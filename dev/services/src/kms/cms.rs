//! `CiphertextForRecipient`, made by the `openssl` program: CMS EnvelopedData (RFC 5652) with AES-256-CBC, its key
//! under RSAES-OAEP with SHA-256, the recipient named by the SHA-256 of its SPKI, as AWS KMS does.
//!
//! No encoder of this project is in it, so that the core's reader is tried on somebody else's bytes.

use crate::Error;
use crate::authority::Authority;
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, IsCa, KeyIdMethod, PKCS_ECDSA_P256_SHA256, PublicKeyData, SubjectPublicKeyInfo};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one run of `openssl` may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Seals for recipients.
pub struct Sealer {
    /// Signs the certificate without which `openssl` takes no key. Nobody verifies it.
    issuer: Authority,
    /// Holds those certificates, 0700; plaintexts go through pipes only.
    directory: TempDir,
}

impl Sealer {
    /// A sealer with an issuer of its own.
    pub fn new() -> Result<Self, Error> {
        let issuer = Authority::make(CertificateParams::default(), &PKCS_ECDSA_P256_SHA256)?;
        let directory = tempfile::Builder::new().prefix("capelet-dev-kms-").tempdir()?;
        Ok(Self { issuer, directory })
    }

    /// Seals `plaintext` to an RSA key.
    pub fn seal(&self, key: &SubjectPublicKeyInfo, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let certificate = self.certificate(key)?;
        let mut file = tempfile::NamedTempFile::new_in(self.directory.path())?;
        file.write_all(certificate.as_bytes())?;
        let mut openssl = Command::new("openssl");
        openssl.args(["cms", "-encrypt", "-binary", "-aes256", "-keyid", "-stream", "-outform", "DER", "-recip"]);
        openssl.arg(file.path());
        for option in ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"] {
            openssl.args(["-keyopt", option]);
        }
        run(openssl, plaintext)
    }

    /// A certificate over the recipient's key whose subjectKeyIdentifier is SHA-256 of its SPKI.
    fn certificate(&self, key: &SubjectPublicKeyInfo) -> Result<String, Error> {
        let identifier = digest(&SHA256, &key.subject_public_key_info());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.as_ref().to_vec());
        Ok(params.signed_by(key, &self.issuer.issuer)?.pem())
    }
}

/// Runs the program on `input` and gives what it writes, if it ends well and in time.
fn run(mut command: Command, input: &[u8]) -> Result<Vec<u8>, Error> {
    // No configuration of the machine's changes what comes out.
    command.env("OPENSSL_CONF", "/dev/null");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Error::OpenSsl(error.to_string()))?;
    let result = converse(&mut child, input);
    if result.is_err() {
        // It may still run, and must not outlive the request.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn converse(child: &mut Child, input: &[u8]) -> Result<Vec<u8>, Error> {
    let missing = || Error::OpenSsl("no pipe".to_string());
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let (mut stdout, mut stderr) = (child.stdout.take().ok_or_else(missing)?, child.stderr.take().ok_or_else(missing)?);
    let read = thread::spawn(move || {
        let mut output = Vec::new();
        stdout.read_to_end(&mut output).map(|_| output)
    });
    let said = thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        said
    });
    stdin.write_all(input)?;
    drop(stdin);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > DEADLINE {
            return Err(Error::OpenSsl("took too long".to_string()));
        }
        thread::sleep(Duration::from_millis(1));
    };
    let output = read.join().map_err(|_| missing())??;
    if !status.success() {
        return Err(Error::OpenSsl(said.join().unwrap_or_default()));
    }
    Ok(output)
}
