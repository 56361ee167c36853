//! The NSM as an enclave uses it: registers, limits, errors, the socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use aws_nitro_enclaves_nsm_api::api::{Digest, Request, Response};
use capelet_dev::adversary::pad;
use capelet_dev::nsm::{Measured, Nsm, Root, serve};
use common::{Enclave, ask, extend, parts, payload, sha384};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

/// The longest response, in bytes of CBOR, as in the driver of the real NSM.
const MAX_RESPONSE: usize = 12_288;

const ZEROS: [u8; 48] = [0; 48];

fn describe(enclave: &Enclave, index: u16) -> (bool, Vec<u8>) {
    match enclave.ask(&Request::DescribePCR { index }) {
        Response::DescribePCR { lock, data } => (lock, data),
        other => panic!("{other:?}"),
    }
}

#[test]
fn measures_the_bytes_of_both_programs() {
    let (core, worker) = (b"core ".repeat(50_000), b"worker".to_vec());
    let enclave = Enclave::boot_with(&core, &worker);
    let both = [core.as_slice(), &worker].concat();
    let role = enclave.measured.role.as_bytes().to_vec();
    let instance = enclave.measured.instance.as_bytes().to_vec();
    let expected = [sha384(&both), sha384(&core), sha384(&worker), role, instance];
    for (index, measured) in (0..).zip(expected) {
        assert_eq!(describe(&enclave, index), (true, extend(&ZEROS, &measured)), "PCR{index}");
    }
    for index in 5..32 {
        assert_eq!(describe(&enclave, index), (index < 16, ZEROS.to_vec()), "PCR{index}");
    }
}

#[test]
fn another_byte_in_a_program_changes_its_measurement() {
    let enclave = Enclave::boot();
    let (core, worker, padded) = (enclave.path("core"), enclave.path("worker"), enclave.path("padded"));
    pad(&core, &padded).unwrap();
    assert_eq!(fs::metadata(&padded).unwrap().len(), fs::metadata(&core).unwrap().len() + 1);
    let other = Measured::of(&padded, &worker).unwrap();
    assert_ne!(other.pcr0, enclave.measured.pcr0);
    assert_ne!(other.pcr1, enclave.measured.pcr1);
    assert_eq!(other.pcr2, enclave.measured.pcr2);
    // PCR0 hashes both programs without a separator. PCR1 and PCR2 reveal a byte that moved between them.
    fs::write(&core, b"the core's codet").unwrap();
    fs::write(&worker, b"he worker's code").unwrap();
    let moved = Measured::of(&core, &worker).unwrap();
    assert_eq!(moved.pcr0, enclave.measured.pcr0);
    assert_ne!(moved.pcr1, enclave.measured.pcr1);
    assert!(Measured::of(&core, &enclave.path("missing")).is_err());
}

#[test]
fn registers_can_be_extended_until_they_are_locked() {
    let enclave = Enclave::boot();
    let error = |request| match enclave.ask(&request) {
        Response::Error(code) => format!("{code:?}"),
        other => format!("{other:?}"),
    };
    let extend_pcr = |index, data: &[u8]| error(Request::ExtendPCR { index, data: data.to_vec() });
    assert_eq!(extend_pcr(0, b"x"), "ReadOnlyIndex");
    assert_eq!(extend_pcr(15, b"x"), "ReadOnlyIndex");
    assert_eq!(extend_pcr(32, b"x"), "InvalidIndex");
    assert_eq!(error(Request::DescribePCR { index: 32 }), "InvalidIndex");
    assert_eq!(error(Request::LockPCR { index: 65_535 }), "InvalidIndex");
    assert_eq!(error(Request::LockPCR { index: 0 }), "ReadOnlyIndex");
    assert_eq!(error(Request::LockPCRs { range: 33 }), "InvalidIndex");

    let once = extend(&ZEROS, b"configuration");
    assert_eq!(extend_pcr(16, b"configuration"), format!("{:?}", Response::ExtendPCR { data: once.clone() }));
    let twice = extend(&once, b"more");
    assert_eq!(extend_pcr(16, b"more"), format!("{:?}", Response::ExtendPCR { data: twice.clone() }));
    assert_eq!(describe(&enclave, 16), (false, twice.clone()));

    assert!(
        !payload(&enclave.document(None, None)).pcrs.contains_key(&16),
        "a register that is not locked is not in a document"
    );
    assert_eq!(error(Request::LockPCR { index: 16 }), "LockPCR");
    assert_eq!(extend_pcr(16, b"x"), "ReadOnlyIndex");
    let document = payload(&enclave.document(None, None));
    assert_eq!(document.pcrs.keys().copied().collect::<Vec<_>>(), (0..=16).collect::<Vec<_>>());
    assert_eq!(document.pcrs[&16].as_slice(), twice);
    assert_eq!(document.pcrs[&0].as_slice(), enclave.measured.pcr0);

    assert_eq!(error(Request::LockPCRs { range: 32 }), "LockPCRs");
    assert_eq!(extend_pcr(31, b"x"), "ReadOnlyIndex");
    assert_eq!(payload(&enclave.document(None, None)).pcrs.len(), 32);
}

