//! What is said: hello, request and response; to and from the parent; to and from PID 1 and the worker.

use super::damaged;
use crate::world;
use capelet_abi::job::Header;
use capelet_abi::outcome::{END_LEN, End, Frame, HEAD_LEN};
use capelet_abi::spawn::{Ended, Spawn};
use enclave_core::Part;
use enclave_core::config::{Arn, Configuration, Deployers};
use enclave_core::hello::{Hello, encode_evidence, parse_evidence};
use enclave_core::message::{MAX_HEAD, Request, Response, split_head};
use enclave_core::parent::{Answer, Asked, Operation};

pub fn configuration(data: &[u8]) {
    if let Ok(configuration) = Configuration::parse(data) {
        assert_eq!(configuration.encode(), data);
    }
    if let Some(arn) = std::str::from_utf8(data).ok().and_then(|text| Arn::parse(text).ok()) {
        assert_eq!(arn.text().as_bytes(), data);
        assert!(arn.kms_host().starts_with("kms.") && arn.account().len() == 12);
    }
    // A list that the configuration knows.
    let known = Configuration {
        arn: world::arn(),
        limits: enclave_core::config::Limits::MAXIMA,
        deployers: Some(enclave_core::digest::sha256(&[data])),
    };
    if let Ok(list) = Deployers::parse(&known, Some(data)) {
        let keys: Vec<[u8; 32]> =
            (0..data.len()).filter_map(|at| data[at..].first_chunk().copied()).filter(allowed(&list)).collect();
        assert_eq!(Deployers::encode(keys), data);
    }
}

/// Whether a key stands in the list.
fn allowed(list: &Option<Deployers>) -> impl Fn(&[u8; 32]) -> bool {
    move |key| list.as_ref().is_some_and(|list| list.allowed(key))
}

pub fn hello(data: &[u8]) {
    if let Ok(hello) = Hello::parse(data) {
        assert_eq!(hello.encode(), data);
    }
    if let Ok((document, claims)) = parse_evidence(data) {
        assert_eq!(encode_evidence(document, claims), data);
    }
}

/// Requests as they are; and one of the fuzzer's making, signed.
pub fn request(data: &[u8]) {
    if let Ok((head, rest)) = split_head(data, Part::Request) {
        assert!(head.len() <= MAX_HEAD && data.ends_with(rest));
    }
    let _ = Request::open(data, 0, &[0; 48]);
    let Ok(mut request) = Request::parse(data) else { return };
    assert_eq!(request.encode().as_slice(), data);
    request.caller = world::owner().owner();
    let Ok((signed, digest)) = request.sign(world::owner(), &[5; 48]) else { return };
    let (head, body) = split_head(&signed, Part::Request).expect("a head");
    assert!(body.is_empty());
    let (opened, again) = Request::open(head, request.n, &[5; 48]).expect("signed");
    assert_eq!((opened.encode(), again), (request.encode(), digest));
    assert!(Request::open(head, request.n, &[6; 48]).is_err(), "the session's claims are signed along");
    assert!(Request::open(head, request.n ^ 1, &[5; 48]).is_err());
    assert!(Request::open(&damaged(head, data), request.n, &[5; 48]).is_err());
}

/// Number and digest as the bytes have them, so that what is behind is reached.
pub fn response(data: &[u8]) {
    for n in [0, 1] {
        let Some(digest) = data.get(6..54).and_then(|bytes| bytes.try_into().ok()) else { return };
        let Ok(response) = Response::parse(data, n, digest) else { continue };
        let Ok(again) = response.encode() else {
            assert!(data.len() > MAX_HEAD, "only what no stream brings is not written again");
            continue;
        };
        assert_eq!(split_head(&again, Part::Response), Ok((data, &[][..])));
        assert!(Response::parse(data, n ^ 1, digest).is_err());
    }
}

pub fn parent(data: &[u8]) {
    if let Ok(asked) = Asked::decode(data) {
        let operation = match &asked {
            Asked::Boot => Operation::Boot,
            Asked::Get(key) => Operation::Get(*key),
            Asked::Put(key) => Operation::Put(*key, &[]),
            Asked::Replace(key) => Operation::Replace(*key, &[]),
            Asked::List { kind, owner, after } => Operation::List { kind: *kind, owner: *owner, after: *after },
            Asked::Delete(key) => Operation::Delete(*key),
            Asked::Credentials(region) => Operation::Credentials(region),
        };
        assert_eq!(operation.encode().0, data);
    }
    if let Ok(answer) = Answer::decode(data) {
        assert_eq!(answer.encode().0, data);
    }
}

pub fn job(data: &[u8]) {
    if let Some(header) = Header::from_bytes(data) {
        let bytes = header.to_bytes().expect("a header that was read");
        assert_eq!(bytes.split_first_chunk(), Some((&(data.len() as u32).to_be_bytes(), data)));
        assert!(header.address_space() >= header.limits.memory);
    }
    if let Some(spawn) = Spawn::from_bytes(data) {
        assert_eq!(spawn.to_bytes(), data);
    }
    if let Some(ended) = Ended::from_bytes(data) {
        assert_eq!(ended.to_bytes(), data);
    }
    if let Some((head, rest)) = data.split_first_chunk::<HEAD_LEN>() {
        if let Some((frame, length)) = Frame::parse(*head) {
            assert_eq!(frame.head(length), Some(*head));
        }
        if let Some(end) = rest.first_chunk::<END_LEN>().and_then(|bytes| End::from_bytes(*bytes)) {
            assert_eq!(end.to_bytes(), rest[..END_LEN]);
        }
    }
}
