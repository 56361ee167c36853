//! A hostile parent: it changes stored objects, intercepts connections, and cuts or damages them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_dev::Address;
use capelet_dev::adversary::mitm::{self, Sight};
use capelet_dev::adversary::store::{self, Kind};
use capelet_dev::tamper::{self, Act, BYTES, Way};
use capelet_hostile_bytes::byte_flips;
use common::{ECHO, Place};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Renames the enclave's socket. Returns its old and its new address. A listener at the old address intercepts the
/// clients' connections.
fn intercept(place: &Place) -> (Address, Address) {
    let path = place.local.url.strip_prefix("unix:").unwrap();
    let aside = format!("{path}.aside");
    fs::rename(path, &aside).unwrap();
    (place.local.url.parse().unwrap(), format!("unix:{aside}").parse().unwrap())
}

#[test]
fn rejects_a_function_stored_in_place_of_another() {
    let place = Place::new(&[]);
    let (id, _) = place.deploy("one", ECHO);
    let (other, _) = place.deploy("two", common::SEVEN);
    let folder = place.local.home.join("store");
    let find = |id: &str| store::find(&folder, Kind::Function, id).unwrap();
    store::swap(&find(&id), &find(&other)).unwrap();
    assert_eq!(place.owner.code(&["run", "one", "x"]), "disagrees");
    place.local.stop();
}

#[test]
fn rejects_every_damage_to_a_stored_function() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let file = place.local.stored().pop().unwrap();
    let whole = fs::read(&file).unwrap();
    // The bytes are spread over all parts: magic, length, associated data, wrapped key, record, commitment, chunk, tag.
    for flip in byte_flips(&whole, 1).step_by(whole.len() / 24) {
        fs::write(&file, &flip.bytes).unwrap();
        let code = place.owner.code(&["run", "echo", "x"]);
        let known = ["cannot-open", "malformed", "bad-signature", "disagrees", "too-large", "kms-denied", "failed"];
        assert!(known.contains(&code.as_str()), "{flip}: {code}");
    }
    for length in [0, 1, 7, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        let code = place.owner.code(&["run", "echo", "x"]);
        assert!(["cannot-open", "malformed", "failed"].contains(&code.as_str()), "{length} bytes: {code}");
    }
    fs::write(&file, [whole.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "cannot-open");
    fs::write(&file, &whole).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    place.local.stop();
}

#[test]
fn rejects_a_genuine_document_from_another_connection() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let (front, back) = intercept(&place);
    let sight = Arc::new(Sight::default());
    let _middle = mitm::start(front.listen().unwrap(), back, sight.clone()).unwrap();
    for command in [&["run", "echo", "x"][..], &["attest"], &["list"]] {
        assert_eq!(place.owner.code(command), "exporter-mismatch", "{command:?}");
    }
    assert!(sight.clients.load(Ordering::SeqCst) >= 3, "the client did not connect");
    assert_eq!(sight.deceived.load(Ordering::SeqCst), 0);
    place.local.stop();
}

#[test]
fn rejects_connections_cut_or_damaged_at_any_byte() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let (front, back) = intercept(&place);
    let at = Arc::new(AtomicU64::new(u64::MAX));
    let seen = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let (cut, counted) = (at.clone(), seen.clone());
    let act = move |piece: tamper::Seen<'_>| {
        let up = usize::from(piece.way == Way::Up);
        let end = piece.position + piece.bytes.len() as u64;
        counted[up].fetch_max(end, Ordering::SeqCst);
        // Bit 0 of the plan is the direction, bit 1 is set to damage and clear to cut, the other bits are the position.
        let plan = cut.load(Ordering::SeqCst);
        let (place, way, flip) = (plan >> 2, usize::from(plan & 1 == 1), plan & 2 == 2);
        if plan == u64::MAX || way != up || !(piece.position..end).contains(&place) {
            return Act::Pass;
        }
        let offset = usize::try_from(place - piece.position).unwrap();
        if !flip {
            return Act::Cut(offset);
        }
        let mut bytes = piece.bytes.to_vec();
        bytes[offset] ^= 0x10;
        Act::Send(vec![bytes])
    };
    let _tamper = tamper::start(front.listen().unwrap(), back, BYTES, act).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    let totals = [seen[0].load(Ordering::SeqCst), seen[1].load(Ordering::SeqCst)];
    assert!(totals.iter().all(|total| *total > 3000), "{totals:?}");
    for way in [0, 1] {
        for flip in [0, 2] {
            for step in 0..8 {
                let place_at = totals[way] * step / 8 + step;
                at.store((place_at.min(totals[way] - 40) << 2) | flip | way as u64, Ordering::SeqCst);
                let output = place.owner.run(&["run", "echo", "x", "-o", "json"]);
                let code = if output.status.success() { "success".to_owned() } else { capelet_e2e::refusal(&output) };
                assert_ne!(code, "success", "way {way}, flip {flip}, byte {place_at}");
            }
        }
    }
    at.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    place.local.stop();
}
