//! The transports to the enclave other than the embedded one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_parent::Transport;
use common::{PATIENCE, busy, is_closed, start};
use enclave_core::parent::{Answer, Operation};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// A stand-in for vhost-device-vsock. It answers `CONNECT` with `answer`, then echoes in capitals.
fn fake_qemu(path: &std::path::Path, answer: &'static [u8]) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut line = [0; 13];
            stream.read_exact(&mut line).unwrap();
            assert_eq!(&line, b"CONNECT 5000\n");
            stream.write_all(answer).unwrap();
            let mut buffer = [0; 100];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                // The guest needs a moment. If the host ends its side meanwhile, both sides close and the answer is
                // lost.
                stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                if matches!(stream.read(&mut [0]), Ok(0)) {
                    break;
                }
                stream.write_all(&buffer[..count].to_ascii_uppercase()).unwrap();
                stream.set_read_timeout(None).unwrap();
            }
        }
    });
}

#[test]
fn opens_the_guests_port_through_vhost_device_vsock() {
    for (answer, code) in [
        (&b"OK 1073741824\nfirst"[..], None),
        (b"ERR\n", Some("\"not-opened\"")),
        (b"\n", Some("\"not-opened\"")),
        (b"OK", Some("\"deadline\"")),
        (b"OK 1073741824 1073741824 1073741824\n", Some("\"not-opened\"")),
    ] {
        let running = start(|settings, folder| {
            fake_qemu(&folder.join("v"), answer);
            settings.enclave = Transport::Qemu(folder.join("v"));
            if code == Some("\"deadline\"") {
                settings.limits.connect = Duration::from_millis(200);
            }
        });
        let mut client = running.client();
        if let Some(code) = code {
            assert_eq!(busy(&mut client), Some(10), "{answer:?}");
            running.log.wait_for(&["\"client\"", code]);
            continue;
        }
        // The handshake does not consume bytes that the guest sends at once.
        let mut got = [0; 5];
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"first");
        client.write_all(b"hello").unwrap();
        // The parent does not forward the client's end, because vhost-device-vsock would then close both directions.
        client.shutdown(Shutdown::Write).unwrap();
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"HELLO");
    }
}

#[test]
fn serves_a_guest_of_qemu_on_its_three_ports() {
    let running = start(|settings, folder| settings.enclave = Transport::Qemu(folder.join("v")));
    let port = |port: u32| {
        let stream = UnixStream::connect(running.path(&format!("v_{port}"))).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let mut stream = port(8000);
    stream.write_all(&common::bytes(&Operation::Boot)).unwrap();
    assert_eq!(common::answer(&mut stream).unwrap(), Answer::Boot(b"configuration".to_vec(), None));
    port(8001);
    let mut heart = port(9000);
    heart.write_all(&[0xB7]).unwrap();
    let mut beat = [0];
    heart.read_exact(&mut beat).unwrap();
    assert_eq!(beat, [0xB7]);
    let mut heart = port(9000);
    heart.write_all(&[0xB8]).unwrap();
    assert!(is_closed(&mut heart));
}

#[test]
fn binds_and_releases_its_vsock_ports() {
    // A connection from an enclave needs a hypervisor, so this test only binds the ports twice.
    for _ in 0..2 {
        start(|settings, _| settings.enclave = Transport::Vsock(77)).parent.stop();
    }
}
