//! A stored object, changed by the parent in one field at a time. Each change gives the expected error and never another
//! result.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::person::Person;
use capelet_sim::vault;
use capelet_sim::verbs::Input;
use common::{Fixture, OTHER_ARN, alter, changed_vault_records, flipped, scenario, with_payload};
use enclave_core::crypto::{CHUNK_LEN, COMMITMENT_LEN, TAG_LEN};
use enclave_core::encoding::{Reader, Writer, payload1};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, VAULT_RECORD, VaultRecord};
use enclave_core::kms::{Arn, MAX_WRAPPED};
use enclave_core::messages::{MAX_HEAD, Status};
use enclave_core::objects::{ObjectAd, ObjectContent};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Checksum, Error, Kid, MessageKind};

/// The parts of a stored object. The core never gives them apart, because only a hostile parent exchanges them.
#[derive(Clone)]
struct Object {
    ad: Vec<u8>,
    wrapped: Vec<u8>,
    record: Vec<u8>,
    stream: Vec<u8>,
}

impl Object {
    fn parse(stored: &[u8]) -> Self {
        let length = u32::from_be_bytes(stored[4..8].try_into().unwrap()) as usize;
        let (head, stream) = stored[8..].split_at(length);
        let mut reader = Reader::new(head, MessageKind::Object).unwrap();
        reader.array(3).unwrap();
        let ad = reader.bytes(1, MAX_HEAD).unwrap().to_vec();
        let wrapped = reader.bytes(1, MAX_WRAPPED).unwrap().to_vec();
        Self { ad, wrapped, record: reader.item().unwrap().to_vec(), stream: stream.to_vec() }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3).bytes(&self.ad).bytes(&self.wrapped).item(&self.record);
        let head = writer.finish();
        [b"CPLO".as_slice(), &(head.len() as u32).to_be_bytes(), &head, &self.stream].concat()
    }
}

/// A name, the changed object, and the expected code.
type Change = (String, Object, &'static str);

/// The changes that every object allows.
fn changes(object: &Object, other: &Person) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let mut add = |name: &str, code, change: &dyn Fn(&mut Object)| {
        let mut changed = object.clone();
        change(&mut changed);
        changes.push((name.to_string(), changed, code));
    };
    let ad = ObjectAd::parse(&object.ad).unwrap();
    let with = |change: &dyn Fn(&mut ObjectAd)| {
        let mut ad = ad.clone();
        change(&mut ad);
        ad.encode()
    };
    let (other_content, other_kind) = match ad.content {
        ObjectContent::Function(mut checksum) => {
            let kid = ObjectContent::VaultKey(Kid::new(*checksum.as_bytes()));
            alter(&mut checksum);
            (ObjectContent::Function(checksum), kid)
        }
        ObjectContent::VaultKey(mut kid) => {
            let checksum = ObjectContent::Function(Checksum::new(*kid.as_bytes()));
            alter(&mut kid);
            (ObjectContent::VaultKey(kid), checksum)
        }
    };
    // The associated data differs from the owner's record.
    for (name, changed) in [
        ("id", with(&|ad| alter(&mut ad.id))),
        ("version", with(&|ad| ad.version += 1)),
        ("content", with(&|ad| ad.content = other_content)),
        ("image", with(&|ad| alter(&mut ad.image))),
        ("ARN", with(&|ad| ad.arn = Arn::parse(OTHER_ARN).unwrap())),
    ] {
        add(name, "disagrees", &|object| object.ad = changed.clone());
    }
    for (name, changed) in [
        // The record is not verified with another owner's key, and not as another kind of record.
        ("owner", with(&|ad| ad.owner = other.owner)),
        ("kind", with(&|ad| ad.content = other_kind)),
        // The record does not contain the salt. KMS's context and the key of the stream depend on it.
        ("salt", with(&|ad| alter(&mut ad.salt))),
        ("label", flipped(&object.ad, 5)),
        ("no key share needed", {
            let mut ad = object.ad.clone();
            // The image follows: its key, its length, 48 bytes.
            let at = ad.len() - 52;
            assert_eq!(ad[at], 0xf5);
            ad[at] = 0xf4;
            ad
        }),
        ("trailing byte", [object.ad.as_slice(), &[0]].concat()),
        ("empty", Vec::new()),
    ] {
        add(name, "cannot-open", &|object| object.ad = changed.clone());
    }
    for at in [0, 1, 20, 40, object.wrapped.len() - 1] {
        add(&format!("wrapped {at}"), "cannot-open", &|object| object.wrapped = flipped(&object.wrapped, at));
    }
    add("wrapped by another key", "cannot-open", &|object| object.wrapped = vec![1; 77]);
    add("wrapped: empty", "cannot-open", &|object| object.wrapped = Vec::new());
    // The stream: its commitment, its first byte, its last tag; truncated, extended, cut between chunks, reordered.
    let length = object.stream.len();
    for at in [0, COMMITMENT_LEN - 1, COMMITMENT_LEN, length - TAG_LEN - 1, length - 1] {
        add(&format!("stream {at}"), "cannot-open", &|object| object.stream = flipped(&object.stream, at));
    }
    add("stream truncated by a byte", "cannot-open", &|object| object.stream.truncate(length - 1));
    add("stream with a trailing byte", "cannot-open", &|object| object.stream.push(0));
    add("stream: empty", "cannot-open", &|object| object.stream.clear());
    let chunk = CHUNK_LEN + TAG_LEN;
    if length > COMMITMENT_LEN + 2 * chunk {
        add("only the first chunk", "cannot-open", &|object| object.stream.truncate(COMMITMENT_LEN + chunk));
        add("chunks reordered", "cannot-open", &|object| {
            let second = object.stream.split_off(COMMITMENT_LEN + chunk);
            let (second, rest) = second.split_at(chunk);
            let first = object.stream.split_off(COMMITMENT_LEN);
            object.stream = [&object.stream, second, &first, rest].concat();
        });
    }
    changes
}

