//! Wrong clocks, a store that returns old objects, silent clients, Ctrl-C.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet::home::Home;
use capelet::home::trust::{Trust, TrustEntry};
use capelet::session::{RequestSpec, Session};
use capelet::transport::Tls;
use capelet::url::Url;
use capelet_core::MAX_SESSIONS;
use capelet_dev::adversary::store::swap;
use capelet_e2e::{Person, binary, refusal};
use common::{ECHO, PATIENCE, Place, SPIN, at, wait_until};
use enclave_core::TransportError;
use enclave_core::encoding::Channel as _;
use enclave_core::identity::Identity;
use enclave_core::messages::ListParams;
use enclave_core::parent::StoreKind;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn reports_a_clock_that_is_ten_minutes_off_and_sends_nothing() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    assert!(at(&place.owner, "+0s", &["run", "echo", "x"]).status.success());
    assert!(at(&place.owner, "+4m", &["run", "echo", "x"]).status.success());
    for (offset, code) in [("+10m", "expired"), ("-10m", "not-yet-valid")] {
        for command in [&["attest"][..], &["run", "echo", "x"], &["key", "create"]] {
            assert_eq!(refusal(&at(&place.owner, offset, command)), code, "{offset} {command:?}");
        }
    }
    place.local.stop();
}

/// A `capelet-parent` that replaces the one of `capelet-local`.
struct Parent(Child);

impl Parent {
    /// Starts it with another clock and another store. `faketime` only gives the library to preload, because a signal to
    /// `faketime` would not reach its child.
    fn replace(place: &Place, offset: &str) -> Self {
        let home = &place.local.home;
        let socket = home.join("capelet.sock");
        for taken in [&socket, &home.join("run/8000"), &home.join("run/8001")] {
            fs::remove_file(taken).unwrap();
        }
        let set = Command::new("faketime").args(["-f", offset, "env"]).output().expect("faketime").stdout;
        let preload = String::from_utf8(set)
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("LD_PRELOAD=").map(str::to_owned));
        let mut command = Command::new(binary("capelet-parent"));
        command.env_clear().env("LD_PRELOAD", preload.unwrap()).env("FAKETIME", offset);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").arg("serve");
        for (option, scheme, path) in [
            ("--listen", "unix:", &socket),
            ("--enclave", "unix:", &home.join("run")),
            ("--kms", "unix:", &home.join("run/kms")),
            ("--store", "", &home.join("another-store")),
            ("--credentials", "", &home.join("credentials.json")),
        ] {
            command.arg(option).arg(format!("{scheme}{}", path.display()));
        }
        let log = File::create(place.path("parent.log")).unwrap();
        let parent = Self(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
        let log = || fs::read_to_string(place.path("parent.log")).unwrap();
        wait_until(log, || socket.exists().then_some(()));
        parent
    }

    /// Ends it. Returns its log.
    fn stop(mut self, place: &Place) -> String {
        let killed = Command::new("sh").args(["-c", "kill -TERM $0", &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success() && self.0.wait().unwrap().success());
        fs::read_to_string(place.path("parent.log")).unwrap()
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // It still runs only if a test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_parents_clock_affects_only_its_log() {
    for (offset, seconds) in [("+10m", 600), ("-10m", -600), ("+1d", 86_400)] {
        let place = Place::new(&[]);
        let parent = Parent::replace(&place, offset);
        let (_, checksum) = place.deploy("echo", ECHO);
        assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
        place.owner.ok(&["key", "create"]);
        place.owner.ok(&["encrypt", "--for", &checksum, "--out", &place.path("x.cape"), "secret"]);
        assert_eq!(place.owner.ok(&["run", "echo", "-f", &place.path("x.cape")]), b"secret");
        place.owner.ok(&["list"]);
        assert!(place.local.stored().is_empty(), "the first parent still serves");

        let log = parent.stop(&place);
        let line: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let ahead = line["time"].as_i64().unwrap() / 1000 - now;
        assert!((ahead - seconds).abs() < 60, "{offset}: {ahead} s");
        assert!(!log.contains(r#""level":"warn""#), "{log}");
        place.local.stop();
    }
}

#[test]
fn rejects_an_old_version_from_the_store() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let first = place.local.stored();
    place.deploy("echo", common::SEVEN);
    let both = place.local.stored();
    assert_eq!((first.len(), both.len()), (1, 2));
    let second = both.iter().find(|path| !first.contains(path)).unwrap();
    // The store returns the bytes of the first version for the second one.
    let whole = fs::read(second).unwrap();
    swap(second, &first[0]).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "disagrees");
    // The store has lost the second version. The client requests it by its number.
    fs::remove_file(second).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "not-found");
    assert_eq!(place.owner.code(&["list"]), "catalogue-differs");
    fs::write(second, whole).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "exit-status");
    place.local.stop();
}

