//! Clients for whom the enclave has no session: they wait, and are then told when to come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{accept, busy, enclave, start, wait_until};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// As long as what a client of TLS sends first, and beginning like it.
const FIRST: [u8; 1500] = [0x16; 1500];

#[test]
fn an_enclave_that_closes_without_a_byte_is_busy() {
    let running = start(|settings, _| settings.limits.sessions = 4);
    let listener = enclave(&running);
    for reads in [false, true] {
        let mut client = running.client();
        client.write_all(&FIRST).unwrap();
        let mut session = accept(&listener);
        if reads {
            session.read_exact(&mut [0; FIRST.len()]).unwrap();
        }
        drop(session);
        assert_eq!(busy(&mut client), Some(3));
        running.log.wait_for(&["\"client\"", "\"not-served\""]);
    }
    // One that closes after a byte of TLS has served the client, and no line may follow that byte.
    let mut client = running.client();
    client.write_all(&FIRST).unwrap();
    let mut session = accept(&listener);
    session.read_exact(&mut [0; FIRST.len()]).unwrap();
    session.write_all(&[0x15]).unwrap();
    drop(session);
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert_eq!(got, [0x15]);
}

#[test]
fn an_enclave_that_does_not_answer_is_busy() {
    let running = start(|settings, _| settings.limits.connect = Duration::from_millis(300));
    let listener = enclave(&running);
    let mut client = running.client();
    client.write_all(&FIRST).unwrap();
    let _session = accept(&listener);
    assert_eq!(busy(&mut client), Some(10));
    running.log.wait_for(&["\"client\"", "\"no-answer\""]);
}

#[test]
fn a_client_waits_for_a_place_and_is_then_told_to_come_back() {
    let running = start(|settings, _| {
        settings.limits.sessions = 1;
        settings.limits.wait = Duration::from_millis(200);
    });
    let listener = enclave(&running);
    let first = (running.client(), accept(&listener));
    assert_eq!(busy(&mut running.client()), Some(9));
    running.log.wait_for(&["\"client\"", "\"no-place\""]);
    drop(first);
    let mut next = wait_until(
        || "the place is not free again".to_owned(),
        || {
            let mut client = running.client();
            client.write_all(&FIRST).unwrap();
            client.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            // A refused client reads a line. One that is served reads nothing until the enclave answers.
            client.read(&mut [0]).is_err().then_some(client)
        },
    );
    let mut session = accept(&listener);
    session.read_exact(&mut [0; FIRST.len()]).unwrap();
    session.write_all(b"served").unwrap();
    next.read_exact(&mut [0; 6]).unwrap();
}

#[test]
fn a_client_that_waits_gets_the_next_place() {
    let running = start(|settings, _| settings.limits.sessions = 1);
    let listener = enclave(&running);
    let first = (running.client(), accept(&listener));
    let mut second = running.client();
    second.write_all(&FIRST).unwrap();
    drop(first);
    let mut session = accept(&listener);
    session.read_exact(&mut [0; FIRST.len()]).unwrap();
    session.write_all(b"served").unwrap();
    second.read_exact(&mut [0; 6]).unwrap();
}

#[test]
fn a_client_that_has_closed_does_not_count_although_the_enclave_waits_for_it() {
    let running = start(|settings, _| {
        settings.limits.sessions = 1;
        settings.limits.silence = Duration::from_secs(600);
        settings.limits.wait = Duration::from_secs(60);
    });
    let listener = enclave(&running);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let mut client = running.client();
        client.write_all(&FIRST).unwrap();
        // The enclave never closes its side, as if it did not learn of the client's end.
        let mut session = accept(&listener);
        session.read_exact(&mut [0; FIRST.len()]).unwrap();
        session.write_all(b"served").unwrap();
        client.read_exact(&mut [0; 6]).unwrap();
        sessions.push(session);
    }
}

#[test]
fn silent_clients_do_not_keep_others_from_the_enclave() {
    let running = start(|settings, _| {
        settings.limits.sessions = 1;
        settings.limits.silence = Duration::from_millis(50);
    });
    let listener = enclave(&running);
    // The enclave decides which of these sessions it ends.
    let _silent: Vec<_> = (0..4).map(|_| (running.client(), accept(&listener))).collect();
    let mut client = running.client();
    client.write_all(&FIRST).unwrap();
    accept(&listener).read_exact(&mut [0; FIRST.len()]).unwrap();
}

/// An enclave with 64 places. A client of a crowd is served or told to wait. An enclave that is asked for more than its
/// places ends sessions of clients that are about to answer.
#[test]
fn a_crowd_is_served_or_told_to_wait() {
    const PLACES: usize = 64;
    const CROWD: usize = 256;
    let running = start(|settings, _| {
        settings.limits.clients = CROWD;
        settings.limits.wait = Duration::from_millis(500);
    });
    let listener = enclave(&running);
    let (open, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (served, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all_ended = || served.load(Ordering::SeqCst) + told.load(Ordering::SeqCst) == 2 * CROWD;
    listener.set_nonblocking(true).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !all_ended() {
                let Ok((mut session, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                session.set_nonblocking(false).unwrap();
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let open = &open;
                scope.spawn(move || {
                    if session.read_exact(&mut [0; FIRST.len()]).is_ok() {
                        // A run takes a while.
                        thread::sleep(Duration::from_millis(20));
                        let _ = session.write_all(b"result");
                        // The client closes first, as after a result.
                        let _ = session.read(&mut [0]);
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        for _ in 0..CROWD {
            scope.spawn(|| {
                for _ in 0..2 {
                    let mut client = running.client();
                    client.write_all(&FIRST).unwrap();
                    client.shutdown(Shutdown::Write).unwrap();
                    let mut got = String::new();
                    client.read_to_string(&mut got).unwrap();
                    let counter = if got == "result" { &served } else { &told };
                    counter.fetch_add(1, Ordering::SeqCst);
                    assert!(got == "result" || got.starts_with("capelet/1 busy "), "{got:?}");
                }
            });
        }
    });
    println!("{served:?} served, {told:?} told to wait, {most:?} sessions at once");
    assert!(most.load(Ordering::SeqCst) <= PLACES, "{most:?}");
    assert!(served.load(Ordering::SeqCst) > 0);
}
