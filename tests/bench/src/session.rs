//! Connections and runs through the built binaries, compared with a bare TLS handshake and with an echo plus an empty
//! process.

use crate::measure::{median, pair, row};
use capelet::home::Home;
use capelet::home::trust::Trust;
use capelet::inputs::{Form, Inputs};
use capelet::session::Session;
use capelet::statements;
use capelet::transport::Tls;
use capelet::url::Url;
use capelet::values::Hex;
use capelet::vault_key::VaultKey;
use capelet_core::{Listener, Transport, server_config};
use capelet_e2e::{Local, Person, function};
use enclave_core::OwnerKey;
use enclave_core::crypto::CHUNK_LEN;
use enclave_core::encoding::Channel as _;
use enclave_core::identity::Identity;
use enclave_core::objects::ReceiptFunction;
use enclave_core::platform::Connection as _;
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A command that does nothing: `(module (memory (export "memory") 1) (func (export "_start")))`.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

/// An enclave, and an owner with an empty function and a vault key.
pub struct Place {
    pub local: Option<Local>,
    pub owner: Person,
    pub function: ReceiptFunction,
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = Local::start(&folder.path().join("e"), &[]);
        let owner = Person::pinned(&folder.path().join("owner"), &local);
        let source = folder.path().join("empty");
        function(&source, EMPTY, &json!({ "entry": "function.wasm" }));
        let deployed = owner.json(&["deploy", source.to_str().unwrap(), "-n", "empty"]);
        owner.ok(&["key", "create"]);
        owner.ok(&["contact", "add", "me", &owner.owner()]);
        owner.ok(&["contact", "fetch", "me"]);
        // The core replaces the RSA keys that these commands used. That keeps a processor busy, so wait until it is done.
        thread::sleep(Duration::from_secs(3));
        let text = |name: &str| deployed[name].as_str().unwrap();
        let function = ReceiptFunction {
            owner: identity(&owner).owner(),
            id: Hex::parse(text("function_id")).unwrap().0,
            version: 1,
            checksum: Hex::parse(text("function_checksum")).unwrap().0,
        };
        Self { local: Some(local), owner, function, folder }
    }

    pub fn url(&self) -> &str {
        &self.local.as_ref().unwrap().url
    }

    pub fn connect(&self) -> Session {
        let home = Home::at(self.owner.home.clone()).unwrap();
        let url = Url::parse(self.url()).unwrap();
        let trust: Trust = home.load().unwrap();
        Session::connect(&url, trust.entry(&url).unwrap()).unwrap()
    }

    pub fn run(&self, session: &mut Session, input: &Inputs) {
        let home = Home::at(self.owner.home.clone()).unwrap();
        let finished =
            capelet::run::run(&home, session, &identity(&self.owner), &self.function, input.clone()).unwrap();
        finished.output.unwrap();
    }
}

/// A plaintext input of this length, in bytes.
pub fn input(length: usize) -> Inputs {
    Inputs::one(&vec![7; length], Form::Plain).unwrap()
}

pub fn identity(person: &Person) -> Identity {
    Home::at(person.home.clone()).unwrap().identity(|_| {}).unwrap()
}

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
    let empty = input(0);
    let (ours, floor) = pair(101, || place.run(&mut session, &empty), floor);
    row("warm run, empty function / echo + process", ours, floor, "");
    println!("{:<46} {:>9.1} µs {:>33}", "  over the floor", ours - floor, "≤ 2000 µs");
    let cold = median(21, || place.run(&mut place.connect(), &empty));
    row("connect and run / warm run", cold, ours, "");
    place.local.unwrap().stop();
}
