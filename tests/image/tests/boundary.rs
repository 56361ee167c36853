//! PCR0 hashes kernel, command line and ramdisk without separators. An image with a moved boundary therefore has the
//! PCR0 of the release, so it must not serve. An image with a second ramdisk may serve, because it has another PCR0.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_image::eif::{self, Parts};
use capelet_image::{Enclave, Machine, NOWHERE, checkout, hostile, measured, output, release};
use eif_build::cpio::{self, Entry, Node};
use eif_build::gzip;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// The time for which an image that does not boot is watched: about ten times that of a normal boot.
const PATIENCE: Duration = Duration::from_secs(60);

fn file() -> Vec<u8> {
    fs::read(release().join("capelet.eif")).unwrap()
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("image").tempdir().unwrap()
}

/// Moves the boundary between kernel and command line by `n` bytes. A positive `n` makes the kernel longer.
fn moved(parts: &Parts, n: isize) -> Parts {
    let all = [&parts.kernel[..], &parts.line].concat();
    let (kernel, line) = all.split_at(parts.kernel.len().checked_add_signed(n).unwrap());
    Parts { kernel: kernel.to_vec(), line: line.to_vec(), ..parts.clone() }
}

/// Moves the boundary between command line and ramdisk by `n` bytes. A positive `n` makes the line longer.
fn moved_behind(parts: &Parts, n: isize) -> Parts {
    let all = [&parts.line[..], &parts.ramdisks[0]].concat();
    let (line, ramdisk) = all.split_at(parts.line.len().checked_add_signed(n).unwrap());
    Parts { line: line.to_vec(), ramdisks: vec![ramdisk.to_vec()], ..parts.clone() }
}

/// Boots an image beside a parent that would serve it. The second value is the folder that holds the image.
fn boot(parts: &Parts) -> (Enclave, TempDir) {
    let folder = folder();
    let image = folder.path().join("image.eif");
    fs::write(&image, parts.file()).unwrap();
    (Enclave::boot(&image, &["--key", NOWHERE], &[], &[]), folder)
}

/// Checks that the image ends or stays silent: the parent gets neither a heartbeat nor an operation.
fn does_not_come_up(parts: &Parts, name: &str) {
    let (Enclave { mut machine, parent, folder: _folder }, _image) = boot(parts);
    while !machine.has_ended() && machine.started.elapsed() < PATIENCE {
        sleep(Duration::from_millis(100));
    }
    let console = machine.console();
    assert!(!machine.log().contains("Failed to open"), "{name}: {}", machine.log());
    assert!(parent.events("heartbeat").is_empty() && parent.events("operation").is_empty(), "{name}: {}", parent.log());
    // Either PID 1 stopped the boot, or the kernel did not reach PID 1.
    let stopped = console.contains("capelet-pid1: unexpected kernel command line: ");
    assert!(stopped || !console.contains("capelet-"), "{name}: {console}");
    println!("{name}: {}", if stopped { "stopped by PID 1" } else { "does not boot" });
}

#[test]
fn a_moved_boundary_has_the_same_pcr0_and_does_not_come_up() {
    let parts = Parts::of(&file());
    let whole = isize::try_from(parts.line.len()).unwrap();
    let cases = [
        ("1 byte to the kernel", moved(&parts, 1)),
        ("4 bytes to the kernel", moved(&parts, 4)),
        ("the whole line to the kernel", moved(&parts, whole)),
        ("1 byte of the kernel's", moved(&parts, -1)),
        ("4 bytes of the kernel's", moved(&parts, -4)),
        ("16 bytes of the kernel's", moved(&parts, -16)),
        ("1 byte to the ramdisk", moved_behind(&parts, -1)),
        ("1 byte of the ramdisk's", moved_behind(&parts, 1)),
        ("110 bytes of the ramdisk's", moved_behind(&parts, 110)),
    ];
    for (name, moved) in cases {
        assert_eq!(moved.pcr0(), measured(&release())["PCR0"], "{name}");
        eif_build::measure(&moved.file()).unwrap_err();
        does_not_come_up(&moved, name);
    }
}

