//! The port for operations: operations that an enclave sends, and bytes that an enclave must not send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::OPERATIONS_PORT;
use capelet_hostile_bytes::truncations;
use capelet_parent::{CredentialSource, KmsRoute};
use common::{OWNER, PATIENCE, answer, bytes, framed, is_closed, key, list, start, wait_for_hang_up, wait_until};
use enclave_core::parent::{Answer, ListEntry, MAX_BODY, MAX_BODY_FRAME, Operation, StoreKey};
use enclave_core::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

#[test]
fn stores_lists_and_deletes_objects() {
    let running = start(|_, _| {});
    for length in [0, 1, MAX_BODY_FRAME - 1, MAX_BODY_FRAME, MAX_BODY_FRAME + 1, 3 * MAX_BODY_FRAME + 7] {
        let key = key(1, length as u64);
        let body: Vec<u8> = (0..length).map(|index| (index * 31 % 251) as u8).collect();
        assert_eq!(running.ask(&Operation::Get(key)), Answer::NotFound);
        assert_eq!(running.ask(&Operation::Put(key, &body)), Answer::Done);
        assert_eq!(running.ask(&Operation::Put(key, b"another")), Answer::Exists);
        assert!(running.ask(&Operation::Get(key)) == Answer::Body(body));
    }
    let listed = running.ask(&list(Some(ListEntry { id: key(1, 1).id, version: 1 })));
    let Answer::Listed(entries) = listed else { panic!("{listed:?}") };
    assert_eq!(entries.len(), 4);
    assert_eq!(running.ask(&Operation::Delete(key(1, 0))), Answer::Done);
    assert_eq!(running.ask(&Operation::Delete(key(1, 0))), Answer::Done);
    assert_eq!(running.ask(&Operation::Get(key(1, 0))), Answer::NotFound);
}

#[test]
fn replaces_statements_and_no_other_kind() {
    let running = start(|_, _| {});
    let statement = StoreKey::statement(OWNER, 3);
    for body in [&b"one"[..], b"two"] {
        assert_eq!(running.ask(&Operation::Replace(statement, body)), Answer::Done);
        assert_eq!(running.ask(&Operation::Get(statement)), Answer::Body(body.to_vec()));
    }
    let mut stream = running.port(OPERATIONS_PORT);
    stream.write_all(&bytes(&Operation::Replace(key(0, 3), b"no"))).unwrap();
    assert!(is_closed(&mut stream));
    assert_eq!(running.ask(&Operation::Get(key(0, 3))), Answer::NotFound);
}

#[test]
fn answers_boot_with_configuration_and_deployers() {
    let running = start(|_, _| {});
    assert_eq!(running.ask(&Operation::Boot), Answer::Boot(b"configuration".to_vec(), None));
    let running = start(|settings, _| {
        settings.configuration = vec![9; MAX_CONFIGURATION];
        settings.deployers = Some(vec![8; MAX_DEPLOYERS]);
    });
    assert!(running.ask(&Operation::Boot) == Answer::Boot(vec![9; MAX_CONFIGURATION], Some(vec![8; MAX_DEPLOYERS])));
}

