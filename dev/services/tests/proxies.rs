//! The recording proxy and the tampering proxy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_dev::tamper::{self, Act, BYTES, FRAMES, Seen, Way};
use capelet_dev::{Address, Error, Service, Stream, proxy};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How long a test waits for an event that must happen. A busy host needs less; a test fails when this time is over.
const PATIENCE: Duration = Duration::from_secs(60);

fn local() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

fn unix(directory: &Path, name: &str) -> Address {
    Address::Unix(directory.join(name))
}

/// A service that returns every byte that it receives.
fn echo(address: &Address) -> Service {
    let handle = |mut stream: Stream| {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    };
    Service::start(address.listen().unwrap(), 64, handle).unwrap()
}

/// Sends all bytes, closes that direction, and reads to the end.
fn exchange(address: &Address, bytes: &[u8]) -> Vec<u8> {
    let mut stream = address.connect().unwrap();
    stream.set_timeout(Some(PATIENCE)).unwrap();
    let mut sending = stream.try_clone().unwrap();
    let bytes = bytes.to_vec();
    let sender = thread::spawn(move || {
        // If the proxy cuts the connection, sending fails.
        let _ = sending.write_all(&bytes).and_then(|()| sending.shutdown(Shutdown::Write));
    });
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    sender.join().unwrap();
    got
}

fn frames(each: &[&[u8]]) -> Vec<u8> {
    each.iter().flat_map(|frame| [&(frame.len() as u32).to_be_bytes(), *frame].concat()).collect()
}

#[test]
fn records_every_byte_of_every_connection() {
    let directory = tempfile::tempdir().unwrap();
    let record = directory.path().join("record");
    for (number, listen, to) in [(0, local(), local()), (1, unix(directory.path(), "l"), unix(directory.path(), "t"))] {
        let server = echo(&to);
        let record = record.join(number.to_string());
        let service = proxy::start(listen.listen().unwrap(), server.address().clone(), &record).unwrap();
        let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_be_bytes).collect();
        assert!(exchange(service.address(), &large) == large);
        assert_eq!(exchange(service.address(), b"small"), b"small");
        for (name, expected) in [("0.up", &large[..]), ("0.down", &large), ("1.up", b"small"), ("1.down", b"small")] {
            assert!(fs::read(record.join(name)).unwrap() == expected, "{name}");
        }
    }
}

#[test]
fn forwards_nothing_that_it_cannot_record() {
    let directory = tempfile::tempdir().unwrap();
    let server = echo(&local());
    let service = proxy::start(local().listen().unwrap(), server.address().clone(), directory.path()).unwrap();
    fs::write(directory.path().join("0.up"), b"").unwrap();
    assert_eq!(exchange(service.address(), b"x"), b"");
    assert_eq!(exchange(service.address(), b"x"), b"x");
    let occupied = proxy::start(local().listen().unwrap(), local(), Path::new("/dev/null/x"));
    assert!(matches!(occupied, Err(Error::File(..))));
}

fn tampered(frames: tamper::Frames, act: impl FnMut(Seen<'_>) -> Act + Send + 'static) -> (Service, Service) {
    let server = echo(&local());
    let service = tamper::start(local().listen().unwrap(), server.address().clone(), frames, act).unwrap();
    (server, service)
}

#[test]
fn passes_drops_changes_repeats_and_replays_frames() {
    let (_server, passing) = tampered(FRAMES, |_| Act::Pass);
    let three = frames(&[b"one", b"", b"three"]);
    assert_eq!(exchange(passing.address(), &three), three);

    let (_server, changing) = tampered(FRAMES, |seen| match (seen.way, seen.position) {
        _ if !seen.frame => panic!(),
        (Way::Up, 0) => Act::Send(vec![]),
        (Way::Up, 1) => Act::Send(vec![b"twice".to_vec(), b"twice".to_vec()]),
        (Way::Down, 2) => Act::Send(vec![seen.bytes.iter().map(|byte| byte ^ 1).collect()]),
        _ => Act::Pass,
    });
    assert_eq!(exchange(changing.address(), &three), frames(&[b"twice", b"twice", b"uisdd"]));

    let mut kept: Option<Vec<u8>> = None;
    let (_server, replaying) = tampered(FRAMES, move |seen| match (seen.way, &kept) {
        (Way::Up, _) => Act::Pass,
        (Way::Down, None) => {
            kept = Some(seen.bytes.to_vec());
            Act::Pass
        }
        (Way::Down, Some(kept)) => Act::Send(vec![kept.clone()]),
    });
    assert_eq!(exchange(replaying.address(), &frames(&[b"first"])), frames(&[b"first"]));
    assert_eq!(
        exchange(replaying.address(), &frames(&[b"second"])),
        frames(&[b"first"]),
        "the frame of the first connection is replayed"
    );
}

#[test]
fn cuts_a_connection_at_any_byte() {
    let sent = frames(&[b"first", b"second"]);
    for after in 0..=sent.len() {
        let (_server, service) = tampered(FRAMES, move |seen| {
            let length = |position: u64| if position == 0 { 9 } else { 10 };
            let before = if seen.position == 0 { 0 } else { 9 };
            match after.checked_sub(before) {
                Some(rest) if seen.way == Way::Down && rest < length(seen.position) => Act::Cut(rest),
                _ => Act::Pass,
            }
        });
        assert_eq!(exchange(service.address(), &sent), sent[..after], "{after}");
    }
    let (_server, service) = tampered(BYTES, |seen| match seen.way {
        Way::Up => Act::Pass,
        Way::Down if seen.position + (seen.bytes.len() as u64) < 100_000 => Act::Pass,
        Way::Down => Act::Cut(100_000 - seen.position as usize),
    });
    assert_eq!(exchange(service.address(), &[7; 300_000]).len(), 100_000);
}

#[test]
fn reads_bytes_after_the_given_number_of_frames() {
    let (_server, service) = tampered(1, |seen| match (seen.frame, seen.way) {
        (true, Way::Up) => Act::Send(vec![b"kms.other".to_vec()]),
        (false, Way::Up) => Act::Send(vec![seen.bytes.iter().map(|byte| byte.to_ascii_uppercase()).collect()]),
        _ => Act::Pass,
    });
    let sent = [frames(&[b"kms.eu"]), b"tls".to_vec()].concat();
    assert_eq!(exchange(service.address(), &sent), [frames(&[b"kms.other"]), b"TLS".to_vec()].concat());
}

#[test]
fn an_oversized_frame_ends_the_connection() {
    let (_server, service) = tampered(FRAMES, |_| Act::Pass);
    assert_eq!(exchange(service.address(), &u32::MAX.to_be_bytes()), b"");
}
