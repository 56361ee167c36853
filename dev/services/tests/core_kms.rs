//! The core as a client of this KMS, over TLS: its SigV4, JSON, CMS and documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use capelet_dev::Stream;
use capelet_dev::kms::{Kms, PARENT, STRANGER, sealed_policy};
use capelet_dev::nsm::Nsm;
use common::Enclave;
use common::kms::Served;
use enclave_core::encoding::Channel;
use enclave_core::kms::{Arn, decrypt, generate_data_key, key_metadata, key_policy};
use enclave_core::parent::{Answer, Credentials, Operation};
use enclave_core::platform::{DocumentPurpose, Job, Platform, Recipient, RunOutput, WorkError};
use enclave_core::state::SharedState;
use enclave_core::{Error, Pcr, TransportError, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

/// The core's platform, with this enclave's NSM and this KMS.
struct Here<'a> {
    enclave: &'a Enclave,
    served: &'a Served,
}

struct Tls(StreamOwned<ClientConnection, Stream>);

impl Channel for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        self.0.read(buffer).map_err(|_| TransportError::Closed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.0.write_all(bytes).and_then(|()| self.0.flush()).map_err(|_| TransportError::Closed)
    }
}

struct Rsa {
    public: Vec<u8>,
    key: PrivateDecryptingKey,
}

impl Recipient for Rsa {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let key = OaepPrivateDecryptingKey::new(self.key).unwrap();
        let mut out = vec![0; key.min_output_size()];
        let opened = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None);
        Ok(opened.map_err(|_| Error::CannotOpen)?.to_vec().into())
    }
}

impl Platform for Here<'_> {
    type Crypto = AwsLc;
    type Kms = Tls;

    fn random(&self, _: &mut [u8]) -> Result<(), TransportError> {
        unreachable!()
    }

    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError> {
        let asked = purpose.request();
        let owned = |bytes: &[u8]| bytes.to_vec().into();
        let request = Request::Attestation {
            user_data: Some(owned(asked.user_data)),
            nonce: asked.nonce.map(owned),
            public_key: asked.public_key.map(owned),
        };
        match self.enclave.ask(&request) {
            Response::Attestation { document } => Ok(document),
            _ => Err(TransportError::Failed),
        }
    }

    fn image(&self) -> Result<Pcr, TransportError> {
        unreachable!()
    }

    fn pause(&self) {
        unreachable!()
    }

    fn elapsed(&self) -> u64 {
        unreachable!()
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        assert!(matches!(operation, Operation::Credentials("eu-central-1")));
        Ok(Answer::Credentials(Credentials {
            access_key_id: PARENT.access_key_id.to_string(),
            secret_access_key: PARENT.secret_access_key.to_string().into(),
            session_token: String::new(),
        }))
    }

    fn kms(&self, host: &str) -> Result<Tls, TransportError> {
        let mut roots = RootCertStore::empty();
        roots.add(fs::read(Kms::root_path(self.served.directory.path())).unwrap().into()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(config), host.to_string().try_into().unwrap()).unwrap();
        Ok(Tls(StreamOwned::new(connection, self.served.service.address().connect().unwrap())))
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        Ok(Box::new(Rsa { public: public.as_ref().to_vec(), key }))
    }

    fn work(&self, _: &Job<'_>, _: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        unreachable!()
    }

    fn shared<R>(&self, _: impl FnOnce(&mut SharedState) -> R) -> R {
        unreachable!()
    }
}

fn now() -> UnixMillis {
    UnixMillis::new(common::now())
}

#[test]
fn core_gets_data_keys_for_its_own_image_only() {
    let served = Served::start();
    let here = Here { enclave: &served.enclave, served: &served };
    let arn = Arn::parse(&served.sealed_key()).unwrap();
    let (key, wrapped) = generate_data_key(&here, &arn, "context", now()).unwrap();
    assert_eq!(decrypt(&here, &arn, "context", &wrapped, now()), Ok(key));
    assert_eq!(decrypt(&here, &arn, "another", &wrapped, now()), Err(Error::CannotOpen));

    let other = Enclave::boot_with(b"other", b"code");
    let padded = Enclave { nsm: nsm_of(&served, &other), ..Enclave::boot() };
    let elsewhere = Here { enclave: &padded, served: &served };
    assert_eq!(decrypt(&elsewhere, &arn, "context", &wrapped, now()), Err(Error::KmsDenied));
    assert_eq!(generate_data_key(&elsewhere, &arn, "context", now()).map(|_| ()), Err(Error::KmsDenied));
}

/// The NSM of an enclave with other code, under the same root.
fn nsm_of(served: &Served, other: &Enclave) -> Arc<Nsm> {
    Arc::new(Nsm::new(served.enclave.root.clone(), &other.measured).unwrap())
}

#[test]
fn core_reads_policy_metadata_and_every_page_of_grants() {
    let served = Served::start();
    let here = Here { enclave: &served.enclave, served: &served };
    let policy = sealed_policy(&served.enclave.measured.pcr0);
    let arn = Arn::parse(&served.key(&policy)).unwrap();
    assert_eq!(key_policy(&here, &arn, now()).unwrap(), policy);
    let before = key_metadata(&here, &arn, now()).unwrap();
    assert_eq!(key_metadata(&here, &arn, now()).unwrap(), before);

    let open = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
    let open = served.key(open);
    let arn = Arn::parse(&open).unwrap();
    let none = key_metadata(&here, &arn, now()).unwrap();
    for _ in 0..120 {
        let grant = json!({ "KeyId": open, "GranteePrincipal": STRANGER.arn, "Operations": ["Decrypt"] });
        served.client.call("CreateGrant", &grant).unwrap();
    }
    let all = key_metadata(&here, &arn, now()).unwrap();
    assert_eq!((none.grants.len(), all.grants.len()), (0, 120), "every page is read");
}
