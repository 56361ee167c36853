//! Connections and runs through the built binaries, compared with a bare TLS handshake and with an echo plus an empty
//! process.

use crate::measure::{median, pair, row};
use capelet::home::Home;
use capelet::statements;
use capelet::transport::Tls;
use capelet::url::Url;
use capelet::vault_key::VaultKey;
use capelet_bench::{Place, identity, input};
use capelet_core::{Listener, Transport, server_config};
use enclave_core::OwnerKey;
use enclave_core::crypto::CHUNK_LEN;
use enclave_core::encoding::Channel as _;
use enclave_core::platform::Connection as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// An owner's vault key, as a sender has it.
pub fn vault() -> VaultKey {
    static PLACE: LazyLock<(PathBuf, String, OwnerKey)> = LazyLock::new(|| {
        let mut place = Place::new();
        let found = (place.owner.home.clone(), place.url().to_owned(), identity(&place.owner).owner());
        // Encrypting is offline, so the enclave is stopped. The owner's folder stays.
        place.local.take().unwrap().stop();
        std::mem::forget(place.folder);
        found
    });
    let home = Home::at(PLACE.0.clone()).unwrap();
    let url = Url::parse(&PLACE.1).unwrap();
    statements::load(&home, &url, &PLACE.2, 86_400_000).unwrap().unwrap()
}

/// A peer over the same kind of TLS, on a socket of its own. It answers each `LENGTH` bytes with [`ANSWER`] bytes.
pub struct Peer<const LENGTH: usize>(TempDir);

/// The length of a peer's answer, in bytes.
pub const ANSWER: usize = 512;

impl<const LENGTH: usize> Peer<LENGTH> {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = Transport::Unix(folder.path().to_owned()).listen(1).unwrap();
        let config = server_config().unwrap();
        thread::spawn(move || accept::<LENGTH>(&listener, &config));
        Self(folder)
    }

    pub fn connect(&self) -> Tls {
        Tls::connect(&Url::parse(&format!("unix:{}/1", self.0.path().display())).unwrap()).unwrap()
    }
}

/// Sends a message to a peer, and waits for the answer.
pub fn ask(peer: &mut Tls, message: &[u8]) {
    peer.allow(Duration::from_secs(60));
    message.chunks(CHUNK_LEN).for_each(|chunk| peer.write(chunk).unwrap());
    let mut got = 0;
    while got < ANSWER {
        got += peer.read(&mut [0; ANSWER]).unwrap();
    }
}

/// An empty process.
pub fn process() {
    assert!(Command::new("/bin/true").env_clear().stdin(Stdio::null()).status().unwrap().success());
}

fn accept<const LENGTH: usize>(listener: &Listener, config: &Arc<rustls::ServerConfig>) {
    let sessions = capelet_core::Sessions::new();
    while let Ok(socket) = listener.accept().map(Arc::new) {
        let (config, place) = (config.clone(), sessions.take(&socket).unwrap());
        thread::spawn(move || {
            let Ok(mut tls) = capelet_core::Tls::accept(&config, socket, place.clone()) else { return };
            tls.admit(enclave_core::state::Account::ANYONE).unwrap();
            let (mut buffer, mut got) = (vec![0; CHUNK_LEN], 0);
            while let Ok(count @ 1..) = tls.read(&mut buffer) {
                got += count;
                if got >= LENGTH {
                    got -= LENGTH;
                    tls.write(&[7; ANSWER]).unwrap();
                }
            }
            place.give_back();
        });
    }
}

pub fn run() {
    let place = Place::new();
    let peer = Peer::<ANSWER>::new();
    let (ours, floor) = pair(41, || drop(place.connect()), || drop(peer.connect()));
    row("connect and attest / bare TLS handshake", ours, floor, "");

    let mut session = place.connect();
    let mut bare = peer.connect();
    let floor = || {
        ask(&mut bare, &[7; ANSWER]);
        process();
    };
    let (ours, floor) = pair(101, || place.run(&mut session, input(0)), floor);
    row("warm run, empty function / echo + process", ours, floor, "");
    println!("{:<46} {:>9.1} µs {:>33}", "  over the floor", ours - floor, "≤ 2000 µs");
    let cold = median(21, || place.run(&mut place.connect(), input(0)));
    row("connect and run / warm run", cold, ours, "");
    place.local.unwrap().stop();
}