#[test]
fn rejects_a_statement_of_an_earlier_epoch() {
    let place = Place::new(&[]);
    place.owner.ok(&["key", "create"]);
    let sender = place.person("sender");
    sender.ok(&["contact", "add", "owner", &place.owner.owner()]);
    let (_, checksum) = place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create", "--next-epoch"]);
    sender.ok(&["contact", "fetch", "owner"]);
    // Statements have the kind 3 and are named by epoch. The store loses the newer one.
    let folder = place.local.home.join("store").join("03");
    let mut statements: Vec<_> = place.local.stored().into_iter().filter(|path| path.starts_with(&folder)).collect();
    statements.sort();
    assert_eq!(statements.len(), 2);
    fs::remove_file(&statements[1]).unwrap();
    let fetched = sender.code(&["contact", "fetch", "owner"]);
    assert_eq!(fetched, "rolled-back");
    // The statement that was fetched before is still used.
    sender.ok(&["encrypt", "--to", "owner", "--for", &checksum, "--accept", "operator-account", "text"]);
    place.local.stop();
}

/// How long a client may be silent before its first request.
const FIRST_IDLE: Duration = Duration::from_secs(30);
/// How long a client that has made a request keeps its place when others need one.
const SILENCE: Duration = Duration::from_secs(60);

/// An enclave with a function, and an owner who can open any number of sessions.
struct Clients {
    place: Place,
    url: Url,
    entry: TrustEntry,
    identity: Identity,
}

impl Clients {
    fn new() -> Self {
        let place = Place::new(&[]);
        place.deploy("echo", ECHO);
        let home = Home::at(place.owner.home.clone()).unwrap();
        let url = Url::parse(&place.local.url).unwrap();
        let entry = home.load::<Trust>().unwrap().entry(&url).unwrap().clone();
        let identity = home.identity(|_| {}).unwrap();
        Self { place, url, entry, identity }
    }

    /// A session that has made a request.
    fn admitted(&self) -> Result<Session, capelet::error::Error> {
        let mut session = Session::connect(&self.url, &self.entry)?;
        self.list(&mut session)?;
        Ok(session)
    }

    fn list(&self, session: &mut Session) -> Result<(), capelet::error::Error> {
        let request = RequestSpec::new(&ListParams { kind: StoreKind::Function });
        session.send_expect_ok(&self.identity, request).map(drop)
    }

    fn run(&self) -> Output {
        self.place.owner.run(&["run", "echo", "x", "-o", "json"])
    }
}

/// Waits until the enclave closes the connection.
fn wait_until_closed(idle: &mut Tls) {
    idle.allow(FIRST_IDLE + PATIENCE);
    assert!(matches!(idle.read(&mut [0]), Ok(0) | Err(TransportError::Closed)));
}

/// A client that has made a request may be silent for ten minutes.
#[test]
fn closes_connections_that_are_silent_before_their_first_request() {
    let clients = Clients::new();
    let mut owner = clients.admitted().unwrap();
    let began = Instant::now();
    let mut idle = Tls::connect(&clients.url).unwrap();
    wait_until_closed(&mut idle);
    assert!(began.elapsed() >= FIRST_IDLE, "{:?}", began.elapsed());
    clients.list(&mut owner).unwrap();
    drop(owner);
    clients.place.local.stop();
}

#[test]
fn silent_clients_make_room_and_those_with_requests_keep_their_places() {
    // On a busy host a time limit may pass before all connections are open.
    let conclusive = (0..5).any(|_| takes_all_places_in_time());
    assert!(conclusive, "opening all connections took too long, five times");
}

