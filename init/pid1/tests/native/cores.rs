//! Hostile cores: they can do no more than the messages say.

use crate::machine::{Machine, NEVER, Programs, children};
use capelet_abi::spawn::{How, Spawn};
use nix::libc;

const SPAWN: Spawn = Spawn { job: 1, deadline: NEVER, memory: 64 << 20 };
const NO_MESSAGE: &str = "capelet-pid1: Message\n";

pub fn no_message(programs: &Programs) {
    let spawn = SPAWN.to_bytes();
    let mut other_magic = spawn;
    other_magic[3] ^= 1;
    let too_long = [&spawn[..], &[0]].concat();
    let bad: [&[u8]; 6] = [&spawn[..1], &spawn[..23], &other_magic, &[0; 24], &too_long, &[0; 4096]];
    for bytes in bad {
        let mut machine = Machine::start(programs);
        let [_, theirs] = machine.pair().unwrap();
        // The machine may end before the core hears how its call went.
        let _ = machine.send(bytes, &[theirs]);
        assert_eq!(machine.end(), NO_MESSAGE, "{} bytes", bytes.len());
    }
}

pub fn descriptors(programs: &Programs) {
    let spawn = SPAWN.to_bytes();
    // None, two, many.
    for count in [0, 2, 3, 200] {
        let mut machine = Machine::start(programs);
        let [_, theirs] = machine.pair().unwrap();
        let _ = machine.send(&spawn, &vec![theirs; count]);
        let said = machine.end();
        let many = "capelet-pid1: Receive(ENOBUFS)\n";
        assert_eq!(said, if count > 2 { many } else { NO_MESSAGE }, "{count} descriptors");
    }
    // PID 1's own socket, the console, vsock, a pair of another type.
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
        assert_eq!(machine.end(), NO_MESSAGE, "{kind}");
    }
}

pub fn end(programs: &Programs) {
    // It exits while a worker is busy: the worker ends with the machine. A worker that reads would end by itself, because
    // its socket closes, and PID 1 might tell the core of that, which is gone.
    let mut machine = Machine::start(programs);
    let (_, socket) = machine.spawn(NEVER, 64 << 20);
    machine.worker(socket).unwrap().spin().unwrap();
    let worker = children(machine.pid1())[1];
    let _ = machine.core.call(libc::SYS_exit_group, &[0]);
    assert_eq!(machine.end(), "capelet-pid1: Core(Exited(0))\n");
    assert!(!std::path::Path::new(&format!("/proc/{worker}/ns/pid")).exists());
    // It crashes.
    let mut machine = Machine::start(programs);
    machine.core.crash().unwrap();
    assert_eq!(machine.end(), "capelet-pid1: Core(Signalled(11))\n");
    // It hangs up, and lives on.
    let mut machine = Machine::start(programs);
    let _ = machine.core.call(libc::SYS_close, &[0]);
    assert_eq!(machine.end(), "capelet-pid1: Core(Signalled(9))\n");
    // An empty message is as good as that.
    let mut machine = Machine::start(programs);
    let _ = machine.send(&[], &[]);
    assert_eq!(machine.end(), "capelet-pid1: Core(Signalled(9))\n");
}

pub fn ninth(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let sockets: Vec<u64> = (0..8).map(|_| machine.spawn(NEVER, 64 << 20).1).collect();
    let (ninth, _) = machine.spawn(NEVER, 64 << 20);
    let ended = machine.ended();
    assert_eq!((ended.job, ended.how), (ninth, How::NotStarted));
    assert_eq!(children(machine.pid1()).len(), 9);
    // The eight are not touched by it; and when one has gone there is a place.
    for socket in &sockets {
        machine.worker(*socket).unwrap();
    }
    machine.core.call(libc::SYS_close, &[sockets[0]]).unwrap();
    assert_eq!(machine.ended().how, How::Exited(99));
    assert_eq!(machine.run(|worker| assert!(worker.call(libc::SYS_exit_group, &[5]).is_err())), How::Exited(5));
}

pub fn deaf(programs: &Programs) {
    let mut machine = Machine::start(programs);
    let [_, theirs] = machine.pair().unwrap();
    let spawn = SPAWN.to_bytes();
    // Nobody reads what PID 1 answers: it does not wait, and it does not heap up answers.
    for sent in 0..2000 {
        if machine.send(&spawn, &[theirs]).is_err() {
            assert!(sent > 8, "after {sent}");
            assert_eq!(machine.end(), "capelet-pid1: Tell(EAGAIN)\n");
            return;
        }
    }
    panic!("2000 unheard answers");
}
