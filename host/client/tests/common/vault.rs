//! An enclave of a test, the owner of a vault key in it, and the key's statement.

use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use capelet::clock;
use capelet::home::Home;
use capelet::home::trust::{PinMode, Trust, TrustEntry, TrustedRoot};
use capelet::pins::ImagePins;
use capelet::statements;
use capelet::url::Url;
use capelet::values::{Base64, Hex};
use capelet_dev::nsm::{Measured, Nsm, Root};
use enclave_core::attestation::{VaultClaims, vault_user_data};
use enclave_core::crypto::{KemSecret, sha384};
use enclave_core::identity::{Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::objects::encode_statement;
use enclave_core::{Kid, Pcr};
use std::path::Path;
use std::sync::Arc;

/// PCR0 of the image that attests.
pub const ATTESTING: Pcr = Pcr::new([1; 48]);

/// An enclave with the image [`ATTESTING`], and the owner of a vault key in it.
pub struct Vault {
    nsm: Nsm,
    pub root: Arc<Root>,
    pub owner: Identity,
}

impl Vault {
    /// `instance` becomes a part of the name that the enclave gives itself.
    pub fn new(owner: Identity, instance: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::load_or_make(folder.path()).unwrap();
        let (pcr0, role, instance) = (*ATTESTING.as_bytes(), "r".to_owned(), instance.to_owned());
        let measured = Measured { pcr0, pcr1: [3; 48], pcr2: [4; 48], role, instance };
        let nsm = Nsm::new(root.clone(), &measured).unwrap();
        let vault = Self { nsm, root, owner };
        // The measurement of the empty configuration.
        vault.ask(&Request::ExtendPCR { index: 16, data: sha384(&[]).to_vec() });
        vault.ask(&Request::LockPCR { index: 16 });
        vault
    }

    fn ask(&self, request: &Request) -> Response {
        serde_cbor::from_slice(&self.nsm.answer(&serde_cbor::to_vec(request).unwrap())).unwrap()
    }

    /// A document of the enclave.
    pub fn document(&self, user_data: Option<Vec<u8>>) -> Vec<u8> {
        let user_data = user_data.map(Into::into);
        let request = Request::Attestation { user_data, nonce: Some(vec![7; 32].into()), public_key: None };
        let Response::Attestation { document } = self.ask(&request) else { panic!("no document") };
        document
    }

    /// The statement of a key that `images` have held. The owner countersigns it for the image `signed`.
    pub fn statement(&self, images: &[Pcr], signed: Pcr) -> Vec<u8> {
        let key = KemSecret::from_seed(&[6; 32]).unwrap().public();
        let (owner, epoch, kid) = (self.owner.owner(), 1, Kid::of(&key));
        let until = clock::now().plus(86_400_000);
        let (configuration, images) = (Vec::new(), images.to_vec());
        let claims = VaultClaims { owner, epoch, key, kid, previous: None, until, configuration, kms: None, images };
        let claims = claims.encode();
        let document = self.document(Some(vault_user_data(&claims).to_vec()));
        let record = VaultRecord {
            owner,
            epoch,
            kid,
            document: sha384(&[&document]),
            claims: sha384(&[&claims]),
            arn: Arn::parse("arn:aws:kms:eu-central-1:111122223333:key/5ee31b4b-23d4-4d0f-a2fb-58f714cf8f48").unwrap(),
            image: signed,
        };
        let record = self.owner.sign1(VAULT_RECORD, &[], &record.encode());
        encode_statement(&document, &claims, &record)
    }

    /// The trust entry of a client who pins these images.
    pub fn entry(&self, url: &str, pinned: &[Pcr], revoked: &[Pcr]) -> TrustEntry {
        TrustEntry {
            url: url.to_owned(),
            root: TrustedRoot::Development(Base64(self.root.der().to_vec())),
            pins: pinned.iter().map(|pcr0| ImagePins::new([(0, *pcr0)].into()).unwrap()).collect(),
            revoked: revoked.iter().copied().map(Hex).collect(),
        }
    }
}

/// Gives the user of the folder `home` a vault key at `url`, with the statement that was kept for offline use.
pub fn with_vault_key(home: &Path, url: &str) -> Vault {
    let home = Home::at(home.to_owned()).unwrap();
    let vault = Vault::new(home.identity(|_| ()).unwrap(), "i");
    let url = Url::parse(url).unwrap();
    let entry = vault.entry(&url.to_string(), &[ATTESTING], &[]);
    let (root, pins) = (entry.root.clone(), entry.pins[0].clone());
    home.update(|trust: &mut Trust| trust.pin(&url, root, pins, PinMode::Replace)).unwrap();
    let statement = vault.statement(&[ATTESTING], ATTESTING);
    let owner = vault.owner.owner();
    let key = statements::verify(&entry, &statement, &owner, clock::now(), statements::MAX_AGE).unwrap();
    statements::keep(&home, &url, &key, &statement).unwrap();
    vault
}