/// `false` if the attempt shows nothing, because a place became free by a time limit.
fn takes_all_places_in_time() -> bool {
    let clients = Clients::new();
    let began = Instant::now();
    // The client without a request is the last one to come, and the first one to go.
    let mut owners: Vec<_> = (1..MAX_SESSIONS).map(|_| clients.admitted().unwrap()).collect();
    let mut idle = Tls::connect(&clients.url).unwrap();
    let opened = Instant::now();
    let output = clients.run();
    wait_until_closed(&mut idle);
    if opened.elapsed() >= FIRST_IDLE {
        return false;
    }
    let printed = capelet_json_schema::object(&output.stdout);
    assert_eq!(printed["output"], "x");

    // The run's place becomes free a moment after the run. Then every place belongs to a client with a request.
    owners.push(wait_until(|| "the enclave admits no further client".to_owned(), || clients.admitted().ok()));
    let refused = clients.run();
    if began.elapsed() >= SILENCE {
        return false;
    }
    assert_eq!(refusal(&refused), "busy", "the enclave admits another client");
    owners.iter_mut().for_each(|session| clients.list(session).unwrap());
    drop(owners);
    clients.place.local.stop();
    true
}

/// The temporary files of `capelet` in `folder`.
fn unfinished(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".capelet-")).collect()
}

/// Interrupts a command and waits until it has ended.
fn interrupt(child: &mut Child) {
    let _ = Command::new("sh").args(["-c", "kill -INT $0", &child.id().to_string()]).stderr(Stdio::null()).status();
    wait_until(|| "an interrupted command does not end".to_owned(), || child.try_wait().unwrap());
}

#[test]
fn an_interrupt_at_any_moment_loses_nothing() {
    let place = Place::new(&["--limit-run", "10000"]);
    place.deploy("spin", SPIN);
    place.deploy("kept", ECHO);
    let folder = place.function("echo", ECHO);
    let deploy = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    File::create(place.path("big")).unwrap().set_len(16 << 20).unwrap();
    let (big, out) = (place.path("big"), place.path("big.cape"));
    let sender = place.person("sender");
    sender.ok(&["key", "create"]);
    let encrypt = ["encrypt", "--any-function-of-owner", "-f", &big, "--out", &out];
    let nothing_unfinished = |person: &Person| {
        for folder in [person.home.as_path(), place.folder.path()] {
            assert_eq!(unfinished(folder), [""; 0], "{}", folder.display());
        }
    };
    for milliseconds in [0, 5, 15, 40, 80, 160, 640] {
        let commands = [&["run", "spin", "x"][..], &deploy, &["key", "create"], &encrypt];
        for (person, command) in [&place.owner, &place.owner, &place.owner, &sender].into_iter().zip(commands) {
            let mut child = person.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(milliseconds));
            interrupt(&mut child);
            nothing_unfinished(person);
        }
        // The file is complete or absent.
        if let Ok(metadata) = fs::metadata(&out) {
            assert!(metadata.len() > 16 << 20, "{}", metadata.len());
            fs::remove_file(&out).unwrap();
        }
    }
    // The input of this command does not end. It is therefore interrupted while it writes, on a host of any speed.
    let endless = ["encrypt", "--any-function-of-owner", "-f", "-", "--out", &out];
    let mut child = sender.command(&endless).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&[7; 1 << 20]).unwrap();
    let writes = || (!unfinished(place.folder.path()).is_empty()).then_some(());
    wait_until(|| "encrypt writes no file".to_owned(), writes);
    interrupt(&mut child);
    nothing_unfinished(&sender);
    assert!(!fs::exists(&out).unwrap());
    drop(input);

    // Interrupted commands can be repeated, and confirmed objects are still stored.
    place.owner.ok(&deploy);
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    assert_eq!(place.owner.ok(&["run", "kept", "x"]), b"x");
    sender.ok(&encrypt);
    let made = place.owner.run(&["key", "create"]);
    let shown = place.owner.json(&["key", "show"]).to_string();
    assert!(made.status.success() || shown.contains("confirmed"), "{shown}");
    place.local.stop();
}
