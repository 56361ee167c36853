//! The store compared with a model, and with foreign files in its folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_parent::{Error, Placed, Store};
use enclave_core::parent::{ListEntry, MAX_LISTED, StoreKey, StoreKind};
use enclave_core::{ObjectId, OwnerKey};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

#[derive(Clone, Debug)]
enum Step {
    Put(StoreKey, Vec<u8>),
    Replace(StoreKey, Vec<u8>),
    Get(StoreKey),
    List(StoreKind, OwnerKey, Option<ListEntry>),
    Delete(StoreKey),
    /// Begins a body and drops it.
    GiveUp(Vec<u8>),
    Reopen,
}

fn kinds() -> impl Strategy<Value = StoreKind> {
    prop_oneof![Just(StoreKind::Function), Just(StoreKind::VaultKey), Just(StoreKind::Statement)]
}

fn entries() -> impl Strategy<Value = ListEntry> {
    // Few values, so that steps meet the same keys. Without leading zeros some versions would sort wrongly.
    let ids = prop_oneof![Just([0; 16]), Just([0xff; 16]), Just([9; 16])].prop_map(ObjectId::new);
    let versions = prop_oneof![0_u64..3, Just(0x10), Just(u64::MAX)];
    (ids, versions).prop_map(|(id, version)| ListEntry { id, version })
}

fn owners() -> impl Strategy<Value = OwnerKey> {
    prop_oneof![Just([0; 32]), Just([0xab; 32])].prop_map(OwnerKey::new)
}

fn keys() -> impl Strategy<Value = StoreKey> {
    (kinds(), owners(), entries()).prop_map(|(kind, owner, ListEntry { id, version })| StoreKey {
        kind,
        owner,
        id,
        version,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let body = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => (keys(), body()).prop_map(|(key, body)| Step::Put(key, body)),
        2 => (keys(), body()).prop_map(|(key, body)| Step::Replace(key, body)),
        4 => keys().prop_map(Step::Get),
        3 => (kinds(), owners(), prop::option::of(entries())).prop_map(|(kind, owner, after)| Step::List(kind, owner, after)),
        2 => keys().prop_map(Step::Delete),
        1 => body().prop_map(Step::GiveUp),
        1 => Just(Step::Reopen),
    ]
}

fn read(store: &Store, key: &StoreKey) -> Option<Vec<u8>> {
    store.get(key).unwrap().map(|(mut file, length)| {
        let mut body = Vec::new();
        file.read_to_end(&mut body).unwrap();
        assert_eq!(body.len() as u64, length);
        body
    })
}

fn put(store: &Store, key: &StoreKey, body: &[u8]) -> Placed {
    let mut incoming = store.begin().unwrap();
    incoming.write(body).unwrap();
    incoming.put(key).unwrap()
}

fn arriving(folder: &Path) -> usize {
    fs::read_dir(folder.join("incoming")).unwrap().count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map(steps in prop::collection::vec(steps(), 1..50)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut model: BTreeMap<StoreKey, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(key, body) => {
                    let expected = if model.contains_key(&key) { Placed::Exists } else { Placed::Done };
                    prop_assert_eq!(put(&store, &key, &body), expected);
                    model.entry(key).or_insert(body);
                }
                Step::Replace(key, body) => {
                    let mut incoming = store.begin().unwrap();
                    incoming.write(&body).unwrap();
                    incoming.replace(&key).unwrap();
                    model.insert(key, body);
                }
                Step::Get(key) => prop_assert_eq!(read(&store, &key), model.get(&key).cloned()),
                Step::List(kind, owner, after) => {
                    let expected: Vec<_> = model
                        .keys()
                        .filter(|key| key.kind == kind && key.owner == owner)
                        .map(|key| ListEntry { id: key.id, version: key.version })
                        .filter(|entry| after.is_none_or(|after| *entry > after))
                        .collect();
                    prop_assert_eq!(store.list(kind, &owner, after).unwrap(), expected);
                }
                Step::Delete(key) => {
                    store.delete(&key).unwrap();
                    model.remove(&key);
                }
                Step::GiveUp(body) => store.begin().unwrap().write(&body).unwrap(),
                Step::Reopen => {
                    drop(store);
                    store = Store::open(folder.path()).unwrap();
                }
            }
            prop_assert_eq!(arriving(folder.path()), 0);
        }
        for (key, body) in &model {
            prop_assert_eq!(&read(&store, key), &Some(body.clone()));
        }
    }
}

const OWNER: OwnerKey = OwnerKey::new([7; 32]);

fn key(id: u8, version: u64) -> StoreKey {
    StoreKey { kind: StoreKind::Function, owner: OWNER, id: ObjectId::new([id; 16]), version }
}

fn entry(id: u8, version: u64) -> ListEntry {
    ListEntry { id: ObjectId::new([id; 16]), version }
}

/// The folder of `key`'s owner.
fn owner(folder: &Path) -> std::path::PathBuf {
    folder.join("01").join("07".repeat(32))
}

#[test]
fn names_files_by_numbers_in_hexadecimal() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(put(&store, &key(0xa5, 0x1f), b"x"), Placed::Done);
    let name = owner(folder.path()).join(format!("{}-000000000000001f", "a5".repeat(16)));
    assert_eq!(fs::read(name).unwrap(), b"x");
}

