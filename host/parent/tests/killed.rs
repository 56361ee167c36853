//! Repeated `kill -9`: every acknowledged object is stored and whole, and no truncated object is visible.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{OWNER, Process, ask, binary, key, list, wait_until, wait_until_serving};
use enclave_core::parent::{Answer, ListEntry, Operation, StoreKey};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const ROUNDS: u64 = 12;
const WRITERS: u8 = 4;
/// How many objects are acknowledged in a round, at least, before the parent is killed.
const STORED: u64 = 2;

/// What one writer knows.
#[derive(Default)]
struct Known {
    /// Objects that were acknowledged.
    stored: BTreeSet<StoreKey>,
    /// Objects for which no answer came. Each is either whole or absent.
    open: BTreeSet<StoreKey>,
    /// The last number of the writer's statement that was acknowledged, and the last that was sent.
    acknowledged: u64,
    tried: u64,
}

/// A body whose length and bytes follow from the key and a number, so that a truncated one is recognised.
fn body(key: &StoreKey, number: u64) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key.version ^ u64::from(key.id.as_bytes()[0]);
    let length = 8 + (seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 47) as usize;
    let mut body = number.to_be_bytes().to_vec();
    body.extend((8..length).map(|index| (index as u64 ^ seed) as u8));
    body
}

fn statement(writer: u8) -> StoreKey {
    StoreKey::statement(OWNER, writer.into())
}

/// Puts and replaces until the parent is killed. Counts the objects that were acknowledged.
fn write(enclave: &Path, writer: u8, next: &AtomicU64, count: &AtomicU64, known: &mut Known) {
    loop {
        let object = key(writer, next.fetch_add(1, Ordering::Relaxed));
        known.open.insert(object);
        match ask(enclave, &Operation::Put(object, &body(&object, 0))) {
            Ok(Answer::Done) => known.stored.insert(object),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return,
        };
        known.open.remove(&object);
        count.fetch_add(1, Ordering::Relaxed);
        known.tried += 1;
        match ask(enclave, &Operation::Replace(statement(writer), &body(&statement(writer), known.tried))) {
            Ok(Answer::Done) => known.acknowledged = known.tried,
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return,
        }
    }
}

/// Compares the store with what the writer knows. Objects whose answer never came are then known to be stored or not.
fn check(enclave: &Path, writer: u8, known: &mut Known) {
    for object in &known.stored {
        assert!(ask(enclave, &Operation::Get(*object)).unwrap() == Answer::Body(body(object, 0)), "lost: {object:?}");
    }
    for object in std::mem::take(&mut known.open) {
        match ask(enclave, &Operation::Get(object)).unwrap() {
            Answer::NotFound => {}
            answer => {
                assert!(answer == Answer::Body(body(&object, 0)), "truncated: {object:?}");
                known.stored.insert(object);
            }
        }
    }
    match ask(enclave, &Operation::Get(statement(writer))).unwrap() {
        Answer::NotFound => assert_eq!(known.acknowledged, 0),
        Answer::Body(found) => {
            let number = u64::from_be_bytes(found[..8].try_into().unwrap());
            assert!((known.acknowledged..=known.tried).contains(&number), "an old statement");
            assert!(found == body(&statement(writer), number), "a truncated statement");
            (known.acknowledged, known.tried) = (number, known.tried);
        }
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn keeps_every_acknowledged_object_when_killed() {
    let folder = tempfile::tempdir().unwrap();
    let enclave = folder.path().join("enclave");
    let random = RandomState::new();
    let known: BTreeMap<u8, Mutex<Known>> = (1..=WRITERS).map(|writer| (writer, Mutex::default())).collect();
    let next = AtomicU64::new(0);
    for round in 0..ROUNDS {
        let mut parent = Process(binary(folder.path()).stderr(Stdio::null()).spawn().unwrap());
        wait_until_serving(&enclave);
        for (writer, known) in &known {
            check(&enclave, *writer, &mut known.lock().unwrap());
        }
        assert_eq!(std::fs::read_dir(folder.path().join("store/incoming")).unwrap().count(), 0);
        let count = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for (writer, known) in &known {
                let (enclave, next, count) = (&enclave, &next, &count);
                scope.spawn(move || write(enclave, *writer, next, count, &mut known.lock().unwrap()));
            }
            // However slow the host is, each round stores something. Then the parent is killed at a random moment.
            let enough = || (count.load(Ordering::Relaxed) >= STORED).then_some(());
            wait_until(|| "the parent stores nothing".to_owned(), enough);
            std::thread::sleep(Duration::from_micros(random.hash_one(round) % 60_000));
            parent.0.kill().unwrap();
            parent.0.wait().unwrap();
        });
    }
    let _parent = Process(binary(folder.path()).stderr(Stdio::null()).spawn().unwrap());
    wait_until_serving(&enclave);
    let mut listed: Vec<ListEntry> = Vec::new();
    let mut stored = 0;
    for (writer, known) in &known {
        let mut known = known.lock().unwrap();
        check(&enclave, *writer, &mut known);
        stored += known.stored.len();
        listed.extend(known.stored.iter().map(|key| ListEntry { id: key.id, version: key.version }));
    }
    let all = ask(&enclave, &list(None)).unwrap();
    listed.sort_unstable();
    assert!(all == Answer::Listed(listed), "the list has an object that was never put, or lacks one");
    println!("{ROUNDS} kills, {stored} objects stored and found");
    assert!(stored as u64 >= ROUNDS * STORED, "too little was tried: {stored}");
}
