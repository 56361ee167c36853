//! The port for KMS: which hosts the enclave may reach, for how long, and with how many bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::KMS_PORT;
use capelet_hostile_bytes::truncations;
use capelet_parent::KmsRoute;
use common::{PATIENCE, accept, framed, is_closed, start, wait_until};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

const HOST: &[u8] = b"kms.eu-central-1.amazonaws.com";

#[test]
fn relays_every_host_to_the_development_kms() {
    let running = start(|_, _| {});
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    let mut enclave = running.port(KMS_PORT);
    enclave.write_all(&[&framed(HOST)[..], b"request"].concat()).unwrap();
    let mut served = accept(&kms);
    let mut got = [0; 7];
    served.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"request");
    served.write_all(b"reply").unwrap();
    drop(served);
    let mut reply = String::new();
    enclave.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "reply");
    drop(enclave);
    let line = running.log.wait_for(&["\"kms\"", "\"up\":7", "\"down\":5"]);
    assert!(line.contains("kms.eu-central-1.amazonaws.com"));
    let log = running.log.clone();
    running.parent.stop();
    log.wait_for(&["\"counters\"", "\"kms\"", "\"served\":1", "\"bytes_up\":7", "\"bytes_down\":5"]);
}

#[test]
fn rejects_hosts_other_than_the_kms_of_configured_regions() {
    let running = start(|settings, _| {
        settings.kms = KmsRoute::Regions(vec!["eu-central-1".parse().unwrap(), "cn-north-1".parse().unwrap()]);
    });
    for host in [
        "kms.us-east-1.amazonaws.com",
        "kms.eu-central-1.amazonaws.com.cn",
        "kms.cn-north-1.amazonaws.com",
        "kms.eu-central-1.amazonaws.com.",
        "xkms.eu-central-1.amazonaws.com",
        "eu-central-1.amazonaws.com",
        "kms.eu-central-1.amazonaws.com.example.org",
        "169.254.169.254",
        "localhost",
    ] {
        let mut enclave = running.port(KMS_PORT);
        enclave.write_all(&framed(host.as_bytes())).unwrap();
        assert!(is_closed(&mut enclave), "{host}");
        running.log.wait_for(&["\"kms\"", host, "host-not-allowed"]);
    }
}

#[test]
fn rejects_every_host_without_a_configured_region() {
    let running = start(|settings, _| settings.kms = KmsRoute::Regions(vec![]));
    let mut enclave = running.port(KMS_PORT);
    enclave.write_all(&framed(HOST)).unwrap();
    assert!(is_closed(&mut enclave));
    running.log.wait_for(&["host-not-allowed"]);
}

#[test]
fn closes_connections_that_do_not_name_a_host() {
    let running = start(|_, _| {});
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    for frame in [
        framed(b""),
        framed(&[b'a'; 256]),
        u32::MAX.to_be_bytes().to_vec(),
        framed(b"kms.\n"),
        framed(b"KMS.EU-CENTRAL-1.AMAZONAWS.COM"),
        framed(b"\xff\xfe"),
    ] {
        let mut enclave = running.port(KMS_PORT);
        enclave.write_all(&frame).unwrap();
        assert!(is_closed(&mut enclave), "{frame:?}");
    }
    // A truncated frame closes the connection, and the parent does not contact the KMS.
    for truncated in truncations(&framed(HOST)) {
        let mut enclave = running.port(KMS_PORT);
        enclave.write_all(truncated).unwrap();
        enclave.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(is_closed(&mut enclave), "{} bytes", truncated.len());
    }
    kms.set_nonblocking(true).unwrap();
    assert_eq!(kms.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

/// Bytes that pass do not extend the limit.
#[test]
fn ends_a_busy_call_at_its_total_limit() {
    // Long enough that not even a busy host lets so much time pass between two bytes.
    let running = start(|settings, _| settings.limits.kms_total = Duration::from_secs(1));
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut served, _)) = kms.accept() {
            while served.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    // The limit starts when the parent accepts. A busy host may reach it before the first byte; such an attempt shows
    // nothing, and the test makes another.
    let attempt = || {
        let mut enclave = running.port(KMS_PORT);
        let _ = enclave.write_all(&framed(HOST));
        let began = Instant::now();
        while matches!(enclave.read(&mut [0; 64]), Ok(1..)) {
            assert!(began.elapsed() < PATIENCE, "bytes still pass");
        }
        let log = running.log.text();
        log.lines()
            .filter(|line| line.contains("\"kms\"") && line.contains("\"deadline\""))
            .any(|line| !line.contains("\"down\":0"))
            .then_some(())
    };
    wait_until(|| format!("no busy call met the limit:\n{}", running.log.text()), attempt);
    // The limit also holds for a connection that never names a host.
    assert!(is_closed(&mut running.port(KMS_PORT)));
}

#[test]
fn ends_a_call_above_its_limit_of_bytes() {
    for upwards in [true, false] {
        let running = start(|settings, _| settings.limits.kms_bytes = 1000);
        let kms = UnixListener::bind(running.path("kms")).unwrap();
        let mut enclave = running.port(KMS_PORT);
        enclave.write_all(&framed(HOST)).unwrap();
        let mut served = accept(&kms);
        let (from, to) = if upwards { (&mut enclave, &mut served) } else { (&mut served, &mut enclave) };
        from.write_all(&[1; 1000]).unwrap();
        to.read_exact(&mut [0; 1000]).unwrap();
        let _ = from.write_all(&[1]);
        assert!(is_closed(to));
        running.log.wait_for(&["\"kms\"", "too-many-bytes"]);
    }
}

#[test]
fn closes_one_call_too_many() {
    let running = start(|settings, _| settings.limits.kms = 2);
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut enclave = running.port(KMS_PORT);
        enclave.write_all(&framed(HOST)).unwrap();
        held.push((enclave, accept(&kms)));
    }
    assert!(is_closed(&mut running.port(KMS_PORT)));
    // The limit does not affect the other ports.
    running.ask(&enclave_core::parent::Operation::Boot);
}

#[test]
fn closes_a_call_when_the_kms_is_unreachable() {
    let running = start(|_, _| {});
    let mut enclave = running.port(KMS_PORT);
    enclave.write_all(&framed(HOST)).unwrap();
    assert!(is_closed(&mut enclave));
    running.log.wait_for(&["\"kms\"", "unreachable"]);
}
