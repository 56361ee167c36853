//! What the tables of changed fields share.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::client::{Person, Session};
use capelet_sim::faults::Plan;
use capelet_sim::run::{Enclave, Run};
use capelet_sim::store::Store;
use capelet_sim::world::World;
use enclave_core::cbor::Writer;
use enclave_core::config::Arn;
use enclave_core::identity;
use enclave_core::parent::{Key, Kind};
use enclave_core::vault::VaultRecord;
use std::sync::{Arc, Mutex};

/// A key of KMS' that is not the world's.
pub const OTHER_ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0de00000-0000-4000-8000-00000000000e";

/// One enclave over one store, its owner, and somebody else.
pub struct Place {
    pub run: Arc<Run>,
    pub store: Arc<Mutex<Store>>,
    pub enclave: Arc<Enclave>,
    pub owner: Person,
    pub attacker: Person,
}

/// One thread in a place of its own.
pub fn alone(work: impl FnOnce(Place) + Send + 'static) {
    Run::new(&World::new(), 1, Plan::default()).alone(|run| {
        let store = Arc::new(Mutex::new(Store::default()));
        let enclave = Enclave::boot(run, &store).unwrap();
        let (owner, attacker) = (Person::new(run, "owner", 1), Person::new(run, "attacker", 2));
        work(Place { run: run.clone(), store, enclave, owner, attacker });
    });
}

impl Place {
    pub fn session(&mut self) -> Session {
        Session::open(&self.enclave, &mut self.owner.prng).unwrap()
    }

    pub fn stored(&self, kind: Kind) -> (Key, Vec<u8>) {
        let store = self.store.lock().unwrap();
        let key = store.of(kind, &self.owner.owner)[0];
        (key, store.objects[&key].clone())
    }

    pub fn put(&self, key: Key, bytes: Vec<u8>) {
        self.store.lock().unwrap().objects.insert(key, bytes);
    }
}

/// One bit of a byte changed.
pub fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// The message with another payload under the same signature.
pub fn resealed(message: &[u8], payload: &[u8]) -> Vec<u8> {
    let old = identity::payload1(message).unwrap();
    let at = message.windows(old.len()).position(|window| window == old).unwrap();
    let mut writer = Writer::new();
    writer.bytes(payload);
    let mut old_item = Writer::new();
    old_item.bytes(old);
    let head = old_item.finish().len() - old.len();
    [&message[..at - head], &writer.finish(), &message[at + old.len()..]].concat()
}

/// Her word for a vault key with each of its fields changed.
pub fn vault_records(record: &VaultRecord) -> Vec<(&'static str, Vec<u8>)> {
    let with = |change: &dyn Fn(&mut VaultRecord)| {
        let mut record = record.clone();
        change(&mut record);
        record.encode()
    };
    vec![
        ("label", flipped(&record.encode(), 4)),
        ("owner", with(&|record| record.owner[0] ^= 1)),
        ("epoch", with(&|record| record.epoch += 1)),
        ("kid", with(&|record| record.kid[0] ^= 1)),
        ("document", with(&|record| record.document[0] ^= 1)),
        ("claims", with(&|record| record.claims[0] ^= 1)),
        ("ARN", with(&|record| record.arn = Arn::parse(OTHER_ARN).unwrap())),
    ]
}
