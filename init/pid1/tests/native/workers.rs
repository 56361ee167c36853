//! Hostile workers: what a worker can reach and use up, and what PID 1 reports about it.

use crate::machine::{Machine, NEVER, Programs, children};
use capelet_abi::{
    EntryPoint, ExitReason, Frame, JobHeader, JobLimits, OUTCOME_HEAD_LEN, SPAWN_LEN, Spawn, WORKER_REPORT_LEN,
    WorkerReport,
};
use nix::libc;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs};

pub fn a_worker_can_open_nothing_and_has_three_descriptors(programs: &Programs) {
    let mut machine = Machine::start(programs);
    machine.run(|worker| {
        worker.write(0, b"/\0").unwrap();
        let scratch = worker.scratch;
        for flags in [0, libc::O_PATH, libc::O_DIRECTORY, libc::O_TMPFILE | libc::O_RDWR] {
            let flags = u64::from(flags.cast_unsigned());
            let at = u64::from(libc::AT_FDCWD.cast_unsigned());
            assert_eq!(worker.call(libc::SYS_openat, &[at, scratch, flags]).unwrap(), -2);
        }
        for number in (3..1100).chain([u64::from(u32::MAX)]) {
            assert_eq!(worker.call(libc::SYS_close, &[number]).unwrap(), -9, "descriptor {number}");
        }
        assert_eq!(worker.call(libc::SYS_close, &[1]).unwrap(), 0);
        assert_eq!(worker.call(libc::SYS_close, &[2]).unwrap(), 0);
    });
}

pub fn limits_a_workers_memory(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let reason = machine.run(|worker| {
        let map = |length: u64| [0, length, 3, 0x22, u64::MAX, 0];
        assert_eq!(worker.call(libc::SYS_mmap, &map(64 << 20)).unwrap(), -i64::from(libc::ENOMEM));
        let mut taken = 0;
        while worker.call(libc::SYS_mmap, &map(1 << 20)).unwrap() > 0 {
            taken += 1;
        }
        assert!((32..64).contains(&taken), "{taken} MiB");
        // The limit is both soft and hard, and the worker must not raise it.
        let limit = worker.scratch;
        let unlimited = [u64::MAX, u64::MAX].map(u64::to_le_bytes).concat();
        worker.write(0, &unlimited).unwrap();
        for resource in 0..16 {
            if resource != 2 && resource != 3 && resource != 10 && resource != 11 && resource != 12 && resource != 15 {
                let raised = worker.call(libc::SYS_prlimit64, &[0, resource, limit, 0]).unwrap();
                assert!(raised == -1 || resource == 5, "limit {resource}: {raised}");
            }
        }
    });
    assert_eq!(reason, ExitReason::Exited(99));
}

pub fn reports_why_a_worker_ended(programs: &Programs) {
    let mut machine = Machine::start(programs);
    for status in [0, 1, 127, 255] {
        let reason = machine.run(|worker| assert!(worker.call(libc::SYS_exit_group, &[status]).is_err()));
        assert_eq!(reason, ExitReason::Exited(u8::try_from(status).unwrap()));
    }
    assert_eq!(machine.run(|worker| worker.crash().unwrap()), ExitReason::Signalled(11));
    // The core closes the socket.
    assert_eq!(machine.run(|_| ()), ExitReason::Exited(99));
    // Another process than PID 1 kills it.
    let (job, socket) = machine.spawn(NEVER, 64 << 20);
    machine.worker(socket).unwrap();
    let pid = children(machine.pid1())[1];
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::Signal::SIGKILL).unwrap();
    let exit = machine.next_exit();
    assert_eq!((exit.job, exit.reason), (job, ExitReason::Signalled(9)));
}

pub fn each_worker_has_another_user(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let sockets: Vec<u64> = (0..3).map(|_| machine.spawn(NEVER, 64 << 20).1).collect();
    for socket in sockets {
        machine.worker(socket).unwrap();
    }
    let owner = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let owners: Vec<String> = children(machine.pid1())[1..].iter().map(owner).collect();
    assert_eq!(owners, ["65537", "65538", "65539"]);
}

