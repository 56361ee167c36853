//! No worker outlives the embedded default.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::Local;
use common::{Place, SPIN, wait_until};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The fields of proc_pid_stat(5) behind the name; `None` if the process is gone.
fn stat(process: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Starts a run that does not end by itself, ends the embedded default by `end`, and waits until its worker has ended.
fn no_worker_after(limit: &str, end: fn(Local)) {
    let place = Place::new(&["--limit-run", limit]);
    place.deploy("spin", SPIN);
    let mut run = place.owner.command(&["run", "spin", "x"]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // One that computes has its limits.
    let computing = |worker: &PathBuf| stat(worker).is_some_and(|fields| fields[11].parse::<u64>().unwrap() > 10);
    let worker = wait_until(|| "no worker computes".into(), || place.local.workers().into_iter().find(computing));
    end(place.local);
    let ended = || stat(&worker).is_none_or(|fields| fields[0] == "Z");
    wait_until(|| format!("{} lives on", worker.display()), || ended().then_some(()));
    assert!(!run.wait().unwrap().success());
}

/// Its limit of processor time, 61 seconds, is longer than this test waits.
#[test]
fn ends_its_workers_when_it_is_asked_to_end() {
    no_worker_after("60000", Local::stop);
}

/// Nobody is left to end the worker; its limit of processor time does.
#[test]
fn a_worker_ends_by_itself_after_its_supervisor_was_killed() {
    no_worker_after("2000", Local::kill);
}
