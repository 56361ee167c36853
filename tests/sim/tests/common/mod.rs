//! What the scenarios share: an enclave, its owner, another person, and how to change one field of a message.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Plan};
use capelet_sim::person::Person;
use capelet_sim::request::{ReceivedResponse, RequestSpec};
use capelet_sim::run::Run;
use capelet_sim::store::Store;
use capelet_sim::vault;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::world::World;
use enclave_core::attestation::VaultClaims;
use enclave_core::encoding::{FixedBytes, Writer, payload1};
use enclave_core::identity::VaultRecord;
use enclave_core::kms::Arn;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Error, ObjectId};
use std::sync::{Arc, Mutex};

/// A KMS key that is not the world's.
pub const OTHER_ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/0de00000-0000-4000-8000-00000000000e";

/// One enclave over one store, its owner, and another person.
pub struct Fixture {
    pub run: Arc<Run>,
    pub store: Arc<Mutex<Store>>,
    pub enclave: Arc<Enclave>,
    pub owner: Person,
    pub other: Person,
}

/// Runs one client thread with a fixture of its own.
pub fn scenario(work: impl FnOnce(Fixture) + Send + 'static) {
    Run::new(&World::new(), 1, Plan::default()).scenario(|run| {
        let store = Arc::new(Mutex::new(Store::default()));
        let enclave = Enclave::boot(run, &store).unwrap();
        let (owner, other) = (Person::new(run, "owner", 1), Person::new(run, "other", 2));
        work(Fixture { run: run.clone(), store, enclave, owner, other });
    });
}

impl Fixture {
    /// A session of the owner.
    pub fn session(&mut self) -> Session {
        Session::open(&self.enclave, &mut self.owner.prng).unwrap()
    }

    /// A session of the other person.
    pub fn others_session(&mut self) -> Session {
        Session::open(&self.enclave, &mut self.other.prng).unwrap()
    }

    /// A function of the owner, not deployed. `number` is its id.
    pub fn function(&self, number: u8, module: &[u8]) -> Function {
        Function::new(self.owner.owner, ObjectId::new([number; 16]), 1, module.to_vec())
    }

    /// Deploys a function of the owner.
    pub fn deploy(&mut self, session: &mut Session, function: &Function) {
        verbs::deploy(&self.run, session, &mut self.owner, function).unwrap();
    }

    /// Makes a vault key of the owner.
    pub fn make_key(&mut self, session: &mut Session, epoch: u64) -> VaultClaims {
        vault::make(&self.run, session, &mut self.owner, epoch).unwrap()
    }

    /// Sends a request of the owner.
    pub fn send(&mut self, session: &mut Session, spec: RequestSpec) -> ReceivedResponse {
        session.send(&mut self.owner, spec).unwrap()
    }

    /// Runs a function as the owner.
    pub fn run(&mut self, session: &mut Session, function: &Function, inputs: &[Input]) -> ReceivedResponse {
        verbs::run_function(&self.run, session, &mut self.owner, function, inputs).unwrap()
    }

    /// How often the enclave made this call.
    pub fn calls(&self, call: Call) -> usize {
        self.run.faults.calls().get(&call).copied().unwrap_or(0)
    }

    /// What is stored of the owner and this kind.
    pub fn stored(&self, kind: StoreKind) -> Vec<(StoreKey, Vec<u8>)> {
        let store = self.store.lock().unwrap();
        let keys = store.keys(kind, &self.owner.owner).into_iter();
        keys.map(|key| (key, store.objects[&key].clone())).collect()
    }

    /// Stores these bytes under this key, as a hostile parent does.
    pub fn put(&self, key: StoreKey, bytes: Vec<u8>) {
        self.store.lock().unwrap().objects.insert(key, bytes);
    }

    /// Whether nothing is stored.
    pub fn store_is_empty(&self) -> bool {
        self.store.lock().unwrap().objects.is_empty()
    }
}

/// The code of a response: `done`, or the error that its status stands for.
pub fn code(received: ReceivedResponse) -> &'static str {
    received.ok().map_or_else(Error::code, |_| "done")
}

/// The bytes with one bit of byte `at` flipped.
pub fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// Flips one bit of a value's first byte.
pub fn alter<T: FixedBytes + AsRef<[u8]>>(value: &mut T) {
    alter_at(value, 0);
}

/// Flips one bit of a value's byte `at`.
pub fn alter_at<T: FixedBytes + AsRef<[u8]>>(value: &mut T, at: usize) {
    *value = T::from_slice(&flipped(value.as_ref(), at)).unwrap();
}

/// The COSE_Sign1 `message` with another payload under the same signature.
pub fn with_payload(message: &[u8], payload: &[u8]) -> Vec<u8> {
    let item = |payload: &[u8]| {
        let mut writer = Writer::new();
        writer.bytes(payload);
        writer.finish()
    };
    let old = item(payload1(message).unwrap());
    let at = message.windows(old.len()).position(|window| window == old).unwrap();
    [&message[..at], &item(payload), &message[at + old.len()..]].concat()
}

/// The payloads of a vault record with each of its fields changed, by the name of the field.
pub fn changed_vault_records(record: &VaultRecord) -> Vec<(&'static str, Vec<u8>)> {
    let with = |change: &dyn Fn(&mut VaultRecord)| {
        let mut record = record.clone();
        change(&mut record);
        record.encode()
    };
    vec![
        ("label", flipped(&record.encode(), 4)),
        ("owner", with(&|record| alter(&mut record.owner))),
        ("epoch", with(&|record| record.epoch += 1)),
        ("kid", with(&|record| alter(&mut record.kid))),
        ("document", with(&|record| alter(&mut record.document))),
        ("claims", with(&|record| alter(&mut record.claims))),
        ("image", with(&|record| alter(&mut record.image))),
        ("ARN", with(&|record| record.arn = Arn::parse(OTHER_ARN).unwrap())),
    ]
}
