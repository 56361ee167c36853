//! `CiphertextForRecipient`: CMS EnvelopedData (RFC 5652), as AWS KMS makes it.
//!
//! The content is encrypted with AES-256-CBC. Its key is encrypted with RSAES-OAEP and SHA-256. The recipient is named
//! by the SHA-256 of its SPKI. The program `openssl` makes the bytes, so that the core's reader meets another encoder.

use crate::Error;
use crate::authority::Authority;
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, IsCa, KeyIdMethod, PKCS_ECDSA_P256_SHA256, PublicKeyData, SubjectPublicKeyInfo};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time limit of one run of `openssl`.
const DEADLINE: Duration = Duration::from_secs(10);

/// Seals plaintexts to recipients.
pub struct Sealer {
    /// Signs the certificates. `openssl` accepts a recipient only as a certificate. Nobody verifies them.
    issuer: Authority,
    /// A directory with mode 0700 for the certificates. Plaintexts go through pipes only.
    directory: TempDir,
}

impl Sealer {
    /// Makes a sealer with its own issuer of certificates.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Connection`] if no folder for temporary files can be used.
    pub fn new() -> Result<Self, Error> {
        let issuer = Authority::make(CertificateParams::default(), &PKCS_ECDSA_P256_SHA256)?;
        let directory = tempfile::Builder::new().prefix("capelet-dev-kms-").tempdir()?;
        Ok(Self { issuer, directory })
    }

    /// Seals `plaintext` to an RSA key.
    ///
    /// # Errors
    /// [`Error::OpenSsl`], [`Error::Certificate`], [`Error::Connection`] if a file or a pipe failed.
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

    /// A certificate for the recipient's key. Its subjectKeyIdentifier is the SHA-256 of the SPKI.
    fn certificate(&self, key: &SubjectPublicKeyInfo) -> Result<String, Error> {
        let identifier = digest(&SHA256, &key.subject_public_key_info());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.as_ref().to_vec());
        Ok(params.signed_by(key, &self.issuer.issuer)?.pem())
    }
}

/// Runs the program on `input`, and returns its output. The program must succeed within the time limit.
fn run(mut command: Command, input: &[u8]) -> Result<Vec<u8>, Error> {
    // A configuration file of the machine must not change the output.
    command.env("OPENSSL_CONF", "/dev/null");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Error::OpenSsl(error.to_string()))?;
    let result = converse(&mut child, input);
    if result.is_err() {
        // The process may still run. It must not outlive the request.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn converse(child: &mut Child, input: &[u8]) -> Result<Vec<u8>, Error> {
    let missing = || Error::OpenSsl("a pipe is missing".to_string());
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let (mut stdout, mut stderr) = (child.stdout.take().ok_or_else(missing)?, child.stderr.take().ok_or_else(missing)?);
    let read = thread::spawn(move || {
        let mut output = Vec::new();
        stdout.read_to_end(&mut output).map(|_| output)
    });
    let messages = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    stdin.write_all(input)?;
    drop(stdin);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > DEADLINE {
            return Err(Error::OpenSsl(format!("exceeded its time limit of {} s", DEADLINE.as_secs())));
        }
        thread::sleep(Duration::from_millis(1));
    };
    let output = read.join().map_err(|_| missing())??;
    if !status.success() {
        return Err(Error::OpenSsl(messages.join().unwrap_or_default()));
    }
    Ok(output)
}
