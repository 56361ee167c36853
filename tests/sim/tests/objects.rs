//! Every field of a stored object, changed one at a time by the parent: each ends in the error that it should, and
//! never in another result.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::{Person, Session};
use capelet_sim::run::Enclave;
use capelet_sim::verbs::{self, Function, Input};
use common::{OTHER_ARN, Place, alone, flipped, resealed, vault_records};
use enclave_core::cbor::{Reader, Writer};
use enclave_core::config::Arn;
use enclave_core::object::{self, ObjectAd};
use enclave_core::parent::{Key, Kind};
use enclave_core::record::{FUNCTION, FunctionRecord};
use enclave_core::vault::{VAULT_OWNER, VaultRecord};
use enclave_core::{Error, Part, identity};

/// A stored object, taken apart.
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
        let mut reader = Reader::new(head, Part::Object).unwrap();
        reader.array(3).unwrap();
        let (ad, wrapped) = (reader.bytes(0, 1000).unwrap().to_vec(), reader.bytes(0, 6144).unwrap().to_vec());
        Self { ad, wrapped, record: reader.item().unwrap().to_vec(), stream: stream.to_vec() }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3).bytes(&self.ad).bytes(&self.wrapped).item(&self.record);
        let head = writer.finish();
        [b"CPLO".as_slice(), &(head.len() as u32).to_be_bytes(), &head, &self.stream].concat()
    }
}

