//! Statements are verified against the images that have held the vault key, at each use and offline.
#![allow(clippy::unwrap_used, clippy::panic)]

use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use capelet::clock;
use capelet::home::trust::{TrustEntry, TrustedRoot};
use capelet::pins::ImagePins;
use capelet::statements::{self, MAX_AGE};
use capelet::values::{Base64, Hex};
use capelet_dev::nsm::{Measured, Nsm, Root};
use enclave_core::attestation::{VaultClaims, vault_user_data};
use enclave_core::crypto::{KemSecret, sha384};
use enclave_core::identity::{Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::objects::encode_statement;
use enclave_core::{Kid, Pcr};
use std::sync::Arc;
use zeroize::Zeroizing;

/// PCR0 of the image that attests.
const ATTESTING: Pcr = Pcr::new([1; 48]);
/// PCR0 of another image.
const OTHER: Pcr = Pcr::new([2; 48]);

/// An enclave with the image [`ATTESTING`], and the owner of a vault key in it.
struct Vault {
    nsm: Nsm,
    root: Arc<Root>,
    owner: Identity,
}

impl Vault {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::load_or_make(folder.path()).unwrap();
        let measured = Measured {
            pcr0: *ATTESTING.as_bytes(),
            pcr1: [3; 48],
            pcr2: [4; 48],
            role: "r".into(),
            instance: "i".into(),
        };
        let nsm = Nsm::new(root.clone(), &measured).unwrap();
        let vault = Self { nsm, root, owner: Identity::from_secret(Zeroizing::new([5; 32])) };
        // The measurement of the empty configuration.
        vault.ask(&Request::ExtendPCR { index: 16, data: sha384(&[]).to_vec() });
        vault.ask(&Request::LockPCR { index: 16 });
        vault
    }

    fn ask(&self, request: &Request) -> Response {
        serde_cbor::from_slice(&self.nsm.answer(&serde_cbor::to_vec(request).unwrap())).unwrap()
    }

    /// The statement of a key that `images` have held. The owner countersigns it for the image `signed`.
    fn statement(&self, images: &[Pcr], signed: Pcr) -> Vec<u8> {
        let key = KemSecret::from_seed(&[6; 32]).unwrap().public();
        let (owner, epoch, kid) = (self.owner.owner(), 1, Kid::of(&key));
        let until = clock::now().plus(86_400_000);
        let (configuration, images) = (Vec::new(), images.to_vec());
        let claims = VaultClaims { owner, epoch, key, kid, previous: None, until, configuration, kms: None, images };
        let claims = claims.encode();
        let user_data = Some(vault_user_data(&claims).to_vec().into());
        let request = Request::Attestation { user_data, nonce: Some(vec![7; 32].into()), public_key: None };
        let Response::Attestation { document } = self.ask(&request) else { panic!("no document") };
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

    /// The code with which a client with these pins rejects a statement; `accepted` if it accepts the statement.
    fn verify(&self, statement: &[u8], pinned: &[Pcr], revoked: &[Pcr]) -> &'static str {
        let entry = TrustEntry {
            url: "unix:/enclave".to_owned(),
            root: TrustedRoot::Development(Base64(self.root.der().to_vec())),
            pins: pinned.iter().map(|pcr0| ImagePins::new([(0, *pcr0)].into()).unwrap()).collect(),
            revoked: revoked.iter().copied().map(Hex).collect(),
        };
        let verified = statements::verify(&entry, statement, &self.owner.owner(), clock::now(), MAX_AGE);
        verified.err().map_or("accepted", |error| error.code())
    }
}

#[test]
fn requires_that_every_image_that_held_the_key_is_pinned_and_not_revoked() {
    let vault = Vault::new();
    let one = vault.statement(&[ATTESTING], ATTESTING);
    assert_eq!(vault.verify(&one, &[ATTESTING], &[]), "accepted");
    assert_eq!(vault.verify(&one, &[OTHER, ATTESTING], &[OTHER]), "accepted");
    assert_eq!(vault.verify(&one, &[OTHER], &[]), "pcr-mismatch");
    assert_eq!(vault.verify(&one, &[OTHER, ATTESTING], &[ATTESTING]), "revoked");

    // The document itself comes from a pinned image. The key was in another one too.
    let two = vault.statement(&[ATTESTING, OTHER], ATTESTING);
    assert_eq!(vault.verify(&two, &[OTHER, ATTESTING], &[]), "accepted");
    assert_eq!(vault.verify(&two, &[ATTESTING], &[]), "pcr-mismatch");
    assert_eq!(vault.verify(&two, &[ATTESTING], &[OTHER]), "revoked");
    assert_eq!(vault.verify(&two, &[OTHER, ATTESTING], &[OTHER]), "revoked");
}

#[test]
fn requires_the_document_of_the_image_that_the_owner_countersigned() {
    let vault = Vault::new();
    let both = [ATTESTING, OTHER];
    assert_eq!(vault.verify(&vault.statement(&both, OTHER), &both, &[]), "wrong-image");
    assert_eq!(vault.verify(&vault.statement(&[OTHER], OTHER), &both, &[]), "wrong-image");
    // The record names an image that the claims do not.
    assert_eq!(vault.verify(&vault.statement(&[OTHER], ATTESTING), &both, &[]), "disagrees");
    assert_eq!(vault.verify(&vault.statement(&[ATTESTING], OTHER), &both, &[]), "disagrees");
}
