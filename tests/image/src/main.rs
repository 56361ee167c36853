//! Measures the images under QEMU: the time until the release serves, what a run costs with and without the isolation of
//! programs on one physical core, and the memory that the release needs.
//!
//! The time is compared with that of the same kernel and an `/init` that only answers the heartbeat. QEMU emulates
//! every instruction, so only the ratio is meaningful. `make bench` runs this program.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::function;
use capelet_image::{Enclave, Kms, Machine, NOWHERE, checkout, development, eif, hostile, measured, output, release};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The number of boots of each kind. The fastest counts, because other load on the host can only slow a boot down.
const TIMES: usize = 3;
/// The number of runs of a function in each setting.
const RUNS: usize = 31;
/// A function that does nothing.
const EMPTY: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
/// The step of the search for the least memory, in MiB.
const STEP: u32 = 16;
/// The memory at which the search begins, in MiB.
const PLENTY: u32 = 640;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::read(release().join("capelet.eif")).unwrap();
    println!("image {} bytes", file.len());

    let (probe, image) = (folder.path().join("probe"), folder.path().join("probe.eif"));
    output(Command::new("gcc").args(["-static", "-O2", "-o"]).arg(&probe).arg(checkout("tests/kernel/probe.c")));
    fs::write(&image, eif::with_program(&file, "init", &fs::read(&probe).unwrap())).unwrap();
    let floor = quickest(|| trivial(&image));

    let whole = release().join("capelet.eif");
    let boots: Vec<_> = (0..TIMES).map(|_| boot(&whole, PLENTY).unwrap()).collect();
    println!("from QEMU's start, best of {TIMES}               ms   × a trivial /init");
    let row = |name: &str, took: Duration| {
        println!("{name:<38} {:6}   {:.2}", took.as_millis(), took.as_secs_f64() / floor.as_secs_f64());
    };
    row("a trivial /init in the same image", floor);
    row("PID 1's heartbeat", boots.iter().map(|boot| boot.heartbeat).min().unwrap());
    row("the first accepted connection", boots.iter().map(|boot| boot.connection).min().unwrap());

    println!("warm run of an empty function, median of {RUNS}       ms   × without isolation");
    let apart = warm_run("2");
    row_of("two cores: no isolation by the scheduler", apart, apart);
    row_of("two threads of one core, with isolation", warm_run("2,threads=2"), apart);

    let mut enough = PLENTY;
    while boot(&whole, enough - STEP).is_ok() {
        enough -= STEP;
    }
    println!("memory with which it still serves      {enough:6} MiB, with {} not", enough - STEP);
}

fn row_of(name: &str, took: Duration, floor: Duration) {
    println!("{name:<44} {:6}   {:.2}", took.as_millis(), took.as_secs_f64() / floor.as_secs_f64());
}

/// The median time of a client's whole call, connection and attestation included, on a machine with these CPUs.
fn warm_run(cpus: &str) -> Duration {
    let kms = Kms::start();
    let key = kms.key(&measured(&development())["PCR0"]);
    let enclave = kms.enclave_on(&development(), &key, &[], &[("CPUS", cpus)], &[]);
    let owner = enclave.pinned(&development().join("measurements.json"));
    let folder = enclave.folder.path().join("function");
    function(&folder, &wat::parse_str(EMPTY).unwrap(), &json!({ "entry": "function.wasm" }));
    let at = ["-u", &enclave.parent.url];
    owner.json(&[&["deploy", folder.to_str().unwrap(), "-n", "empty"][..], &at].concat());
    let run = || {
        let begun = Instant::now();
        owner.ok(&[&["run", "empty", "x"][..], &at].concat());
        begun.elapsed()
    };
    run();
    let mut times: Vec<_> = (0..RUNS).map(|_| run()).collect();
    times.sort_unstable();
    times[RUNS / 2]
}

fn quickest(boot: impl Fn() -> Duration) -> Duration {
    (0..TIMES).map(|_| boot()).min().unwrap()
}

/// The time from QEMU's start until the trivial `/init` is ready.
fn trivial(image: &Path) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    hostile::serve(folder.path(), None);
    let mut machine = Machine::boot(folder.path(), image, &[]);
    machine.wait_for("probe: ready");
    machine.started.elapsed()
}

/// The times of a boot, from the start of QEMU.
struct Boot {
    heartbeat: Duration,
    connection: Duration,
}

/// Boots the release with this memory in MiB. The error is what its console says if it does not serve within a minute.
fn boot(image: &Path, memory: u32) -> Result<Boot, String> {
    let memory = format!("{memory}M");
    let Enclave { mut machine, parent, folder: _folder } =
        Enclave::boot(image, &["--key", NOWHERE], &[], &[("MEMORY", &memory)]);
    let patience = machine.started + Duration::from_secs(60);
    let mut heartbeat = None;
    while Instant::now() < patience && !machine.has_ended() {
        if heartbeat.is_none() && !parent.events("heartbeat").is_empty() {
            heartbeat = Some(machine.started.elapsed());
        }
        if let Some(heartbeat) = heartbeat
            && machine.connect(5000).is_some()
        {
            return Ok(Boot { heartbeat, connection: machine.started.elapsed() });
        }
        sleep(Duration::from_millis(5));
    }
    Err(format!("heartbeat after {heartbeat:?}\n{}\n{}", machine.console(), machine.log()))
}
