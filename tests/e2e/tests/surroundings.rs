//! Clocks that are off, a store that answers with what is old, a hand on Ctrl-C.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet::home::Home;
use capelet::home::trust::Trust;
use capelet::session::{Ask, Session};
use capelet::transport::Tls;
use capelet::url::Url;
use capelet_dev::adversary::store::swap;
use capelet_e2e::{Person, binary, refusal};
use common::{ECHO, Place, SPIN};
use enclave_core::cbor::Writer;
use enclave_core::message::{Halves, Verb};
use enclave_core::platform::Channel as _;
use std::fs::{self, File};
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
        let until = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            assert!(Instant::now() < until, "{}", fs::read_to_string(place.path("parent.log")).unwrap());
            thread::sleep(Duration::from_millis(5));
        }
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

/// Whoever takes all places and says nothing has them for half a minute, not for ten; whoever has said something may
/// think for longer.
#[test]
fn strangers_who_say_nothing() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let home = Home::at(place.owner.home.clone()).unwrap();
    let url = Url::parse(&place.local.url).unwrap();
    let entry = home.load::<Trust>().unwrap().entry(&url).unwrap().clone();
    let identity = home.identity(|_| {}).unwrap();
    let list = |session: &mut Session| {
        let mut params = Writer::new();
        params.map(1).uint(1).uint(1);
        let ask = Ask { verb: Verb::List, params: params.finish(), halves: Halves::new(), body: None };
        session.demand(&identity, ask).map(drop)
    };
    let mut owner = Session::connect(&url, &entry).unwrap();
    list(&mut owner).unwrap();
    let began = Instant::now();
    let mut idle: Vec<_> = (0..32).map(|_| Tls::connect(&url).unwrap()).collect();
    let attested: Vec<_> = (0..31).map(|_| Session::connect(&url, &entry).unwrap()).collect();
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "closed", "there is another place");
    idle[0].allow(Duration::from_secs(60));
    assert_eq!(idle[0].read(&mut [0]).unwrap_or(0), 0);
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    thread::sleep(Duration::from_secs(35).saturating_sub(began.elapsed()));
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    list(&mut owner).unwrap();
    drop((idle, attested));
    place.local.stop();
}

/// Nothing that was being written is left in `folder`.
fn tidy(folder: &Path) {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| name.starts_with(".capelet-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn ctrl_c_at_any_moment_loses_nothing() {
    let place = Place::new(&["--limit-run", "3000"]);
    place.deploy("spin", SPIN);
    place.deploy("kept", ECHO);
    let folder = place.function("echo", ECHO);
    let deploy = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    File::create(place.path("big")).unwrap().set_len(16 << 20).unwrap();
    let (big, out) = (place.path("big"), place.path("big.cape"));
    let sender = place.person("sender");
    sender.ok(&["key", "create"]);
    let encrypt = ["encrypt", "--any-function-of-owner", "-f", &big, "--out", &out];
    let mut whole = 0;
    for milliseconds in [0, 5, 15, 40, 80, 160, 640] {
        let commands = [&["run", "spin", "x"][..], &deploy, &["key", "create"], &encrypt];
        for (person, command) in [&place.owner, &place.owner, &place.owner, &sender].into_iter().zip(commands) {
            let mut child = person.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(milliseconds));
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
            let until = Instant::now() + Duration::from_secs(10);
            while child.try_wait().unwrap().is_none() {
                assert!(Instant::now() < until, "{command:?} does not end");
                thread::sleep(Duration::from_millis(5));
            }
            tidy(&person.home);
            tidy(place.folder.path());
        }
        // A file is there whole, or not at all.
        if let Ok(metadata) = fs::metadata(&out) {
            assert!(metadata.len() > 16 << 20, "{}", metadata.len());
            fs::remove_file(&out).unwrap();
            whole += 1;
        }
    }
    assert!(whole < 7, "nothing was cut off");
    // Whatever was cut off can be taken up, and what was acknowledged is still there.
    place.owner.ok(&deploy);
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    assert_eq!(place.owner.ok(&["run", "kept", "x"]), b"x");
    sender.ok(&encrypt);
    let made = place.owner.run(&["key", "create"]);
    let shown = place.owner.json(&["key", "show"]).to_string();
    assert!(made.status.success() || shown.contains("confirmed"), "{shown}");
    place.local.stop();
}