#[test]
fn removes_unfinished_bodies_at_start_and_ignores_foreign_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(put(&store, &key(1, 1), b"x"), Placed::Done);
    drop(store);
    fs::write(folder.path().join("incoming/0"), b"half").unwrap();
    for name in
        ["README", "", "zz", &format!("{}-1", "01".repeat(16)), &format!("{}-{}", "0A".repeat(16), "0".repeat(16))]
    {
        if !name.is_empty() {
            fs::write(owner(folder.path()).join(name), b"?").unwrap();
        }
    }
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(arriving(folder.path()), 0);
    assert_eq!(store.list(StoreKind::Function, &OWNER, None).unwrap(), [entry(1, 1)]);
    // The unfinished body's name is free again.
    assert_eq!(put(&store, &key(1, 2), b"y"), Placed::Done);
}

#[test]
fn rejects_a_store_that_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::StoreInUse(_))));
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn rejects_a_store_of_another_layout_and_leaves_it_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("layout");
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(fs::read(&marker).unwrap(), b"capelet store 2\n");
    assert_eq!(put(&store, &key(1, 1), b"x"), Placed::Done);
    drop(store);
    drop(Store::open(folder.path()).unwrap());

    let rejected = |marker: Option<&[u8]>| {
        let path = folder.path().join("layout");
        match marker {
            Some(marker) => fs::write(&path, marker).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = Store::open(folder.path()).err().unwrap();
        assert_eq!(error.code(), "store-layout");
        assert!(error.to_string().contains("new folder"), "{error}");
        assert_eq!(fs::read(&path).ok().as_deref(), marker);
    };
    for other in [&b"capelet store 1\n"[..], b"capelet store 3\n", b"capelet store 2", b""] {
        rejected(Some(other));
    }
    rejected(None);
    assert!(owner(folder.path()).join(format!("{}-{:016x}", "01".repeat(16), 1)).is_file());
}

#[test]
fn refuses_a_folder_of_something_else_and_leaves_it_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [("photos", "photos/1"), ("incoming", "incoming/1"), ("work", "work/lock")] {
        let path = folder.path().join("of").join(name);
        fs::create_dir_all(path.join(file).parent().unwrap()).unwrap();
        fs::write(path.join(file), b"foreign").unwrap();
        let error = Store::open(&path).err().unwrap();
        assert_eq!(error.code(), "foreign-folder");
        assert!(error.to_string().contains(name) && error.to_string().contains("empty"), "{error}");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        assert_eq!(fs::read(path.join(file)).unwrap(), b"foreign");
    }
}

#[test]
fn removes_only_what_it_has_put_into_incoming() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    for name in ["7", "notes"] {
        fs::write(folder.path().join("incoming").join(name), b"x").unwrap();
    }
    drop(Store::open(folder.path()).unwrap());
    assert!(!folder.path().join("incoming/7").exists() && folder.path().join("incoming/notes").exists());
}

#[test]
fn serves_no_file_that_is_a_link_or_that_others_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(put(&store, &key(1, 1), b"x"), Placed::Done);
    let name = |version| owner(folder.path()).join(format!("{}-{version:016x}", "01".repeat(16)));
    std::os::unix::fs::symlink("/etc/passwd", name(2)).unwrap();
    nix::unistd::mkfifo(&name(3), nix::sys::stat::Mode::S_IRUSR).unwrap();
    fs::write(name(4), b"x").unwrap();
    fs::set_permissions(name(4), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    assert!(store.get(&key(1, 1)).unwrap().is_some());
    for version in 2..5 {
        assert!(store.get(&key(1, version)).is_err(), "{version}");
    }
}

#[test]
fn rejects_a_file_in_place_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(Store::open(&file), Err(Error::Store { .. })));
    assert!(matches!(Store::open(&file.join("below")), Err(Error::Store { .. })));
}

#[test]
fn lists_more_entries_than_one_answer_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(put(&store, &key(1, 0), b""), Placed::Done);
    let count = MAX_LISTED as u64 + 2_500;
    let name = |version: u64| owner(folder.path()).join(format!("{}-{version:016x}", "01".repeat(16)));
    for version in 1..count {
        // Links are made without the store, because it would sync each one. A link is faster than a file.
        fs::hard_link(name(0), name(version)).unwrap();
    }
    let mut seen = Vec::new();
    for expected in [MAX_LISTED, 2_500, 0] {
        let page = store.list(StoreKind::Function, &OWNER, seen.last().copied()).unwrap();
        assert_eq!(page.len(), expected);
        seen.extend(page);
    }
    assert_eq!(seen, (0..count).map(|version| entry(1, version)).collect::<Vec<_>>());
}

#[test]
fn stores_exactly_one_of_many_concurrent_puts() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for version in 0..20 {
        let barrier = std::sync::Barrier::new(4);
        let done: Vec<u8> = std::thread::scope(|scope| {
            let (store, barrier) = (&store, &barrier);
            let writers: Vec<_> = (0..4_u8)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut incoming = store.begin().unwrap();
                        incoming.write(&[writer; 1000]).unwrap();
                        barrier.wait();
                        (incoming.put(&key(1, version)).unwrap() == Placed::Done).then_some(writer)
                    })
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(done.len(), 1, "{done:?}");
        assert_eq!(read(&store, &key(1, version)).unwrap(), [done[0]; 1000]);
    }
}
