//! The real loop, natively: PID 1 of a namespace, its core and workers puppets that try whatever a test tells them.
//!
//! It needs root (a user of its own for each worker) and a static worker in CAPELET_WORKER: tests/pid1/run.sh. What it
//! cannot show is what only the enclave's machine has: its mounts, its command line, the NSM, the heartbeat; those are
//! shown under QEMU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod cores;
mod deadlines;
mod machine;
mod puppet;
mod walls;
mod workers;

use capelet_pid1::supervise::Service;
use capelet_pid1::{core, mounts, sys, worker};
use machine::{Programs, folder};
use std::io::stdin;
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs};

const CASES: &[(&str, fn(&Programs))] = &[
    ("control: a puppet without walls may do what one behind them may not", walls::control),
    ("worker: what the kernel says it has", walls::worker),
    ("worker: every system call", walls::worker_calls),
    ("worker: arguments of those on the list", walls::worker_arguments),
    ("worker: nothing to open, nothing to hold", workers::nothing_to_open),
    ("worker: memory", workers::memory),
    ("worker: how it ends is what the core is told", workers::ends),
    ("worker: another user each time", workers::another_user),
    ("worker: what cannot be started", workers::cannot_start),
    ("worker: the real one runs a module", workers::real),
    ("deadline: asleep, busy, silent", deadlines::each),
    ("deadline: eight at once, each at its own time", deadlines::many),
    ("deadline: met while the core floods", deadlines::flooded),
    ("core: what the kernel says it has", walls::core),
    ("core: every system call", walls::core_calls),
    ("core: arguments of those on the list", walls::core_arguments),
    ("core: what is no message ends the machine", cores::no_message),
    ("core: descriptors that are no worker's socket end the machine", cores::descriptors),
    ("core: its end is the machine's", cores::end),
    ("core: a ninth worker is not started", cores::ninth),
    ("core: one that does not listen ends the machine", cores::deaf),
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

/// What `boot` does once the machine's own steps are done.
fn pid1(core: &str, worker: &str, folder: &str) -> ExitCode {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let root = leak(format!("{folder}/root"));
    mounts::empty(root).unwrap();
    sys::empty_bounding_set().unwrap();
    let (core, worker) = (core::open(leak(core.to_owned()), root), worker::open(leak(worker.to_owned()), root));
    let nsm = stdin().as_fd().try_clone_to_owned().unwrap();
    let Err(error) = Service::start(&core.unwrap(), worker.unwrap(), nsm).and_then(Service::serve);
    eprintln!("capelet-pid1: {error:?}");
    ExitCode::FAILURE
}

fn compile(name: &str, control: u8) -> PathBuf {
    let program = folder().join(name);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/native/puppet.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-O1", "-Wall", "-Werror", "-Wno-array-bounds", source, "-o"]).arg(&program);
    assert!(compiler.arg(format!("-DCONTROL={control}")).status().expect("cc").success());
    program
}
