//! The relay between clients and the enclave: bytes in both directions, ends, and limits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{PATIENCE, accept, busy, enclave, is_closed, start, wait_until};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

#[test]
fn relays_ten_megabytes_in_both_directions_at_once() {
    let running = start(|_, _| {});
    let listener = enclave(&running);
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    let (forth, back) = (pattern(1, 10 << 20), pattern(2, 10 << 20));
    std::thread::scope(|scope| {
        let (mut client_out, mut enclave_out) = (client.try_clone().unwrap(), enclave.try_clone().unwrap());
        let (forth_ref, back_ref) = (&forth, &back);
        scope.spawn(move || {
            client_out.write_all(forth_ref).unwrap();
            client_out.shutdown(Shutdown::Write).unwrap();
        });
        scope.spawn(move || {
            enclave_out.write_all(back_ref).unwrap();
            enclave_out.shutdown(Shutdown::Write).unwrap();
        });
        let reading = scope.spawn(move || {
            let mut got = Vec::new();
            enclave.read_to_end(&mut got).unwrap();
            got
        });
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert!(got == back);
        assert!(reading.join().unwrap() == forth);
    });
    let line = running.log.wait_for(&["\"client\"", "\"up\":10485760", "\"down\":10485760"]);
    assert!(!line.contains("error"), "{line}");
}

#[test]
fn relays_on_after_one_side_has_ended() {
    let running = start(|_, _| {});
    let listener = enclave(&running);
    // The client ends first and still receives its answer.
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    enclave.read_to_string(&mut got).unwrap();
    assert_eq!(got, "question");
    enclave.write_all(b"answer").unwrap();
    drop(enclave);
    got.clear();
    client.read_to_string(&mut got).unwrap();
    assert_eq!(got, "answer");

    // The enclave ends first.
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    enclave.write_all(b"x").unwrap();
    enclave.shutdown(Shutdown::Write).unwrap();
    client.read_exact(&mut [0]).unwrap();
    assert!(is_closed(&mut client));
    client.write_all(b"last words").unwrap();
    drop(client);
    got.clear();
    enclave.read_to_string(&mut got).unwrap();
    assert_eq!(got, "last words");
}

/// A client may close without waiting for the enclave's last bytes. The parent logs that as a success.
#[test]
fn logs_no_warning_when_a_client_closes_first() {
    let running = start(|_, _| {});
    let listener = enclave(&running);
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    client.write_all(b"question").unwrap();
    drop(client);
    let mut got = String::new();
    enclave.read_to_string(&mut got).unwrap();
    assert_eq!(got, "question");
    // The client's host answers the first write with a reset, so that a later one fails.
    wait_until(|| "the parent still reads".to_owned(), || enclave.write_all(b"goodbye").err());
    let line = running.log.wait_for(&["\"client\"", "\"up\":8"]);
    assert!(line.contains("\"info\"") && !line.contains("error"), "{line}");
    let log = running.log.clone();
    running.parent.stop();
    log.wait_for(&["\"counters\"", "\"client\"", "\"failed\":0"]);
}

#[test]
fn closes_a_half_closed_connection_at_its_limit() {
    let running = start(|settings, _| settings.limits.client_half_closed = Duration::from_millis(100));
    let listener = enclave(&running);
    let (client, mut enclave) = (running.client(), accept(&listener));
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(enclave.read(&mut [0]).unwrap(), 0);
    running.log.wait_for(&["\"client\"", "\"deadline\""]);
}

#[test]
fn closes_an_idle_connection_at_its_limit() {
    const IDLE: Duration = Duration::from_millis(120);
    let running = start(|settings, _| settings.limits.client_idle = IDLE);
    let listener = enclave(&running);
    let began = Instant::now();
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    assert!(is_closed(&mut client) && is_closed(&mut enclave));
    assert!(began.elapsed() >= IDLE, "{:?}", began.elapsed());
    running.log.wait_for(&["\"client\"", "\"deadline\""]);
}

