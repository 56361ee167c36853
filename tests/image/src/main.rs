//! Figures of the release image under QEMU: how long it takes to come up, beside the same kernel with an `/init` that
//! does nothing else than to beat its heart; and how little memory it needs. QEMU emulates every instruction: ratios
//! count, not times. Run by `make bench`.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_image::{Enclave, Machine, NOWHERE, checkout, eif, hostile, output, release};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Boots of each kind; the quickest counts, for whatever else the machine does can only slow one down.
const TIMES: usize = 3;
/// Steps of memory, in MiB, and where the search begins.
const STEP: u32 = 8;
const PLENTY: u32 = 256;

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

    let mut enough = PLENTY;
    while boot(&whole, enough - STEP).is_some() {
        enough -= STEP;
    }
    println!("memory with which it still serves      {enough:6} MiB, with {} not", enough - STEP);
}

fn quickest(boot: impl Fn() -> Duration) -> Duration {
    (0..TIMES).map(|_| boot()).min().unwrap()
}

/// From QEMU's start to the first line of a trivial `/init`.
fn trivial(image: &Path) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    hostile::serve(folder.path(), None);
    let mut machine = Machine::boot(folder.path(), image, &[]);
    machine.wait_for("probe: ready");
    machine.started.elapsed()
}

struct Boot {
    heartbeat: Duration,
    connection: Duration,
}

/// Boots the release with so many MiB; none if it does not come to serve.
fn boot(image: &Path, memory: u32) -> Option<Boot> {
    let memory = format!("{memory}M");
    let Enclave { mut machine, parent, folder: _folder } =
        Enclave::boot(image, &["--key", NOWHERE], &[], &[("MEMORY", &memory)]);
    let patience = machine.started + Duration::from_secs(60);
    let mut heartbeat = None;
    while Instant::now() < patience && !machine.has_ended() {
        if heartbeat.is_none() && !parent.events("heartbeat").is_empty() {
            heartbeat = Some(machine.started.elapsed());
        }
        if let (Some(heartbeat), Some(_)) = (heartbeat, machine.connect(5000)) {
            return Some(Boot { heartbeat, connection: machine.started.elapsed() });
        }
        sleep(Duration::from_millis(5));
    }
    None
}