type Change = (String, Object, &'static str);

/// What can be changed of any object, with the code that it ends in.
fn changes(object: &Object, attacker: &Person) -> Vec<Change> {
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
    // The associated data says something else than the owner's record.
    for (name, changed) in [
        ("id", with(&|ad| ad.id[0] ^= 1)),
        ("version", with(&|ad| ad.version += 1)),
        ("content", with(&|ad| ad.content[0] ^= 1)),
        ("ARN", with(&|ad| ad.arn = Arn::parse(OTHER_ARN).unwrap())),
    ] {
        add(name, "disagrees", &|object| object.ad = changed.clone());
    }
    // Another's name: her record does not hold under it. Another kind: it is no record of that kind.
    let other_kind = match ad.kind {
        object::Kind::Function => object::Kind::VaultKey,
        object::Kind::VaultKey => object::Kind::Function,
    };
    for (name, changed) in [
        ("owner", with(&|ad| ad.owner = attacker.owner)),
        ("kind", with(&|ad| ad.kind = other_kind)),
        // What the record does not speak of is bound by KMS' context and by the stream's key.
        ("salt", with(&|ad| ad.salt[0] ^= 1)),
        ("label", flipped(&object.ad, 5)),
        ("half not used", {
            let mut ad = object.ad.clone();
            *ad.last_mut().unwrap() = 0xf4;
            ad
        }),
        ("trailing", [object.ad.as_slice(), &[0]].concat()),
        ("nothing", Vec::new()),
    ] {
        add(name, "cannot-open", &|object| object.ad = changed.clone());
    }
    for at in [0, 1, 20, 40, object.wrapped.len() - 1] {
        add(&format!("wrapped {at}"), "cannot-open", &|object| object.wrapped = flipped(&object.wrapped, at));
    }
    add("wrapped of another key", "cannot-open", &|object| object.wrapped = vec![1; 77]);
    add("wrapped of nothing", "cannot-open", &|object| object.wrapped = Vec::new());
    // The stream: commitment, first byte, tag; short, long, cut between its chunks, chunks exchanged.
    let length = object.stream.len();
    for at in [0, 31, 32, length - 17, length - 1] {
        add(&format!("stream {at}"), "cannot-open", &|object| object.stream = flipped(&object.stream, at));
    }
    add("a byte less", "cannot-open", &|object| object.stream.truncate(length - 1));
    add("a byte more", "cannot-open", &|object| object.stream.push(0));
    add("no stream", "cannot-open", &|object| object.stream.clear());
    if length > 32 + 2 * 65_552 {
        add("one chunk", "cannot-open", &|object| object.stream.truncate(32 + 65_552));
        add("chunks exchanged", "cannot-open", &|object| {
            let second = object.stream.split_off(32 + 65_552);
            let (second, rest) = second.split_at(65_552);
            let first = object.stream.split_off(32);
            object.stream = [&object.stream, second, &first, rest].concat();
        });
    }
    changes
}

/// The record, under the old signature and under another's.
fn records(object: &Object, typ: &str, payloads: Vec<(&str, Vec<u8>)>, attacker: &Person) -> Vec<Change> {
    let with = |record| Object { record, ..object.clone() };
    let mut changes: Vec<Change> = Vec::new();
    let own = identity::payload1(&object.record).unwrap();
    for (name, payload) in payloads {
        changes.push((format!("record {name}"), with(resealed(&object.record, &payload)), "cannot-open"));
        let forged = with(attacker.identity.sign1(typ, &[], &payload));
        changes.push((format!("record {name}, signed by another"), forged, "cannot-open"));
    }
    let last = object.record.len() - 1;
    for (name, record) in [
        ("signature", flipped(&object.record, last)),
        ("signed by another", attacker.identity.sign1(typ, &[], own)),
        ("signed as another thing", attacker.identity.sign1("capelet/1/request", &[], own)),
        ("untagged", object.record[1..].to_vec()),
        ("a number", vec![0]),
    ] {
        changes.push((format!("record: {name}"), with(record), "cannot-open"));
    }
    changes
}

/// Puts each change in the place of what is under `key`; `look` is what is then seen.
fn try_all(
    place: &mut Place,
    key: Key,
    changes: Vec<Change>,
    look: &dyn Fn(&mut Place, &mut Session) -> Result<(), Error>,
) {
    let genuine = place.store.lock().unwrap().objects[&key].clone();
    // A boot of its own for each, for a key that was unwrapped is remembered.
    for (name, changed, code) in changes {
        assert_ne!(changed.encode(), genuine, "{name} changes nothing");
        place.put(key, changed.encode());
        place.enclave = Enclave::boot(&place.run, &place.store).unwrap();
        let mut session = place.session();
        assert_eq!(look(place, &mut session).map_err(Error::code), Err(code), "{name}");
    }
    place.put(key, genuine);
    let mut session = place.session();
    assert_eq!(look(place, &mut session), Ok(()), "as it was");
}

#[test]
fn a_stored_function() {
    alone(|mut place| {
        let mut session = place.session();
        let function = Function::new(place.owner.owner, [1; 16], 1, vec![7; 140_000]);
        verbs::deploy(&place.run, &mut session, &mut place.owner, &function).unwrap();
        let (key, stored) = place.stored(Kind::Function);
        let object = Object::parse(&stored);
        assert_eq!(object.encode(), stored);

        let record = FunctionRecord::parse(identity::payload1(&object.record).unwrap()).unwrap();
        let with = |change: &dyn Fn(&mut FunctionRecord)| {
            let mut record = record.clone();
            change(&mut record);
            record.encode()
        };
        let mut public = record.encode();
        let at = public.windows(2).position(|pair| pair == [6, 0xf4]).unwrap();
        public[at + 1] = 0xf5;
        let payloads = vec![
            ("label", flipped(&record.encode(), 4)),
            ("owner", with(&|record| record.owner[0] ^= 1)),
            ("id", with(&|record| record.id[0] ^= 1)),
            ("version", with(&|record| record.version += 1)),
            ("checksum", with(&|record| record.checksum[0] ^= 1)),
            ("public", public),
            ("issued", with(&|record| record.issued += 1)),
            ("ARN", with(&|record| record.arn = Arn::parse(OTHER_ARN).unwrap())),
        ];
        let mut all = changes(&object, &place.attacker);
        all.extend(records(&object, FUNCTION, payloads, &place.attacker));
        // All of it the attacker's, under his name, which is not the name that was asked for.
        let mut theirs = ObjectAd::parse(&object.ad).unwrap();
        theirs.owner = place.attacker.owner;
        let mut record = record.clone();
        record.owner = place.attacker.owner;
        let record = place.attacker.identity.sign1(FUNCTION, &[], &record.encode());
        all.push((
            "the attacker's own".to_string(),
            Object { ad: theirs.encode(), record, ..object.clone() },
            "disagrees",
        ));
        assert!(all.len() > 40);

        try_all(&mut place, key, all, &move |place, session| {
            let input = [Input::Plain(b"input".to_vec())];
            let answered = verbs::run_function(&place.run, session, &mut place.owner, &function, &input)?;
            assert!(answered.response.receipt.is_none() || answered.response.status == 0);
            answered.done().map(|_| ())
        });
        // What stands before the head: magic, length.
        for (at, name) in [(0, "magic"), (4, "length"), (7, "length by one")] {
            place.put(key, flipped(&stored, at));
            let mut session = place.session();
            let function = Function::new(place.owner.owner, [1; 16], 1, vec![7; 140_000]);
            let ran =
                verbs::run_function(&place.run, &mut session, &mut place.owner, &function, &[Input::Plain(vec![])]);
            assert_eq!(ran.unwrap().done().map(|_| ()), Err(Error::CannotOpen), "{name}");
        }
    });
}

#[test]
fn a_stored_vault_key() {
    alone(|mut place| {
        let mut session = place.session();
        let offered = verbs::vault_create(&place.run, &mut session, &mut place.owner, 1).unwrap();
        verbs::vault_confirm(&place.run, &mut session, &mut place.owner, &offered).unwrap();
        let kid = offered.claims.kid;
        let (key, stored) = place.stored(Kind::VaultKey);
        let object = Object::parse(&stored);
        let record = VaultRecord::parse(identity::payload1(&object.record).unwrap()).unwrap();
        let mut all = changes(&object, &place.attacker);
        all.extend(records(&object, VAULT_OWNER, vault_records(&record), &place.attacker));
        try_all(&mut place, key, all, &move |place, session| {
            verbs::vault_attest(&place.run, session, &mut place.owner, &kid, 1).map(|_| ())
        });
    });
}
