//! Hostile cores: a core can ask PID 1 for workers, and for nothing else.

use crate::machine::{Machine, NEVER, Programs, children};
use capelet_abi::{ExitReason, MAX_WORKERS, Spawn};
use nix::libc;

const SPAWN: Spawn = Spawn { job: 1, deadline: NEVER, memory: 64 << 20 };
const INVALID: &str = "capelet-pid1: the core sent an invalid message\n";

pub fn rejects_invalid_messages(programs: &Programs) {
    let spawn = SPAWN.to_bytes();
    let mut other_magic = spawn;
    other_magic[3] ^= 1;
    let too_long = [&spawn[..], &[0]].concat();
    let bad: [&[u8]; 6] = [&spawn[..1], &spawn[..23], &other_magic, &[0; 24], &too_long, &[0; 4096]];
    for bytes in bad {
        let mut machine = Machine::start(programs);
        let [_, theirs] = machine.pair().unwrap();
        // The machine may end before the core has the result of its call.
        let _ = machine.send(bytes, &[theirs]);
        assert_eq!(machine.end(), INVALID, "{} bytes", bytes.len());
    }
}

pub fn rejects_invalid_descriptors(programs: &Programs) {
    let spawn = SPAWN.to_bytes();
    // No descriptor, two, many.
    for count in [0, 2, 3, 200] {
        let mut machine = Machine::start(programs);
        let [_, theirs] = machine.pair().unwrap();
        let _ = machine.send(&spawn, &vec![theirs; count]);
        let console = machine.end();
        let many = "capelet-pid1: cannot receive the core's message: ENOBUFS: No buffer space available\n";
        assert_eq!(console, if count > 2 { many } else { INVALID }, "{count} descriptors");
    }
    // One descriptor: PID 1's socket, the console, vsock, a socket of another type.
    for kind in ["pid1", "console", "vsock", "packets"] {
        let mut machine = Machine::start(programs);
        let scratch = machine.core.scratch;
        let number = match kind {
            "pid1" => 0,
            "console" => 2,
            "vsock" => machine.core.call(libc::SYS_socket, &[libc::AF_VSOCK as u64, 1, 0]).unwrap(),
            _ => {
                machine.core.call(libc::SYS_socketpair, &[1, libc::SOCK_SEQPACKET as u64, 0, scratch]).unwrap();
                i64::from(u32::from_le_bytes(machine.core.read(0, 4).unwrap().try_into().unwrap()))
            }
        };
        let _ = machine.send(&spawn, &[number.cast_unsigned()]);
        assert_eq!(machine.end(), INVALID, "{kind}");
    }
}

pub fn ends_with_the_core(programs: &Programs) {
    // The core exits while a worker is busy: the worker ends with the machine. A worker that reads from its socket
    // would end by itself, and PID 1 might report that before it sees that the core has exited.
    let mut machine = Machine::start(programs);
    let (_, socket) = machine.spawn(NEVER, 64 << 20);
    machine.worker(socket).unwrap().spin().unwrap();
    let worker = children(machine.pid1())[1];
    let _ = machine.core.call(libc::SYS_exit_group, &[0]);
    assert_eq!(machine.end(), "capelet-pid1: the core exited with status 0\n");
    assert!(!std::path::Path::new(&format!("/proc/{worker}/ns/pid")).exists());
    // The core crashes.
    let mut machine = Machine::start(programs);
    machine.core.crash().unwrap();
    assert_eq!(machine.end(), "capelet-pid1: the core was killed by signal 11\n");
    // The core closes its socket and keeps running.
    let mut machine = Machine::start(programs);
    let _ = machine.core.call(libc::SYS_close, &[0]);
    assert_eq!(machine.end(), "capelet-pid1: the core was killed by signal 9\n");
    // The core sends an empty message, which PID 1 cannot tell from a closed socket.
    let mut machine = Machine::start(programs);
    let _ = machine.send(&[], &[]);
    assert_eq!(machine.end(), "capelet-pid1: the core was killed by signal 9\n");
}

pub fn starts_eight_workers_at_most(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let sockets: Vec<u64> = (0..MAX_WORKERS).map(|_| machine.spawn(NEVER, 64 << 20).1).collect();
    let (ninth, _) = machine.spawn(NEVER, 64 << 20);
    let exit = machine.next_exit();
    assert_eq!((exit.job, exit.reason), (ninth, ExitReason::NotStarted));
    assert_eq!(children(machine.pid1()).len(), 1 + MAX_WORKERS);
    // The eight still run. When one of them ends, PID 1 starts another one.
    for socket in &sockets {
        machine.worker(*socket).unwrap();
    }
    machine.core.call(libc::SYS_close, &[sockets[0]]).unwrap();
    assert_eq!(machine.next_exit().reason, ExitReason::Exited(99));
    assert_eq!(machine.run(|worker| assert!(worker.call(libc::SYS_exit_group, &[5]).is_err())), ExitReason::Exited(5));
}

pub fn does_not_wait_for_a_core_that_does_not_read(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let [_, theirs] = machine.pair().unwrap();
    let spawn = SPAWN.to_bytes();
    // The core reads nothing that PID 1 sends: PID 1 neither waits nor stores messages.
    for sent in 0..2000 {
        if machine.send(&spawn, &[theirs]).is_err() {
            assert!(sent > MAX_WORKERS, "after {sent}");
            let why = "cannot report a worker's exit to the core: EAGAIN: Try again";
            assert_eq!(machine.end(), format!("capelet-pid1: {why}\n"));
            return;
        }
    }
    panic!("PID 1 accepted 2000 messages");
}
