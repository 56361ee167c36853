//! No worker outlives `capelet-local`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::Local;
use common::{Place, SPIN, wait_until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The fields of proc_pid_stat(5) after the name; `None` if the process has ended.
fn stat(process: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Starts a run that does not end by itself, ends `capelet-local` by `end`, and waits until the worker has ended.
fn worker_ends_after(limit: &str, end: fn(Local)) {
    let place = Place::new(&["--limit-run", limit]);
    place.deploy("spin", SPIN);
    let mut run = place.owner.command(&["run", "spin", "x"]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // A worker that computes has received its limits.
    let computing = |worker: &PathBuf| stat(worker).is_some_and(|fields| fields[11].parse::<u64>().unwrap() > 10);
    let worker = wait_until(|| "no worker computes".into(), || place.local.workers().into_iter().find(computing));
    end(place.local);
    let ended = || stat(&worker).is_none_or(|fields| fields[0] == "Z");
    wait_until(|| format!("{} is still running", worker.display()), || ended().then_some(()));
    assert!(!run.wait().unwrap().success());
}

/// The worker's limit on processor time, 61 seconds, is longer than this test waits.
#[test]
fn ends_its_workers_at_sigterm() {
    worker_ends_after("60000", Local::stop);
}

/// No process is left to end the worker. Its limit on processor time ends it.
#[test]
fn workers_of_a_killed_supervisor_end_at_their_processor_limit() {
    worker_ends_after("2000", Local::kill);
}
