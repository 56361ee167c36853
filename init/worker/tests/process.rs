//! The process: what it holds, what it gives up, and what it does with a job that is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use capelet_abi::outcome::End;
use common::{Job, PATIENCE, receive, send, worker};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Waits until the worker holds its one descriptor and no more, which it does before it reads.
fn settled(child: &Child) -> Vec<String> {
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
fn nothing_is_inherited() {
    // Three descriptors that a careless spawner leaves open, one of them with a high number.
    let secret = fs::File::open("/etc/passwd").unwrap();
    fcntl(&secret, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let high = fcntl(&secret, FcntlArg::F_DUPFD(900)).unwrap();
    let (child, ours) = worker();
    assert_eq!(settled(&child), ["0"]);
    assert_eq!(fs::read(format!("/proc/{}/environ", child.id())).unwrap(), b"");
    drop(ours);
    receive_failure(child, 6);
    nix::unistd::close(high).unwrap();
}

#[test]
fn privileges_and_resources_are_given_up() {
    let (child, ours) = worker();
    settled(&child);
    // The limits are set right after; the job's own once its header is there.
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
    assert_eq!(receive(child, ours).end, Some(End::Completed));
}

fn receive_failure(mut child: Child, status: i32) {
    assert_eq!(child.wait().unwrap().code(), Some(status));
}

#[test]
fn every_truncated_job_is_refused_in_silence() {
    let job = Job::start("", "").argument("a").file("x/y", *b"z").input(*b"input");
    let bytes = job.bytes();
    for end in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let outcome = send(&bytes[..end]);
        assert_eq!((outcome.exit.code(), outcome.end), (Some(6), None), "{end}");
    }
    assert_eq!(send(&bytes).end, Some(End::Completed));
}

#[test]
fn what_is_no_job_is_refused_in_silence() {
    let mut magic = Job::start("", "").bytes();
    magic[4] ^= 1;
    let mut kind = Job::start("", "").bytes();
    kind[8] = 2;
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
        ("a file where the input is", taken),
        ("magic", magic),
        ("kind", kind),
        ("longer", longer),
        ("header over the limit", u32::MAX.to_be_bytes().to_vec()),
        ("more than any job", huge),
        ("a path that leads out", escape),
        ("a file that is a folder", twice),
    ] {
        let outcome = send(&bytes);
        assert_eq!((outcome.exit.code(), outcome.end), (Some(5), None), "{name}");
    }
}

#[test]
fn a_core_that_goes_away_ends_the_worker() {
    let job = Job::start(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
        "(i32.store (i32.const 4) (i32.const 60000))
         (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))",
    );
    let (child, mut ours) = worker();
    ours.write_all(&job.bytes()).unwrap();
    ours.read_exact(&mut [0; 5]).unwrap();
    drop(ours);
    receive_failure(child, 8);
}