pub fn reports_a_worker_that_cannot_start(programs: &Programs) {
    let mut machine = Machine::start(programs);
    // With so little memory it cannot be executed, or cannot reach `main`. That is never a success, and PID 1 goes on.
    for memory in [0, 4096, 1 << 14, 1 << 16] {
        let (job, socket) = machine.spawn(NEVER, memory);
        let exit = machine.next_exit();
        assert_eq!(exit.job, job);
        assert!(matches!(exit.reason, ExitReason::NotStarted | ExitReason::Signalled(_)), "{memory}: {exit:?}");
        machine.core.call(libc::SYS_close, &[socket]).unwrap();
    }
    assert_eq!(machine.run(|worker| assert!(worker.call(libc::SYS_exit_group, &[0]).is_err())), ExitReason::Exited(0));
    // A file that is not a program.
    let text = crate::machine::folder().join("text");
    fs::write(&text, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&text, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let mut machine = Machine::start(&Programs { core: programs.core.clone(), worker: text.clone() });
    machine.spawn(NEVER, 64 << 20);
    assert_eq!(machine.next_exit().reason, ExitReason::NotStarted);
    let console = machine.console();
    let why = format!("capelet-pid1: {}: cannot execute it: ", text.display());
    assert!(console.starts_with(&why), "{console}");
}

/// `(module (memory (export "memory") 1) (func (export "_start")))`
const MODULE: [u8; 50] = *b"\0asm\x01\0\0\0\
    \x01\x04\x01\x60\0\0\
    \x03\x02\x01\0\
    \x05\x03\x01\0\x01\
    \x07\x13\x02\x06memory\x02\0\x06_start\0\0\
    \x0a\x04\x01\x02\0\x0b";

pub fn the_real_worker_runs_a_module(programs: &Programs) {
    let worker = PathBuf::from(env::var_os("CAPELET_WORKER").expect("CAPELET_WORKER: a static capelet-worker"));
    let mut machine = Machine::start(&Programs { core: programs.core.clone(), worker });
    let header = JobHeader {
        entry_point: EntryPoint::Command,
        limits: JobLimits { memory: 1 << 20, output: 1 << 20, fuel: u64::MAX },
        now: 1_700_000_000_000,
        handler: Vec::new(),
        arguments: Vec::new(),
        module: u32::try_from(MODULE.len()).unwrap(),
        files: Vec::new(),
        input: 0,
    };
    let job = [header.to_bytes().unwrap(), MODULE.to_vec()].concat();
    let report = [&Frame::Report.head(WORKER_REPORT_LEN).unwrap()[..], &WorkerReport::Completed.to_bytes()].concat();
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        let (job_number, [ours, theirs]) = (7, machine.pair().unwrap());
        let spawn = Spawn { job: job_number, deadline: NEVER, memory: header.address_space() };
        assert_eq!(machine.send(&spawn.to_bytes(), &[theirs]).unwrap(), SPAWN_LEN as i64);
        assert_eq!(machine.core.call(libc::SYS_close, &[theirs]).unwrap(), 0);
        let scratch = machine.core.scratch;
        machine.core.write(0, &job).unwrap();
        let sent = machine.core.call(libc::SYS_sendto, &[ours, scratch, job.len() as u64, 0, 0, 0]).unwrap();
        assert_eq!(sent, job.len() as i64);
        let all = libc::MSG_WAITALL as u64;
        let length = report.len() as u64 + 1;
        let received = machine.core.call(libc::SYS_recvfrom, &[ours, scratch, length, all, 0, 0]).unwrap();
        times.push(start.elapsed());
        // One byte less than requested, because the worker closed its socket after the report.
        assert_eq!(received, (OUTCOME_HEAD_LEN + WORKER_REPORT_LEN) as i64);
        assert_eq!(machine.core.read(0, report.len()).unwrap(), report);
        assert_eq!(machine.core.call(libc::SYS_close, &[ours]).unwrap(), 0);
        assert_eq!(machine.next_exit().reason, ExitReason::Exited(0));
    }
    times.sort_unstable();
    println!("       from request to report: {:?} at best, {:?} median of 50", times[0], times[25]);
}