/// Changes of the record: other payloads under the old signature and under another person's, and other signatures.
fn record_changes(object: &Object, typ: &str, payloads: Vec<(&str, Vec<u8>)>, other: &Person) -> Vec<Change> {
    let with = |record| Object { record, ..object.clone() };
    let mut changes: Vec<Change> = Vec::new();
    let payload = payload1(&object.record).unwrap();
    for (name, payload) in payloads {
        changes.push((format!("record {name}"), with(with_payload(&object.record, &payload)), "cannot-open"));
        let forged = with(other.identity.sign1(typ, &[], &payload));
        changes.push((format!("record {name}, signed by another"), forged, "cannot-open"));
    }
    let last = object.record.len() - 1;
    for (name, record) in [
        ("signature", flipped(&object.record, last)),
        ("signed by another", other.identity.sign1(typ, &[], payload)),
        ("signed as another type", other.identity.sign1("capelet/1/request", &[], payload)),
        ("untagged", object.record[1..].to_vec()),
        ("an integer", vec![0]),
    ] {
        changes.push((format!("record: {name}"), with(record), "cannot-open"));
    }
    changes
}

/// Stores each change under `key` and checks the code that `open` gives.
fn rejects_all(
    fixture: &mut Fixture,
    key: StoreKey,
    changes: Vec<Change>,
    open: &dyn Fn(&mut Fixture, &mut Session) -> Result<(), Error>,
) {
    let genuine = fixture.store.lock().unwrap().objects[&key].clone();
    for (name, changed, code) in changes {
        assert_ne!(changed.encode(), genuine, "{name} changes nothing");
        fixture.put(key, changed.encode());
        // A new boot, because an enclave remembers data keys.
        fixture.enclave = Enclave::boot(&fixture.run, &fixture.store).unwrap();
        let mut session = fixture.session();
        assert_eq!(open(fixture, &mut session).map_err(Error::code), Err(code), "{name}");
    }
    fixture.put(key, genuine);
    let mut session = fixture.session();
    assert_eq!(open(fixture, &mut session), Ok(()), "unchanged");
}

#[test]
fn rejects_every_change_of_a_stored_function() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, &[7; 140_000]);
        fixture.deploy(&mut session, &function);
        let (key, stored) = fixture.stored(StoreKind::Function).remove(0);
        let object = Object::parse(&stored);
        assert_eq!(object.encode(), stored);

        let record = FunctionRecord::parse(payload1(&object.record).unwrap()).unwrap();
        let with = |change: &dyn Fn(&mut FunctionRecord)| {
            let mut record = record.clone();
            change(&mut record);
            record.encode()
        };
        // The record cannot say it in this version of the protocol, so the byte is changed.
        let mut public = record.encode();
        let at = public.windows(2).position(|pair| pair == [6, 0xf4]).unwrap();
        public[at + 1] = 0xf5;
        let payloads = vec![
            ("label", flipped(&record.encode(), 4)),
            ("owner", with(&|record| alter(&mut record.owner))),
            ("id", with(&|record| alter(&mut record.id))),
            ("version", with(&|record| record.version += 1)),
            ("checksum", with(&|record| alter(&mut record.checksum))),
            ("public", public),
            ("issued", with(&|record| record.issued = record.issued.plus(1))),
            ("ARN", with(&|record| record.arn = Arn::parse(OTHER_ARN).unwrap())),
        ];
        let mut all = changes(&object, &fixture.other);
        all.extend(record_changes(&object, FUNCTION_RECORD, payloads, &fixture.other));
        // A valid object of another owner under the owner's store key.
        let mut ad = ObjectAd::parse(&object.ad).unwrap();
        ad.owner = fixture.other.owner;
        let record = FunctionRecord { owner: fixture.other.owner, ..record.clone() };
        let record = fixture.other.identity.sign1(FUNCTION_RECORD, &[], &record.encode());
        let others = Object { ad: ad.encode(), record, ..object.clone() };
        all.push(("another owner's object".to_string(), others, "disagrees"));
        assert!(all.len() > 40);

        let same = function.clone();
        rejects_all(&mut fixture, key, all, &move |fixture, session| {
            let received = fixture.run(session, &same, &[Input::Plain(b"input".to_vec())]);
            assert!(received.response.receipt.is_none() || received.response.status == Status::DONE.number());
            received.ok().map(|_| ())
        });
        for (at, name) in [(0, "magic"), (4, "length, first byte"), (7, "length, last byte")] {
            fixture.put(key, flipped(&stored, at));
            let mut session = fixture.session();
            let received = fixture.run(&mut session, &function, &[Input::Plain(Vec::new())]);
            assert_eq!(received.ok().map(|_| ()), Err(Error::CannotOpen), "{name}");
        }
    });
}

#[test]
fn rejects_every_change_of_a_stored_vault_key() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let kid = fixture.make_key(&mut session, 1).kid;
        let (key, stored) = fixture.stored(StoreKind::VaultKey).remove(0);
        let object = Object::parse(&stored);
        let record = VaultRecord::parse(payload1(&object.record).unwrap()).unwrap();
        let mut all = changes(&object, &fixture.other);
        all.extend(record_changes(&object, VAULT_RECORD, changed_vault_records(&record), &fixture.other));
        rejects_all(&mut fixture, key, all, &move |fixture, session| {
            vault::attest(&fixture.run, session, &mut fixture.owner, kid, 1).map(|_| ())
        });
    });
}