/// In this image PID 1 checks for another command line of the same length. Everything else is the release. A client
/// that pins this image accepts the image with the moved boundary, which was never built.
#[test]
fn control_without_pid1s_check_a_moved_boundary_is_accepted() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let init = eif::program(&file(), "init");
    let blind = eif::replaced(&init, b"no_timer_check panic=-1", b"no_timer_check anic=-1 ");
    let control = eif::with_program(&file(), "init", &blind);
    let measurements = eif_build::report::measurements(&eif_build::measure(&control).unwrap());
    fs::write(path("measurements.json"), measurements.to_string()).unwrap();
    let moved = moved(&Parts::of(&control), 1);
    assert_eq!(moved.pcr0(), measurements["pcrs"]["PCR0"]);
    fs::write(path("moved.eif"), moved.file()).unwrap();
    let enclave = Enclave::start(&path("moved.eif"), &["--key", NOWHERE], &[], &[]);
    let person = enclave.pinned(&path("measurements.json"));
    person.ok(&["attest", "-u", &enclave.parent.url]);
}

/// The kernel starts without its last byte. The command line then begins with that byte.
#[test]
fn control_a_boundary_moved_into_the_kernel_boots() {
    let folder = folder();
    let probe = folder.path().join("probe");
    output(Command::new("gcc").args(["-static", "-O2", "-o"]).arg(&probe).arg(checkout("tests/kernel/probe.c")));
    let control = eif::with_program(&file(), "init", &fs::read(&probe).unwrap());
    let parts = Parts::of(&control);
    let moved = moved(&parts, -1);
    assert_eq!(moved.pcr0(), parts.pcr0());
    fs::write(folder.path().join("moved.eif"), moved.file()).unwrap();
    hostile::serve(folder.path(), None);
    let mut machine = Machine::boot(folder.path(), &folder.path().join("moved.eif"), &[]);
    machine.wait_for("probe: ready");
    let console = machine.console();
    let line = console.lines().find(|line| line.starts_with("cmdline: ")).unwrap();
    assert!(!line.contains("no_timer_check panic=-1"), "{line}");
}

/// A compressed ramdisk. The kernel accepts an uncompressed archive only at a multiple of four, and a second ramdisk
/// may begin elsewhere.
fn ramdisk(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|(path, bytes)| Entry { path, mode: 0o555, uid: 0, gid: 0, node: Node::File(bytes) })
        .collect();
    gzip::compress(&cpio::write(&entries).unwrap())
}

#[test]
fn a_second_ramdisk_replaces_programs_but_changes_pcr0() {
    let mut parts = Parts::of(&file());
    let honest = (parts.pcr0(), parts.pcr1());
    let core = eif::program(&file(), "core");
    let core = eif::replaced(&core, b"capelet-core: serving", b"capelet-core: HOSTILE");
    let init = [eif::program(&file(), "init"), vec![0]].concat();
    parts.ramdisks.push(ramdisk(&[("core", &core), ("init", &init)]));
    assert_eq!(eif_build::measure(&parts.file()).unwrap_err().code(), "duplicate-section");

    let (mut enclave, _image) = boot(&parts);
    enclave.machine.wait_for("capelet-core: HOSTILE");
    let url = &enclave.parent.url;
    let person = enclave.pinned(&release().join("measurements.json"));
    assert_eq!(person.code(&["attest", "-u", url]), "pcr-mismatch");

    // A client can pin its real PCR0. Its PCR1 equals that of the release, so nobody may pin PCR1 alone.
    let root = enclave.machine.root();
    let pins = format!("0:{}", parts.pcr0());
    person.ok(&["pin", url, "-p", &pins, "--root", root.to_str().unwrap(), "--replace", "--yes"]);
    let found = person.json(&["attest", "-u", url])["pcrs"].clone();
    assert_ne!(found["PCR0"], honest.0);
    assert_eq!(found["PCR1"], honest.1);
    assert_eq!(person.code(&["pin", url, "-p", &format!("1:{}", honest.1), "--replace", "--yes"]), "no-pins");
}
