//! How a parent starts, when it refuses to start, and how it stops.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_parent::{Address, Error, KmsRoute, Parent, Transport};
use common::{Kept, Running, accept, enclave, is_closed, settings, start};
use enclave_core::parent::{Answer, Operation};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[test]
fn serves_clients_on_a_unix_socket_and_removes_it_at_the_end() {
    let running = start(|settings, folder| settings.listen.push(Address::Unix(folder.join("clients"))));
    let listener = enclave(&running);
    assert_eq!(running.parent.addresses()[1], Address::Unix(running.path("clients")));
    let mut client = UnixStream::connect(running.path("clients")).unwrap();
    client.write_all(b"x").unwrap();
    accept(&listener).read_exact(&mut [0]).unwrap();
    drop(client);
    let path = running.path("clients");
    running.parent.stop();
    assert!(!path.exists(), "the socket was not removed");
}

#[test]
fn stopping_lets_a_transfer_finish() {
    let running = start(|_, _| {});
    let listener = enclave(&running);
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    let address = running.parent.addresses()[0].clone();
    let sockets = running.path("enclave");
    let Running { parent, log, folder: _kept } = running;
    let stopping = std::thread::spawn(move || parent.stop());
    log.wait_for(&["\"ending\""]);
    // New clients are refused. The admitted client is served, and so are the enclave's operations.
    let Address::Tcp(address) = address else { panic!() };
    assert!(TcpStream::connect(address).is_err());
    client.write_all(b"in time").unwrap();
    enclave.read_exact(&mut [0; 7]).unwrap();
    assert!(matches!(common::ask(&sockets, &Operation::Boot), Ok(Answer::Boot(..))));
    // The parent waits for the client: it ends after the client does, and long before its grace is over.
    assert_eq!(log.find(&["\"ended\""]), None);
    drop((client, enclave));
    log.wait_for(&["\"ended\"", "\"cut_off\":false"]);
    stopping.join().unwrap();
}

#[test]
fn stopping_closes_a_transfer_that_outlasts_the_grace() {
    const GRACE: Duration = Duration::from_millis(400);
    let running = start(|settings, _| settings.limits.grace = GRACE);
    let listener = enclave(&running);
    let (mut client, mut enclave) = (running.client(), accept(&listener));
    let Running { parent, log, folder: _kept } = running;
    let began = Instant::now();
    let stopping = std::thread::spawn(move || parent.stop());
    assert!(is_closed(&mut client) && is_closed(&mut enclave));
    assert!(began.elapsed() >= GRACE, "{:?}", began.elapsed());
    log.wait_for(&["\"ended\"", "\"cut_off\":true"]);
    stopping.join().unwrap();
}

#[test]
fn stopping_does_not_wait_when_no_client_is_served() {
    let running = start(|_, _| {});
    let Running { parent, log, folder: _kept } = running;
    let stopping = std::thread::spawn(move || parent.stop());
    // The grace is much longer than this waits.
    log.wait_for(&["\"ended\"", "\"cut_off\":false"]);
    stopping.join().unwrap();
}

#[test]
fn rejects_invalid_settings_and_logs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = Kept::default();
    // Each call opens the store. `Parent::start` drops the settings that it rejects, and with them the store's lock.
    let base = || settings(folder.path(), &log);
    let mut none = base();
    none.listen.clear();
    assert!(matches!(Parent::start(none), Err(Error::NothingToListenOn)));
    let mut large = base();
    large.configuration = vec![0; 16_385];
    assert!(matches!(Parent::start(large), Err(Error::FileTooLarge { limit: 16_384, .. })));
    let mut large = base();
    large.deployers = Some(vec![0; 65_537]);
    assert!(matches!(Parent::start(large), Err(Error::FileTooLarge { limit: 65_536, .. })));
    let mut zero = base();
    zero.limits.clients = 0;
    assert!(matches!(Parent::start(zero), Err(Error::Limit(_))));
    let mut remote = base();
    remote.kms = KmsRoute::Development("192.0.2.1:443".parse().unwrap());
    assert!(matches!(Parent::start(remote), Err(Error::KmsNotLocal(_))));
    let mut taken = base();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    taken.listen = vec![Address::Tcp(listener.local_addr().unwrap())];
    assert!(matches!(Parent::start(taken), Err(Error::Listen { .. })));
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut others = base();
    others.enclave = Transport::Unix(open);
    assert!(matches!(Parent::start(others), Err(Error::NotPrivate { .. })));
    assert_eq!(log.text(), "");
    Parent::start(base()).unwrap().stop();
}
