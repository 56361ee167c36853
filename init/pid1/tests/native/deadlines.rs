//! Workers that do not end by themselves. PID 1 reports why a worker ended, so no test needs to measure the time.

use crate::machine::{Machine, NEVER, PATIENCE, Programs, children};
use capelet_abi::{ExitReason, WorkerExit};
use nix::libc;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Fails unless PID 1 killed the worker because of its deadline, and not before it.
fn assert_killed_at(deadline: u32, start: Instant, exit: &WorkerExit) {
    assert_eq!(exit.reason, ExitReason::Deadline, "{exit:?}");
    assert!(start.elapsed() >= Duration::from_millis(deadline.into()), "{:?} for {deadline} ms", start.elapsed());
}

pub fn kills_a_worker_that_sleeps_spins_or_waits(programs: &Programs) {
    let mut machine = Machine::start(programs);
    for act in ["sleep", "spin", "silence"] {
        // On a busy host a worker may reach its deadline before it acts. Then the test retries with a longer deadline.
        let mut deadline = 300;
        while !acts_until_killed(&mut machine, act, deadline) {
            deadline *= 2;
            assert!(deadline < NEVER, "{act}");
        }
    }
    // A deadline of 0 ms.
    machine.spawn(0, 64 << 20);
    assert_eq!(machine.next_exit().reason, ExitReason::Deadline);
}

/// Starts a worker that does `act` until PID 1 kills it. Returns `false` if PID 1 killed it before it acted.
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
    let exit = machine.next_exit();
    assert_eq!(exit.job, job, "{act}");
    assert_killed_at(deadline, start, &exit);
    acts.is_ok()
}

/// A short deadline does not wait for a long one, and a long one does not end with a short one.
pub fn kills_each_of_eight_workers_at_its_own_deadline(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let mut jobs = BTreeMap::new();
    // The order differs from the one in which they end.
    for deadline in [900, NEVER, 200, NEVER, 700, NEVER, 400, NEVER] {
        let start = Instant::now();
        jobs.insert(machine.spawn(deadline, 64 << 20).0, (deadline, start));
    }
    for _ in 0..4 {
        let exit = machine.next_exit();
        let (deadline, start) = jobs.remove(&exit.job).expect("a job that has not ended");
        assert_killed_at(deadline, start, &exit);
    }
    // The core and the four workers with a long deadline.
    assert_eq!(children(machine.pid1()).len(), 5);
}

pub fn keeps_a_deadline_while_the_core_floods(programs: &Programs) {
    let mut machine = Machine::start(programs);
    // A busy host may start only a few others before the deadline. Then the test retries with a longer deadline.
    let mut deadline = 500;
    while floods_until_killed(&mut machine, deadline) <= 10 {
        deadline *= 2;
        assert!(deadline < NEVER);
    }
}

/// Starts a worker with this deadline. Until PID 1 kills it, the core asks for workers that end at once. Returns how
/// many.
fn floods_until_killed(machine: &mut Machine, deadline: u32) -> u32 {
    let start = Instant::now();
    let (job, _) = machine.spawn(deadline, 64 << 20);
    let mut others = 0;
    loop {
        let (_, socket) = machine.spawn(NEVER, 64 << 20);
        machine.core.call(libc::SYS_close, &[socket]).unwrap();
        let exit = machine.next_exit();
        if exit.job == job {
            assert_killed_at(deadline, start, &exit);
            // The last of the others also ends. The reason does not matter.
            machine.next_exit();
            return others;
        }
        assert!(
            start.elapsed() < Duration::from_millis(deadline.into()) + PATIENCE,
            "not killed after {others} others"
        );
        others += 1;
    }
}