#[test]
fn closes_a_busy_connection_at_its_total_limit() {
    const TOTAL: Duration = Duration::from_millis(400);
    let running = start(|settings, _| settings.limits.client_total = TOTAL);
    let listener = enclave(&running);
    let began = Instant::now();
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    while enclave.write_all(b"x").is_ok() && matches!(client.read(&mut [0]), Ok(1)) {
        assert!(began.elapsed() < PATIENCE, "bytes still pass");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(began.elapsed() >= TOTAL, "{:?}", began.elapsed());
    running.log.wait_for(&["\"client\"", "\"deadline\""]);
}

/// The enclave's side of the client's connection; `None` if the parent refused the client.
fn admitted(client: &mut TcpStream, listener: &UnixListener) -> Option<UnixStream> {
    client.set_nonblocking(true).unwrap();
    listener.set_nonblocking(true).unwrap();
    let found = wait_until(
        || "the client is neither admitted nor refused".to_owned(),
        || match (listener.accept(), client.read(&mut [0])) {
            (Ok((stream, _)), _) => Some(Some(stream)),
            (Err(_), Err(error)) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(None),
        },
    );
    client.set_nonblocking(false).unwrap();
    listener.set_nonblocking(false).unwrap();
    found
}

#[test]
fn tells_one_client_too_many_to_wait() {
    let running = start(|settings, _| settings.limits.clients = 2);
    let listener = enclave(&running);
    let mut held: Vec<(TcpStream, UnixStream)> = (0..2).map(|_| (running.client(), accept(&listener))).collect();
    for _ in 0..5 {
        assert_eq!(busy(&mut running.client()), Some(1));
    }
    // The admitted connections still work, and a place that is free again is taken.
    let (client, enclave) = &mut held[1];
    client.write_all(b"still").unwrap();
    let mut got = [0; 5];
    enclave.read_exact(&mut got).unwrap();
    held.pop();
    running.log.wait_for(&["\"client\"", "\"up\":5"]);
    // The parent frees the place a moment after it wrote that line. Until then it refuses clients.
    let mut refused = 5;
    let (mut client, mut enclave) = wait_until(
        || "the place is not free again".to_owned(),
        || {
            let mut client = running.client();
            let enclave = admitted(&mut client, &listener);
            refused += u64::from(enclave.is_none());
            enclave.map(|enclave| (client, enclave))
        },
    );
    client.write_all(b"hello").unwrap();
    enclave.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
    // The log names only the first refused client. The counters include all of them.
    assert_eq!(running.log.text().matches("\"full\"").count(), 1);
    drop((client, enclave, held));
    let log = running.log.clone();
    running.parent.stop();
    log.wait_for(&["\"counters\"", "\"client\"", "\"served\":3", &format!("\"refused\":{refused}")]);
}

#[test]
fn relays_many_concurrent_clients() {
    let running = start(|settings, _| settings.limits.clients = 64);
    let listener = enclave(&running);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let running = &running;
            scope.spawn(move || {
                for round in 0..20 {
                    let mut client = running.client();
                    let sent = pattern(thread * 100 + round, 5000);
                    client.write_all(&sent).unwrap();
                    client.shutdown(Shutdown::Write).unwrap();
                    let mut got = Vec::new();
                    client.read_to_end(&mut got).unwrap();
                    assert!(got == sent);
                }
            });
        }
    });
}

#[test]
fn tells_a_client_to_wait_when_no_enclave_listens() {
    let running = start(|_, _| {});
    assert_eq!(busy(&mut running.client()), Some(10));
    running.log.wait_for(&["\"client\"", "\"unreachable\""]);
}

/// The enclave's socket exists, but its queue has room for one connection, and that room is taken.
#[test]
fn tells_a_client_to_wait_when_the_enclave_does_not_accept() {
    const CONNECT: Duration = Duration::from_millis(500);
    let running = start(|settings, _| settings.limits.connect = CONNECT);
    let path = running.path("enclave/5000");
    let queue = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
    bind(queue.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    listen(&queue, Backlog::new(0).unwrap()).unwrap();
    let _takes_the_place = UnixStream::connect(&path).unwrap();
    let began = Instant::now();
    assert_eq!(busy(&mut running.client()), Some(10));
    // The kernel counts this limit in ticks, so it may be a few milliseconds short.
    assert!(began.elapsed() >= CONNECT.mul_f32(0.8), "{:?}", began.elapsed());
    running.log.wait_for(&["\"client\"", "\"unreachable\""]);
}
