//! Statements are verified against the images that have held the vault key, at each use and offline.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use capelet::clock;
use capelet::statements::{self, MAX_AGE};
use common::vault::{ATTESTING, Vault};
use enclave_core::Pcr;
use enclave_core::identity::Identity;
use zeroize::Zeroizing;

/// PCR0 of another image.
const OTHER: Pcr = Pcr::new([2; 48]);

fn owner() -> Identity {
    Identity::from_secret(Zeroizing::new([5; 32]))
}

/// The code with which a client with these pins rejects a statement; `accepted` if it accepts the statement.
fn code(vault: &Vault, statement: &[u8], pinned: &[Pcr], revoked: &[Pcr]) -> &'static str {
    let entry = vault.entry("unix:/enclave", pinned, revoked);
    let verified = statements::verify(&entry, statement, &vault.owner.owner(), clock::now(), MAX_AGE);
    verified.err().map_or("accepted", |error| error.code())
}

#[test]
fn requires_that_every_image_that_held_the_key_is_pinned_and_not_revoked() {
    let vault = Vault::new(owner(), "i");
    let one = vault.statement(&[ATTESTING], ATTESTING);
    assert_eq!(code(&vault, &one, &[ATTESTING], &[]), "accepted");
    assert_eq!(code(&vault, &one, &[OTHER, ATTESTING], &[OTHER]), "accepted");
    assert_eq!(code(&vault, &one, &[OTHER], &[]), "pcr-mismatch");
    assert_eq!(code(&vault, &one, &[OTHER, ATTESTING], &[ATTESTING]), "revoked");

    // The document itself comes from a pinned image. The key was in another one too.
    let two = vault.statement(&[ATTESTING, OTHER], ATTESTING);
    assert_eq!(code(&vault, &two, &[OTHER, ATTESTING], &[]), "accepted");
    assert_eq!(code(&vault, &two, &[ATTESTING], &[]), "pcr-mismatch");
    assert_eq!(code(&vault, &two, &[ATTESTING], &[OTHER]), "revoked");
    assert_eq!(code(&vault, &two, &[OTHER, ATTESTING], &[OTHER]), "revoked");
}

#[test]
fn requires_the_document_of_the_image_that_the_owner_countersigned() {
    let vault = Vault::new(owner(), "i");
    let both = [ATTESTING, OTHER];
    assert_eq!(code(&vault, &vault.statement(&both, OTHER), &both, &[]), "wrong-image");
    assert_eq!(code(&vault, &vault.statement(&[OTHER], OTHER), &both, &[]), "wrong-image");
    // The record names an image that the claims do not.
    assert_eq!(code(&vault, &vault.statement(&[OTHER], ATTESTING), &both, &[]), "disagrees");
    assert_eq!(code(&vault, &vault.statement(&[ATTESTING], OTHER), &both, &[]), "disagrees");
}
