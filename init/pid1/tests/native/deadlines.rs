//! Workers that do not end by themselves.

use crate::machine::{Machine, Programs};
use capelet_job::spawn::How;
use nix::libc;
use std::time::{Duration, Instant};

/// How late a kill may be told on a busy machine.
const LATE: Duration = Duration::from_millis(1000);

fn in_time(start: Instant, deadline: u64) {
    let (took, deadline) = (start.elapsed(), Duration::from_millis(deadline));
    assert!(deadline <= took && took < deadline + LATE, "{took:?} for {deadline:?}");
}

pub fn each(programs: &Programs) {
    let mut machine = Machine::start(programs);
    for act in ["sleep", "spin", "silence"] {
        let start = Instant::now();
        let (job, socket) = machine.spawn(300, 64 << 20);
        let mut worker = machine.worker(socket).unwrap();
        match act {
            "sleep" => {
                let (scratch, hour) = (worker.scratch, [3600_u64, 0].map(u64::to_le_bytes).concat());
                worker.write(0, &hour).unwrap();
                assert!(worker.call(libc::SYS_clock_nanosleep, &[1, 0, scratch, 0]).is_err());
            }
            "spin" => worker.spin().unwrap(),
            _ => {}
        }
        let ended = machine.ended();
        assert_eq!((ended.job, ended.how), (job, How::Deadline), "{act}");
        in_time(start, 300);
    }
    // None at all.
    machine.spawn(0, 64 << 20);
    assert_eq!(machine.ended().how, How::Deadline);
}

pub fn many(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let start = Instant::now();
    // In another order than they end in.
    let deadlines = [900, 200, 800, 300, 700, 400, 600, 500];
    let jobs: Vec<(u64, u32)> = deadlines.map(|deadline| (machine.spawn(deadline, 64 << 20).0, deadline)).into();
    for expected in [200, 300, 400, 500, 600, 700, 800, 900] {
        let ended = machine.ended();
        assert_eq!(ended.how, How::Deadline);
        assert!(jobs.contains(&(ended.job, expected)), "{ended:?} at {expected}");
        in_time(start, u64::from(expected));
    }
}

pub fn flooded(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let start = Instant::now();
    let (job, _) = machine.spawn(500, 64 << 20);
    let mut others = 0;
    // Workers that end at once, asked for as fast as they can be.
    loop {
        let (_, socket) = machine.spawn(10_000, 64 << 20);
        machine.core.call(libc::SYS_close, &[socket]).unwrap();
        let ended = machine.ended();
        if ended.job == job {
            assert_eq!(ended.how, How::Deadline);
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "late after {others} others");
        others += 1;
    }
    in_time(start, 500);
    assert!(others > 10, "{others}");
}