#[test]
fn each_module_describes_itself_with_its_own_id() {
    let enclave = Enclave::boot();
    let other = Nsm::new(enclave.root.clone(), &enclave.measured).unwrap();
    let mut modules = Vec::new();
    for nsm in [&*enclave.nsm, &other] {
        let Response::DescribeNSM { module_id, max_pcrs, locked_pcrs, digest, .. } = ask(nsm, &Request::DescribeNSM)
        else {
            panic!()
        };
        assert_eq!((max_pcrs, digest), (32, Digest::SHA384));
        assert_eq!(locked_pcrs.into_iter().collect::<Vec<_>>(), (0..16).collect::<Vec<_>>());
        assert!(module_id.starts_with(&format!("{}-enc", enclave.measured.instance)));
        modules.push(module_id);
    }
    assert_ne!(modules[0], modules[1]);
    assert_eq!(payload(&enclave.document(None, None)).module_id, modules[0]);
}

#[test]
fn random_answers_have_256_bytes_and_differ() {
    let enclave = Enclave::boot();
    let draw = || match enclave.ask(&Request::GetRandom) {
        Response::GetRandom { random } => random,
        other => panic!("{other:?}"),
    };
    let (one, two) = (draw(), draw());
    assert_eq!(one.len(), 256);
    assert_ne!(one, two);
}

#[test]
fn refuses_oversized_fields_and_malformed_requests() {
    let enclave = Enclave::boot();
    let attest = |user_data: usize, nonce: usize, public_key: usize| {
        let bytes = |length| Some(vec![7; length].into());
        let (user_data, nonce, public_key) = (bytes(user_data), bytes(nonce), bytes(public_key));
        match enclave.ask(&Request::Attestation { user_data, nonce, public_key }) {
            Response::Attestation { document } => {
                let document = payload(&document);
                let length = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
                let fields = [&document.user_data, &document.nonce, &document.public_key];
                fields.map(|field| length(field.as_ref().map(|bytes| bytes.as_slice())).to_string()).join(" ")
            }
            Response::Error(code) => format!("{code:?}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(attest(512, 512, 1024), "512 512 1024");
    assert_eq!(attest(513, 0, 0), "InputTooLarge");
    assert_eq!(attest(0, 513, 0), "InputTooLarge");
    assert_eq!(attest(0, 0, 1025), "InputTooLarge");

    let answer = |request: &[u8]| format!("{:?}", serde_cbor::from_slice::<Response>(&enclave.nsm.answer(request)));
    assert_eq!(answer(&[0; 4097]), "Ok(Error(InputTooLarge))");
    for request in [&b""[..], b"\xff", b"\x6bDescribeNSN", b"\xa1\x67LockPCR\xa0", b"\x6bDescribeNSM\x00"] {
        assert_eq!(answer(request), "Ok(Error(InvalidOperation))", "{request:02x?}");
    }
    let largest = enclave.document(Some(vec![1; 1024]), Some(vec![2; 512]));
    assert!(largest.len() < MAX_RESPONSE, "{} bytes", largest.len());
}

#[test]
fn the_socket_serves_several_connections_to_one_module() {
    let enclave = Enclave::boot();
    let path = enclave.path("nsm");
    let (listener, nsm) = (UnixListener::bind(&path).unwrap(), enclave.nsm.clone());
    thread::spawn(move || serve(listener, nsm));

    let mut stream = UnixStream::connect(&path).unwrap();
    let mut converse = |request: &[u8]| {
        stream.write_all(&(request.len() as u32).to_be_bytes()).unwrap();
        stream.write_all(request).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut response = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut response).unwrap();
        serde_cbor::from_slice::<Response>(&response).unwrap()
    };
    let extend = serde_cbor::to_vec(&Request::ExtendPCR { index: 16, data: b"x".to_vec() }).unwrap();
    let Response::ExtendPCR { data } = converse(&extend) else { panic!() };
    assert!(matches!(converse(b"nonsense"), Response::Error(_)));
    // A second connection reaches the same enclave. An oversized frame ends it.
    let mut oversized = UnixStream::connect(&path).unwrap();
    oversized.write_all(&4097_u32.to_be_bytes()).unwrap();
    assert_eq!(oversized.read(&mut [0]).unwrap(), 0, "a frame over the limit ends the connection");
    assert_eq!(describe(&enclave, 16), (false, data));
    let attest = serde_cbor::to_vec(&Request::Attestation { user_data: None, nonce: None, public_key: None }).unwrap();
    let Response::Attestation { document } = converse(&attest) else { panic!() };
    assert_eq!(parts(&document).1.len(), 96);
}

#[test]
fn each_directory_has_one_root_that_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = Root::load_or_make(directory.path()).unwrap().der().to_vec();
    assert_eq!(Root::load_or_make(directory.path()).unwrap().der(), first);
    assert_ne!(Root::load_or_make(&directory.path().join("other")).unwrap().der(), first);
    assert_eq!(fs::read(directory.path().join("nsm-root.der")).unwrap(), first);
}
