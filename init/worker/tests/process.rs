//! The process: its descriptors, its limits, and its exit status for invalid jobs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use capelet_abi::WorkerReport;
use capelet_hostile_bytes::truncations;
use common::{Job, PATIENCE, receive, send, worker};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Waits until the worker has closed all descriptors except 0. It does so before it reads.
fn wait_for_descriptors(child: &Child) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let folder = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        let open: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        if open == ["0"] || Instant::now() > until {
            return open;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn closes_inherited_descriptors() {
    // Descriptors that a parent process could leave open by mistake, one of them with a high number.
    let secret = fs::File::open("/etc/passwd").unwrap();
    fcntl(&secret, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let high = fcntl(&secret, FcntlArg::F_DUPFD(900)).unwrap();
    let (child, ours) = worker();
    assert_eq!(wait_for_descriptors(&child), ["0"]);
    assert_eq!(fs::read(format!("/proc/{}/environ", child.id())).unwrap(), b"");
    drop(ours);
    assert_exits_with(child, 6);
    nix::unistd::close(high).unwrap();
}

#[test]
fn gives_up_privileges_and_resources() {
    let (child, ours) = worker();
    wait_for_descriptors(&child);
    // The worker sets its limits next, and the limit of memory after it has read the header.
    let job = Job::start("", "");
    let bytes = job.bytes();
    let (header, rest) = bytes.split_at(bytes.len() - job.module.len());
    (&ours).write_all(header).unwrap();
    let limits = || fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let until = Instant::now() + PATIENCE;
    let space = job.header().address_space().to_string();
    while !limits().contains(&space) && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    let limits = limits();
    for (name, value) in [
        ("Max address space", space.as_str()),
        ("Max core file size", "0"),
        ("Max file size", "0"),
        ("Max open files", "1"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(words[..2], [value, value], "{line}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
    (&ours).write_all(rest).unwrap();
    assert_eq!(receive(child, ours).report, Some(WorkerReport::Completed));
}

fn assert_exits_with(mut child: Child, status: i32) {
    assert_eq!(child.wait().unwrap().code(), Some(status));
}

#[test]
fn rejects_truncated_jobs_without_a_report() {
    let job = Job::start("", "").argument("a").file("x/y", *b"z").input(*b"input");
    let bytes = job.bytes();
    for truncated in truncations(&bytes).step_by(7).chain([&bytes[..bytes.len() - 1]]) {
        let outcome = send(truncated);
        assert_eq!((outcome.exit.code(), outcome.report), (Some(6), None), "{} bytes", truncated.len());
    }
    assert_eq!(send(&bytes).report, Some(WorkerReport::Completed));
}

#[test]
fn rejects_invalid_jobs_without_a_report() {
    let mut magic = Job::start("", "").bytes();
    magic[4] ^= 1;
    let mut entry_point = Job::start("", "").bytes();
    entry_point[8] = 2;
    let mut longer = Job::start("", "").bytes();
    longer[3] += 1;
    let huge = {
        let job = Job::start("", "");
        let mut header = job.header();
        header.input = 1 << 40;
        header.to_bytes().unwrap()
    };
    let escape = Job::start("", "").file("../x", *b"").bytes();
    let twice = Job::start("", "").file("x", *b"").file("x/y", *b"").bytes();
    let taken = Job::start("", "").file("input/0", *b"").bytes();
    for (name, bytes) in [
        ("a file with the path of the input", taken),
        ("magic", magic),
        ("entry point", entry_point),
        ("a header with a trailing byte", longer),
        ("a header longer than its limit", u32::MAX.to_be_bytes().to_vec()),
        ("an input longer than its limit", huge),
        ("a path that leads out of the root", escape),
        ("a file that is also a directory", twice),
    ] {
        let outcome = send(&bytes);
        assert_eq!((outcome.exit.code(), outcome.report), (Some(5), None), "{name}");
    }
}

#[test]
fn ends_when_the_core_closes_the_socket() {
    let job = Job::start(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
        "(i32.store (i32.const 4) (i32.const 60000))
         (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))",
    );
    let (child, mut ours) = worker();
    ours.write_all(&job.bytes()).unwrap();
    ours.read_exact(&mut [0; 5]).unwrap();
    drop(ours);
    assert_exits_with(child, 8);
}
