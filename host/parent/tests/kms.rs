//! Port 8001: which hosts, how long, how much.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_parent::kms::Route;
use common::{PATIENCE, accept, framed, is_closed, start, wait_until};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

const HOST: &[u8] = b"kms.eu-central-1.amazonaws.com";

#[test]
fn a_development_kms_is_reached_whatever_host_is_named() {
    let running = start(|_, _| {});
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    let mut enclave = running.port(8001);
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
fn only_endpoints_of_configured_regions() {
    let running = start(|settings, _| {
        settings.kms = Route::Regions(vec!["eu-central-1".parse().unwrap(), "cn-north-1".parse().unwrap()]);
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
        let mut enclave = running.port(8001);
        enclave.write_all(&framed(host.as_bytes())).unwrap();
        assert!(is_closed(&mut enclave), "{host}");
        running.log.wait_for(&["\"kms\"", host, "host-not-allowed"]);
    }
}

#[test]
fn nothing_is_allowed_where_no_region_is_configured() {
    let running = start(|settings, _| settings.kms = Route::Regions(vec![]));
    let mut enclave = running.port(8001);
    enclave.write_all(&framed(HOST)).unwrap();
    assert!(is_closed(&mut enclave));
    running.log.wait_for(&["host-not-allowed"]);
}

#[test]
fn frames_that_name_no_host() {
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
        let mut enclave = running.port(8001);
        enclave.write_all(&frame).unwrap();
        assert!(is_closed(&mut enclave), "{frame:?}");
    }
    // Cut off at every byte: closed, and nobody bothered.
    let whole = framed(HOST);
    for length in 0..whole.len() {
        let mut enclave = running.port(8001);
        enclave.write_all(&whole[..length]).unwrap();
        enclave.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(is_closed(&mut enclave), "{length}");
    }
    kms.set_nonblocking(true).unwrap();
    assert_eq!(kms.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

/// Bytes do not put the limit off.
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
        let mut enclave = running.port(8001);
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
    assert!(is_closed(&mut running.port(8001)));
}

#[test]
fn a_call_carries_only_so_much() {
    for upwards in [true, false] {
        let running = start(|settings, _| settings.limits.kms_bytes = 1000);
        let kms = UnixListener::bind(running.path("kms")).unwrap();
        let mut enclave = running.port(8001);
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
fn no_more_calls_at_once_than_allowed() {
    let running = start(|settings, _| settings.limits.kms = 2);
    let kms = UnixListener::bind(running.path("kms")).unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut enclave = running.port(8001);
        enclave.write_all(&framed(HOST)).unwrap();
        held.push((enclave, accept(&kms)));
    }
    assert!(is_closed(&mut running.port(8001)));
    // The other ports are not touched by it.
    running.ask(&enclave_core::parent::Operation::Boot);
}

#[test]
fn a_kms_that_is_not_there() {
    let running = start(|_, _| {});
    let mut enclave = running.port(8001);
    enclave.write_all(&framed(HOST)).unwrap();
    assert!(is_closed(&mut enclave));
    running.log.wait_for(&["\"kms\"", "unreachable"]);
}
