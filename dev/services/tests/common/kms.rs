//! A serving KMS, a key that one enclave can use, and a recipient whose private key `openssl` holds.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{Enclave, openssl};
use capelet_dev::kms::{ADMINISTRATOR, Client, Kms, PARENT, sealed_policy};
use capelet_dev::{Address, Error, Service};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

pub const REGION: &str = "eu-central-1";

pub struct Served {
    pub enclave: Enclave,
    pub directory: TempDir,
    pub service: Service,
    /// A client with the parent's role.
    pub client: Client,
}

impl Served {
    pub fn start() -> Self {
        Self::start_for(Enclave::boot())
    }

    /// KMS and enclave have the same clock, which stands still.
    pub fn frozen() -> Self {
        Self::start_for(Enclave::frozen())
    }

    fn start_for(enclave: Enclave) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (service, client) = serve(&enclave, &directory);
        Self { enclave, directory, service, client }
    }

    /// A new KMS with the same state.
    pub fn restart(self) -> Self {
        let Self { enclave, directory, service, .. } = self;
        drop(service);
        let (service, client) = serve(&enclave, &directory);
        Self { enclave, directory, service, client }
    }

    pub fn administrator(&self) -> Client {
        self.client.acting_as(&ADMINISTRATOR)
    }

    /// The ARN of a new key with this policy.
    pub fn key(&self, policy: &str) -> String {
        let body = json!({ "Policy": policy, "BypassPolicyLockoutSafetyCheck": true });
        let made = self.administrator().call("CreateKey", &body).unwrap();
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_string()
    }

    /// The ARN of a new key that only this enclave's image can use.
    pub fn sealed_key(&self) -> String {
        self.key(&sealed_policy(&self.enclave.measured.pcr0))
    }
}

fn serve(enclave: &Enclave, directory: &TempDir) -> (Service, Client) {
    let roots = vec![enclave.root.der().to_vec()];
    let kms = Arc::new(Kms::with_clock(directory.path(), roots, enclave.clock.clone()).unwrap());
    let service = kms.serve("127.0.0.1:0".parse::<Address>().unwrap().listen().unwrap()).unwrap();
    let root = fs::read(Kms::root_path(directory.path())).unwrap();
    let client = Client::new(service.address(), &root, REGION, &PARENT).unwrap();
    (service, client)
}

/// An RSA key that `openssl` made and holds.
pub struct Recipient {
    pub spki: Vec<u8>,
    directory: TempDir,
}

impl Recipient {
    pub fn new(bits: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pem = openssl(&["genrsa", &bits.to_string()], b"").unwrap();
        fs::write(directory.path().join("key.pem"), &pem).unwrap();
        Self { spki: openssl(&["rsa", "-pubout", "-outform", "DER"], &pem).unwrap(), directory }
    }

    pub fn key_file(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// The member `Recipient` of a request: a document of this enclave with this key.
    pub fn in_document(&self, enclave: &Enclave) -> Value {
        with_document(&enclave.document(Some(self.spki.clone()), None))
    }

    /// Decrypts the member `CiphertextForRecipient` of an answer.
    pub fn open(&self, answer: &Value) -> Vec<u8> {
        let cms = BASE64.decode(answer["CiphertextForRecipient"].as_str().unwrap().as_bytes()).unwrap();
        let key = self.key_file();
        openssl(&["cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", key.to_str().unwrap()], &cms).unwrap()
    }
}

pub fn with_document(document: &[u8]) -> Value {
    json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": BASE64.encode(document) })
}

/// The name of the refusal, or `ok`.
pub fn name(answer: Result<Value, Error>) -> String {
    match answer {
        Ok(_) => "ok".to_string(),
        Err(Error::Kms(refusal)) => {
            assert_eq!(refusal.status, 400, "{refusal}");
            refusal.name
        }
        Err(other) => panic!("{other}"),
    }
}
