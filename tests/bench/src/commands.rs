//! Whole commands, as their user waits for them, each beside a peer or a floor.

use crate::bulk::RECIPIENT;
use crate::measure::{each, row};
use crate::session::{ANSWER, Peer, ask, process};
use capelet_bench::Place;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The length of the large input, in bytes.
const INPUT: usize = 64 << 20;
/// The length of the file that is encrypted, in bytes.
const FILE: usize = 1 << 30;

pub fn run() {
    let place = Place::new();
    sessions(&place);
    files(&place);
    place.local.unwrap().stop();
}

/// `attest` and `run`, beside an empty process and an exchange of the same bytes over bare TLS.
fn sessions(place: &Place) {
    let mut attest = || drop(place.owner.ok(&["attest"]));
    let mut run = || drop(place.owner.ok(&["run", "empty", ""]));
    let peer = Peer::<ANSWER>::new();
    let mut floor = || {
        process();
        ask(&mut peer.connect(), &[7; ANSWER]);
    };
    let [attest, run, floor] = each(21, || {}, [&mut attest, &mut run, &mut floor]);
    row("attest / process + exchange by TLS", attest, floor, "");
    row("run of an empty function / the same", run, floor, "");

    let input = place.folder.path().join("input");
    fs::write(&input, vec![7; INPUT]).unwrap();
    let mut run = || drop(place.owner.ok(&["run", "empty", "-f", input.to_str().unwrap()]));
    let peer = Peer::<INPUT>::new();
    let mut floor = || {
        process();
        ask(&mut peer.connect(), &fs::read(&input).unwrap());
    };
    let [run, floor] = each(9, || {}, [&mut run, &mut floor]);
    row("run with 64 MiB / process + 64 MiB by TLS", run, floor, "");
    println!("{:<46} {:>9.2} GB/s {:>32}", "  as a rate", INPUT as f64 / run / 1000.0, "≥ 0.8 GB/s");
}

/// `encrypt`, beside `cp` and `age`.
fn files(place: &Place) {
    let path = |name: &str| place.folder.path().join(name).to_str().unwrap().to_owned();
    let (plain, out) = (path("plain"), path("out"));
    let mut file = File::create(&plain).unwrap();
    // No zeros, which a file system may store as a hole.
    (0..FILE >> 20).for_each(|_| file.write_all(&[7; 1 << 20]).unwrap());
    // What an earlier command has left to write would slow down the next one.
    let fresh = || {
        let _ = fs::remove_file(&out);
        assert!(succeeds("sync", &[]));
    };
    let mut ours = || drop(place.owner.ok(&["encrypt", "--any-function-of-owner", "-f", &plain, "--out", &out]));
    let mut copy = || assert!(succeeds("cp", &[&plain, &out]));
    // `encrypt` waits for the disk, as `sync` does.
    let mut kept_copy = || assert!(succeeds("cp", &[&plain, &out]) && succeeds("sync", &[&out]));
    let [encrypt, copy, kept_copy] = each(5, fresh, [&mut ours, &mut copy, &mut kept_copy]);
    row("encrypt 1 GiB / cp", encrypt, copy, "");
    row("encrypt 1 GiB / cp and sync", encrypt, kept_copy, "≤ 1.10");
    if !succeeds("age", &["--version"]) {
        println!("encrypt 1 GiB / age: age is not installed (apt-get install age)");
        return;
    }
    let mut age = || assert!(succeeds("age", &["-r", RECIPIENT, "-o", &out, &plain]));
    let [encrypt, age] = each(3, fresh, [&mut ours, &mut age]);
    row("encrypt 1 GiB / age", encrypt, age, "");
}

/// Whether a program exists and ends with status 0.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let status = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
