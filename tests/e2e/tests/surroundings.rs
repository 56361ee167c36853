//! Clocks that are off, a store that answers with what is old, a hand on Ctrl-C.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet::home::Home;
use capelet::home::trust::Trust;
use capelet::session::{RequestSpec, Session};
use capelet::transport::Tls;
use capelet::url::Url;
use capelet_dev::adversary::store::swap;
use capelet_e2e::{Person, binary, refusal};
use common::{ECHO, PATIENCE, Place, SPIN, wait_until};
use enclave_core::cbor::Writer;
use enclave_core::error::Down;
use enclave_core::message::{Halves, Verb};
use enclave_core::platform::Channel as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, thread};

/// The client with another clock.
fn at(person: &Person, offset: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("faketime");
    command.env_clear().env("CAPELET_HOME", &person.home).env("PATH", env::var_os("PATH").unwrap());
    command.args(["-f", offset]).arg(binary("capelet")).args(arguments).args(["-o", "json"]);
    command.stdin(Stdio::null()).output().expect("faketime")
}

#[test]
fn a_clock_ten_minutes_off_is_told_and_nothing_is_sent() {
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

/// A `capelet-parent` of its own, in the place of the one that an enclave was started with.
struct Parent(Child);

impl Parent {
    /// With another clock and another store. It is no child of `faketime`, to whom signals would go.
    fn relieve(place: &Place, offset: &str) -> Self {
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
        let said = || fs::read_to_string(place.path("parent.log")).unwrap();
        wait_until(said, || socket.exists().then_some(()));
        parent
    }

    /// Ends it, and gives its log.
    fn stop(mut self, place: &Place) -> String {
        let killed = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success() && self.0.wait().unwrap().success());
        fs::read_to_string(place.path("parent.log")).unwrap()
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // After a test that failed; else it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_parents_clock_is_for_its_log_alone() {
    for (offset, seconds) in [("+10m", 600), ("-10m", -600), ("+1d", 86_400)] {
        let place = Place::new(&[]);
        let parent = Parent::relieve(&place, offset);
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
fn a_store_that_answers_with_an_old_version() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let first = place.local.stored();
    place.deploy("echo", common::SEVEN);
    let both = place.local.stored();
    assert_eq!((first.len(), both.len()), (1, 2));
    let second = both.iter().find(|path| !first.contains(path)).unwrap();
    // The first version's bytes in the place of the second's.
    let whole = fs::read(second).unwrap();
    swap(second, &first[0]).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "disagrees");
    // The second version forgotten: the client asks for it by number, and is told.
    fs::remove_file(second).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "not-found");
    assert_eq!(place.owner.code(&["list"]), "catalogue-differs");
    fs::write(second, whole).unwrap();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "exit-status");
    place.local.stop();
}

#[test]
fn a_vault_that_goes_back_an_epoch() {
    let place = Place::new(&[]);
    place.owner.ok(&["key", "create"]);
    let sender = place.person("sender");
    sender.ok(&["contact", "add", "owner", &place.owner.owner()]);
    let (_, checksum) = place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create", "--next-epoch"]);
    sender.ok(&["contact", "fetch", "owner"]);
    // The statements: kind 3, by epoch. The parent forgets the newer one.
    let folder = place.local.home.join("store").join("03");
    let mut statements: Vec<_> = place.local.stored().into_iter().filter(|path| path.starts_with(&folder)).collect();
    statements.sort();
    assert_eq!(statements.len(), 2);
    fs::remove_file(&statements[1]).unwrap();
    let fetched = sender.code(&["contact", "fetch", "owner"]);
    assert_eq!(fetched, "rolled-back");
    // What was fetched before goes on to serve.
    sender.ok(&["encrypt", "--to", "owner", "--for", &checksum, "--accept", "operator-account", "text"]);
    place.local.stop();
}

/// How long the enclave lets a client be silent that has not made a request yet.
const FIRST_IDLE: Duration = Duration::from_secs(30);

/// Clients that take all places and are silent keep them for half a minute, not for ten. A client that has made a
/// request may be silent for longer.
#[test]
fn frees_the_places_of_silent_strangers() {
    // On a busy host the first stranger may lose its place before the last one has taken its own.
    let conclusive = (0..5).any(|_| takes_all_places_in_time());
    assert!(conclusive, "taking all places took longer than half a minute, five times");
}

/// `false` if it shows nothing, because to take all places took longer than a stranger may be silent.
fn takes_all_places_in_time() -> bool {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let home = Home::at(place.owner.home.clone()).unwrap();
    let url = Url::parse(&place.local.url).unwrap();
    let entry = home.load::<Trust>().unwrap().entry(&url).unwrap().clone();
    let identity = home.identity(|_| {}).unwrap();
    let list = |session: &mut Session| {
        let mut params = Writer::new();
        params.map(1).uint(1).uint(1);
        let request = RequestSpec { verb: Verb::List, params: params.finish(), key_shares: Halves::new(), body: None };
        session.send_expect_ok(&identity, request).map(drop)
    };
    // 64 places: the owner takes 48 and may keep them, so that few are left to be taken in half a minute.
    let mut owners: Vec<_> = (0..48).map(|_| Session::connect(&url, &entry).unwrap()).collect();
    owners.iter_mut().for_each(|session| list(session).unwrap());
    let began = Instant::now();
    let mut idle: Vec<_> = (0..8).map(|_| Tls::connect(&url).unwrap()).collect();
    let attested: Vec<_> = (0..8).map(|_| Session::connect(&url, &entry).unwrap()).collect();
    let run = || place.owner.run(&["run", "echo", "x", "-o", "json"]);
    let refused = run();
    if began.elapsed() >= FIRST_IDLE {
        return false;
    }
    assert_eq!(refusal(&refused), "closed", "there is another place");

    // Half a minute, where a client that has made a request has ten.
    idle[0].allow(FIRST_IDLE + PATIENCE);
    assert!(matches!(idle[0].read(&mut [0]), Ok(0) | Err(Down::Closed)));
    assert!(began.elapsed() >= FIRST_IDLE, "{:?}", began.elapsed());
    // The enclave frees the place a moment after it has closed the connection.
    let admitted = || {
        let output = run();
        if !output.status.success() {
            assert_eq!(refusal(&output), "closed");
        }
        output.status.success().then_some(output)
    };
    let ran = wait_until(|| "no place is free".to_owned(), admitted);
    let said: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(said["output"], "x");
    owners.iter_mut().for_each(|session| list(session).unwrap());
    drop((idle, attested, owners));
    place.local.stop();
    true
}

/// The files in `folder` that are being written.
fn unfinished(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".capelet-")).collect()
}

/// Interrupts a command and waits until it has ended.
fn interrupt(child: &mut Child) {
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
    wait_until(|| "an interrupted command does not end".to_owned(), || child.try_wait().unwrap());
}

#[test]
fn ctrl_c_at_any_moment_loses_nothing() {
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
    // However fast or slow the host is, this one is cut off while it writes: its input does not end.
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

    // What was cut off can be done again, and what was acknowledged is still there.
    place.owner.ok(&deploy);
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    assert_eq!(place.owner.ok(&["run", "kept", "x"]), b"x");
    sender.ok(&encrypt);
    let made = place.owner.run(&["key", "create"]);
    let shown = place.owner.json(&["key", "show"]).to_string();
    assert!(made.status.success() || shown.contains("confirmed"), "{shown}");
    place.local.stop();
}