#[test]
fn reads_credentials_at_each_use_and_never_logs_them() {
    let running = start(|settings, folder| {
        settings.credentials = CredentialSource::File(folder.join("credentials"));
        settings.kms = KmsRoute::Regions(vec!["eu-central-1".parse().unwrap()]);
    });
    let ask = |region| running.ask(&Operation::Credentials(region));
    assert_eq!(ask("eu-central-1"), Answer::Failed);
    for secret in ["first-secret", "second-secret"] {
        let json = format!(r#"{{"AccessKeyId":"AKIDX","SecretAccessKey":"{secret}","SessionToken":"tokentoken"}}"#);
        std::fs::write(running.path("credentials"), json).unwrap();
        std::fs::set_permissions(running.path("credentials"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let Answer::Credentials(found) = ask("eu-central-1") else { panic!("no credentials") };
        assert_eq!(found.secret_access_key.as_str(), secret);
        assert_eq!((found.access_key_id.as_str(), found.session_token.as_str()), ("AKIDX", "tokentoken"));
    }
    assert_eq!(ask("us-east-1"), Answer::Failed);
    assert_eq!(ask("eu-central-1\n"), Answer::Failed);
    running.log.wait_for(&["credentials", "Credentials([redacted])"]);
    running.parent.stop();
    for secret in ["first-secret", "second-secret", "tokentoken", "AKIDX"] {
        assert!(!running.log.text().contains(secret));
    }
}

#[test]
fn logs_shortened_names_and_no_bodies() {
    let running = start(|_, _| {});
    running.ask(&Operation::Put(key(0xab, 5), b"SECRETBODY"));
    let line = running.log.wait_for(&["\"put\"", "Done"]);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["owner"], &line["id"], &line["version"]), (&"07070707".into(), &"abababab".into(), &5.into()));
    assert_eq!(line["up"], 10);
    assert!(!running.log.text().contains("SECRETBODY") && !running.log.text().contains(&"ab".repeat(16)));
}

#[test]
fn stores_nothing_of_a_truncated_operation() {
    let running = start(|_, _| {});
    let whole = bytes(&Operation::Put(key(1, 1), b"body of it"));
    for truncated in truncations(&whole) {
        let mut stream = running.port(OPERATIONS_PORT);
        stream.write_all(truncated).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(is_closed(&mut stream), "answered after {} bytes", truncated.len());
    }
    // Nothing is left, neither under the key nor under `incoming`.
    assert_eq!(running.ask(&Operation::Get(key(1, 1))), Answer::NotFound);
    assert_eq!(std::fs::read_dir(running.path("store/incoming")).unwrap().count(), 0);
    assert_eq!(running.ask(&Operation::Put(key(1, 1), b"body of it")), Answer::Done);
}

#[test]
fn closes_invalid_operations_at_once() {
    let running = start(|_, _| {});
    let put = framed(&Operation::Put(key(1, 1), b"").encode().0);
    let cases: [(&str, Vec<u8>); 8] = [
        ("a huge head", u32::MAX.to_be_bytes().to_vec()),
        ("a head over the limit", 1025_u32.to_be_bytes().to_vec()),
        ("an empty head", framed(b"")),
        ("not CBOR", framed(b"\xff\xff")),
        ("an unknown operation", framed(&[0xa1, 0x01, 0x08])),
        ("trailing bytes", framed(&[&Operation::Boot.encode().0[..], b"\0"].concat())),
        ("a huge body frame", [&put[..], &u32::MAX.to_be_bytes()].concat()),
        ("a body frame over the limit", [&put[..], &(MAX_BODY_FRAME as u32 + 1).to_be_bytes()].concat()),
    ];
    for (name, bytes) in cases {
        let mut stream = running.port(OPERATIONS_PORT);
        stream.write_all(&bytes).unwrap();
        // The deadline of an operation is much later, so the bytes are the reason.
        assert!(is_closed(&mut stream), "{name}");
    }
    assert_eq!(running.ask(&Operation::Get(key(1, 1))), Answer::NotFound);
}

#[test]
fn does_not_store_a_body_above_the_limit() {
    let running = start(|_, _| {});
    let mut stream = running.port(OPERATIONS_PORT);
    stream.write_all(&framed(&Operation::Put(key(1, 1), b"").encode().0)).unwrap();
    let frame = framed(&vec![1; MAX_BODY_FRAME]);
    for _ in 0..MAX_BODY / MAX_BODY_FRAME {
        stream.write_all(&frame).unwrap();
    }
    // This byte is above the limit. The parent may close before the test has written the end, so this may fail.
    let _ = stream.write_all(&[framed(&[1]), framed(&[])].concat());
    assert!(is_closed(&mut stream));
    assert_eq!(running.ask(&Operation::Get(key(1, 1))), Answer::NotFound);
}

#[test]
fn reads_a_body_that_it_cannot_store_and_answers_failed() {
    let running = start(|_, _| {});
    std::fs::remove_dir(running.path("store/incoming")).unwrap();
    assert_eq!(running.ask(&Operation::Put(key(1, 1), &vec![1; 1 << 20])), Answer::Failed);
    assert_eq!(running.ask(&Operation::Get(key(1, 1))), Answer::NotFound);
}

/// Bytes that arrive one by one do not extend the deadline.
#[test]
fn closes_a_slow_writer_at_the_deadline() {
    let mut store = None;
    let running = start(|settings, _| {
        // Long enough that not even a busy host lets so much time pass between two bytes.
        settings.limits.operation = Duration::from_secs(1);
        store = Some(settings.store.clone());
    });
    // Too much to send within `PATIENCE` at this speed.
    let whole = bytes(&Operation::Put(key(1, 1), &vec![1; MAX_BODY_FRAME]));
    let mut stream = running.port(OPERATIONS_PORT);
    let began = Instant::now();
    for byte in whole.chunks(1) {
        if stream.write_all(byte).is_err() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the parent still reads");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_closed(&mut stream));
    running.log.wait_for(&["\"operation\"", "\"deadline\""]);
    assert!(store.unwrap().get(&key(1, 1)).unwrap().is_none());
}

#[test]
fn closes_a_slow_reader_at_the_deadline() {
    let running = start(|settings, _| {
        settings.limits.operation = Duration::from_millis(300);
        let mut body = settings.store.begin().unwrap();
        body.write(&vec![3; 4 << 20]).unwrap();
        body.put(&key(1, 1)).unwrap();
    });
    let get = bytes(&Operation::Get(key(1, 1)));
    // The deadline starts when the parent accepts. A busy host may reach it before the request is written; such an
    // attempt shows nothing, and the test makes another.
    let attempt = || {
        let mut stream = running.port(OPERATIONS_PORT);
        let _ = stream.write_all(&get);
        wait_for_hang_up(&stream);
        // What the parent sent is truncated, and visibly so.
        assert!(answer(&mut stream).is_err());
        running.log.find(&["\"get\"", "\"deadline\""])
    };
    wait_until(|| format!("no reader met the deadline:\n{}", running.log.text()), attempt);
}

#[test]
fn stores_exactly_one_of_two_concurrent_puts() {
    let running = start(|_, _| {});
    for version in 0..10 {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let running = &running;
            let ask = move |body: u8| running.ask(&Operation::Put(key(1, version), &[body; 9000]));
            [1, 2].map(|body| scope.spawn(move || ask(body))).map(|thread| thread.join().unwrap()).into()
        });
        let winner = match answers[..] {
            [Answer::Done, Answer::Exists] => 1,
            [Answer::Exists, Answer::Done] => 2,
            _ => panic!("{answers:?}"),
        };
        assert!(running.ask(&Operation::Get(key(1, version))) == Answer::Body(vec![winner; 9000]));
    }
}
