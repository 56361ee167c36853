//! PID 1's real loop on the host, as PID 1 of a namespace. Its core and its workers are puppets: they make the system
//! calls that a test requests.
//!
//! It needs root, because each worker has its own user, and a static worker in `CAPELET_WORKER`: run tests/pid1/run.sh.
//! The tests under QEMU show what only the enclave's machine has: mounts, command line, NSM, heartbeat.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod confinement;
mod cores;
mod deadlines;
mod machine;
mod puppet;
mod workers;

use capelet_pid1::supervisor::Supervisor;
use capelet_pid1::{core_process, mounts, sys, worker_process};
use machine::{Programs, folder};
use std::io::stdin;
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs};

const CASES: &[(&str, fn(&Programs))] = &[
    (
        "control: an unconfined puppet may make forbidden calls",
        confinement::an_unconfined_puppet_may_make_forbidden_calls,
    ),
    ("worker: is confined", confinement::a_worker_is_confined),
    ("worker: killed for every call not listed", confinement::kills_a_worker_for_every_call_not_listed),
    ("worker: killed for forbidden arguments", confinement::kills_a_worker_for_forbidden_arguments),
    ("worker: shares no core with another program", confinement::each_program_has_another_core_cookie),
    ("worker: can open nothing", workers::a_worker_can_open_nothing_and_has_three_descriptors),
    ("worker: memory is limited", workers::limits_a_workers_memory),
    ("worker: PID 1 reports why it ended", workers::reports_why_a_worker_ended),
    ("worker: each has another user", workers::each_worker_has_another_user),
    ("worker: PID 1 reports one that cannot start", workers::reports_a_worker_that_cannot_start),
    ("worker: the real one runs a module", workers::the_real_worker_runs_a_module),
    ("deadline: kills asleep, busy, waiting", deadlines::kills_a_worker_that_sleeps_spins_or_waits),
    ("deadline: eight, each at its own time", deadlines::kills_each_of_eight_workers_at_its_own_deadline),
    ("deadline: kept while the core floods", deadlines::keeps_a_deadline_while_the_core_floods),
    ("core: is confined", confinement::the_core_is_confined),
    ("core: killed for every call not listed", confinement::kills_the_core_for_every_call_not_listed),
    ("core: killed for forbidden arguments", confinement::kills_the_core_for_forbidden_arguments),
    ("core: an invalid message ends the machine", cores::rejects_invalid_messages),
    ("core: invalid descriptors end the machine", cores::rejects_invalid_descriptors),
    ("core: the machine ends with it", cores::ends_with_the_core),
    ("core: gets eight workers at most", cores::starts_eight_workers_at_most),
    ("core: PID 1 does not wait for it to read", cores::does_not_wait_for_a_core_that_does_not_read),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [mode, core, worker, folder] = arguments.as_slice()
        && mode == "pid1"
    {
        return pid1(core, worker, folder);
    }
    fs::create_dir_all(folder().join("root")).unwrap();
    let programs = Programs { core: compile("core", 1), worker: compile("worker", 0) };
    let mut failed = 0;
    for (name, case) in CASES.iter().filter(|(name, _)| arguments.iter().all(|word| name.contains(word))) {
        let start = Instant::now();
        let held = catch_unwind(AssertUnwindSafe(|| case(&programs))).is_ok();
        println!("{} {name} ({} ms)", if held { "ok    " } else { "FAILED" }, start.elapsed().as_millis());
        failed += u32::from(!held);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The steps of `boot` that do not need the enclave's machine.
fn pid1(core: &str, worker: &str, folder: &str) -> ExitCode {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let root = leak(format!("{folder}/root"));
    mounts::mount_empty_root(root).unwrap();
    sys::empty_bounding_set().unwrap();
    let core = core_process::open(leak(core.to_owned()), root).unwrap();
    let worker = worker_process::open(leak(worker.to_owned()), root).unwrap();
    let nsm = stdin().as_fd().try_clone_to_owned().unwrap();
    let Err(error) = Supervisor::start(&core, worker, nsm).and_then(Supervisor::serve);
    eprintln!("capelet-pid1: {error}");
    ExitCode::FAILURE
}

fn compile(name: &str, control: u8) -> PathBuf {
    let program = folder().join(name);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/native/puppet.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"]);
    compiler.args(["-O1", "-Wall", "-Werror", "-Wno-array-bounds", source, "-o"]).arg(&program);
    assert!(compiler.arg(format!("-DCONTROL={control}")).status().expect("cc").success());
    program
}
