//! What PID 1 does before it starts the core: it seeds the kernel's random pool from the NSM, and it isolates programs
//! from each other on the processor, as far as the machine offers it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::function;
use capelet_image::{Enclave, Kms, Machine, NOWHERE, checkout, development, eif, measured, output, release};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread;
use tempfile::TempDir;

const SEEDED: &str = "capelet-pid1: seeded the kernel's random pool with 64 bytes from the NSM";
const NO_SIBLINGS: &str = "capelet-pid1: no core scheduling: no physical core has two threads";
const NO_CONTROL: &str = "capelet-pid1: no control of ";
/// A machine whose two CPUs are threads of one core.
const SIBLINGS: [(&str, &str); 1] = [("CPUS", "2,threads=2")];
/// A CPU on which a program can disable speculative store bypass. Without the flag `hypervisor`, the kernel controls it
/// in the way of AMD's family 23. QEMU ignores what the kernel sets, so only the control is shown, not its effect.
const CONTROLLED: [&str; 2] = ["-cpu", "max,family=23,model=1,-hypervisor"];
/// A function that never ends.
const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;

#[test]
fn pid1_seeds_the_random_pool_and_prints_once_what_the_machine_does_not_offer() {
    let enclave = Enclave::start(&release().join("capelet.eif"), &["--key", NOWHERE], &[], &[]);
    let console = enclave.machine.console();
    assert!(console.find(SEEDED).unwrap() < console.find("capelet-core: ").unwrap(), "{console}");
    for (text, times) in [(SEEDED, 1), (NO_SIBLINGS, 1), (NO_CONTROL, 2)] {
        assert_eq!(console.matches(text).count(), times, "{text}: {console}");
    }
}

/// Writes the development image with observer.c before PID 1, and its measurements. Returns their folder.
fn observed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let source = checkout("tests/image/src/observer.c");
    output(Command::new("gcc").args(["-static", "-O2", "-o"]).arg(path("observer")).arg(source));
    let file = fs::read(development().join("capelet.eif")).unwrap();
    let image = eif::with_init_before(&file, &fs::read(path("observer")).unwrap());
    let measurements = eif_build::report::measurements(&eif_build::measure(&image).unwrap());
    fs::write(path("capelet.eif"), image).unwrap();
    fs::write(path("measurements.json"), measurements.to_string()).unwrap();
    folder
}

#[test]
fn the_core_and_each_worker_have_another_cookie_and_no_speculative_store_bypass() {
    let (kms, image) = (Kms::start(), observed());
    let key = kms.key(&measured(image.path())["PCR0"]);
    // With the default limit on memory, the second run would wait until the first one ends.
    let limits = ["--limit-run", "4000", "--limit-memory", "16777216"];
    let enclave = kms.enclave_on(image.path(), &key, &limits, &SIBLINGS, &CONTROLLED);
    let owner = enclave.pinned(&image.path().join("measurements.json"));
    let folder = enclave.folder.path().join("function");
    function(&folder, &wat::parse_str(SPIN).unwrap(), &json!({ "entry": "function.wasm" }));
    let at = ["-u", &enclave.parent.url];
    owner.json(&[&["deploy", folder.to_str().unwrap(), "-n", "spin"][..], &at].concat());
    // At once: the kernel may give a program the cookie of one that has ended.
    let run = || assert_eq!(owner.code(&[&["run", "spin", "x"][..], &at].concat()), "time-limit");
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(run))));

    let console = enclave.machine.console();
    assert!(!console.contains(NO_SIBLINGS) && !console.contains("no control of speculative store bypass"), "{console}");
    let lines = console.lines().filter_map(|line| line.trim().strip_prefix("observer: "));
    let seen: Vec<Vec<&str>> = lines.map(|line| line.split(", ").collect()).collect();
    let users: BTreeSet<&str> = seen.iter().map(|line| line[0]).collect();
    assert_eq!(users, BTreeSet::from(["1000", "65537", "65538"]), "{console}");
    let cookies: BTreeSet<&str> = seen.iter().map(|line| line[1]).collect();
    assert!(cookies.len() == 3 && !cookies.contains("0"), "{console}");
    assert!(seen.iter().all(|line| line[2] == "thread force mitigated"), "{console}");
}

/// In these images PID 1 reads another device in place of the NSM's. QEMU's NSM cannot be made to fail.
#[test]
fn a_boot_without_random_bytes_from_the_nsm_ends_the_machine() {
    let file = fs::read(release().join("capelet.eif")).unwrap();
    let init = eif::program(&file, "init");
    let cases: [(&[u8; 10], &str); 2] = [
        (b"/dev/hwrnG", "capelet-pid1: cannot open /dev/hwrnG: "),
        (b"/dev//null", "capelet-pid1: unexpected number of random bytes from the NSM: \"0\""),
    ];
    for (device, expected) in cases {
        let folder = tempfile::Builder::new().prefix("image").tempdir().unwrap();
        let image = folder.path().join("image.eif");
        let other = eif::replaced(&init, b"/dev/hwrng", device);
        fs::write(&image, eif::with_program(&file, "init", &other)).unwrap();
        let console = Machine::boot(folder.path(), &image, &[]).ends_without_serving();
        assert!(console.contains(expected) && !console.contains(SEEDED), "{console}");
    }
}
