//! Workers that do not end by themselves. PID 1 tells why a worker ended, so no test needs to measure how late.

use crate::machine::{Machine, NEVER, PATIENCE, Programs, children};
use capelet_abi::spawn::{Ended, How};
use nix::libc;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Fails unless PID 1 killed the worker because of its deadline, and not before that.
fn killed_at(deadline: u32, start: Instant, ended: &Ended) {
    assert_eq!(ended.how, How::Deadline, "{ended:?}");
    assert!(start.elapsed() >= Duration::from_millis(deadline.into()), "{:?} for {deadline} ms", start.elapsed());
}

pub fn each(programs: &Programs) {
    let mut machine = Machine::start(programs);
    for act in ["sleep", "spin", "silence"] {
        // On a busy host a worker may reach its deadline before it does what it is told. Then another one gets more time.
        let mut deadline = 300;
        while !acts_until_killed(&mut machine, act, deadline) {
            deadline *= 2;
            assert!(deadline < NEVER, "{act}");
        }
    }
    // No time at all.
    machine.spawn(0, 64 << 20);
    assert_eq!(machine.ended().how, How::Deadline);
}

/// Starts a worker that does `act` until PID 1 kills it. `false` if PID 1 killed it before it did.
fn acts_until_killed(machine: &mut Machine, act: &str, deadline: u32) -> bool {
    let start = Instant::now();
    let (job, socket) = machine.spawn(deadline, 64 << 20);
    let acts = machine.worker(socket).and_then(|mut worker| match act {
        "sleep" => {
            let (scratch, hour) = (worker.scratch, [3600_u64, 0].map(u64::to_le_bytes).concat());
            worker.write(0, &hour)?;
            assert!(worker.call(libc::SYS_clock_nanosleep, &[1, 0, scratch, 0]).is_err());
            Ok(())
        }
        "spin" => worker.spin(),
        _ => Ok(()),
    });
    let ended = machine.ended();
    assert_eq!(ended.job, job, "{act}");
    killed_at(deadline, start, &ended);
    acts.is_ok()
}

/// Short deadlines do not wait for long ones, and long ones do not end with short ones.
pub fn many(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let mut jobs = BTreeMap::new();
    // In another order than they end in.
    for deadline in [900, NEVER, 200, NEVER, 700, NEVER, 400, NEVER] {
        let start = Instant::now();
        jobs.insert(machine.spawn(deadline, 64 << 20).0, (deadline, start));
    }
    for _ in 0..4 {
        let ended = machine.ended();
        let (deadline, start) = jobs.remove(&ended.job).expect("a job that has not ended");
        killed_at(deadline, start, &ended);
    }
    // The core and the four others.
    assert_eq!(children(machine.pid1()).len(), 5);
}

pub fn flooded(programs: &Programs) {
    let mut machine = Machine::start(programs);
    // A busy host may start only a few others before the deadline. Then there is more time.
    let mut deadline = 500;
    while floods_until_killed(&mut machine, deadline) <= 10 {
        deadline *= 2;
        assert!(deadline < NEVER);
    }
}

/// Starts a worker with this deadline. Until PID 1 kills it, asks for workers that end at once, and counts them.
fn floods_until_killed(machine: &mut Machine, deadline: u32) -> u32 {
    let start = Instant::now();
    let (job, _) = machine.spawn(deadline, 64 << 20);
    let mut others = 0;
    loop {
        let (_, socket) = machine.spawn(NEVER, 64 << 20);
        machine.core.call(libc::SYS_close, &[socket]).unwrap();
        let ended = machine.ended();
        if ended.job == job {
            killed_at(deadline, start, &ended);
            // The last of the others ends too; how does not matter.
            machine.ended();
            return others;
        }
        assert!(
            start.elapsed() < Duration::from_millis(deadline.into()) + PATIENCE,
            "not killed after {others} others"
        );
        others += 1;
    }
}
