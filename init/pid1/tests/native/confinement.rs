//! The confinement of a core and a worker: as `/proc` shows it from outside, and system call by system call from
//! inside.

use crate::machine::{Machine, NEVER, Programs, children};
use crate::puppet::Puppet;
use capelet_abi::ExitReason;
use capelet_pid1::sys;
use nix::libc;
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

/// One more than the last system call of Linux 6.18.
const CALLS: i64 = 470;
const SIGSYS: ExitReason = ExitReason::Signalled(31);
const ENOENT: i64 = -2;
/// uretprobe and uprobe. Newer kernels allow them past every filter. They do nothing in a process that is not probed.
/// The enclave's kernel has neither.
const PROBES: [i64; 2] = [335, 336];

/// The system calls of every static Rust program.
const COMMON: [i64; 22] = [
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_poll,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_mremap,
    libc::SYS_sigaltstack,
    libc::SYS_arch_prctl,
    libc::SYS_gettid,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_tid_address,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit_group,
    libc::SYS_set_robust_list,
    libc::SYS_prlimit64,
    libc::SYS_getrandom,
    libc::SYS_rseq,
];
/// System calls that fail, but do not kill.
const REFUSED: [i64; 3] = [libc::SYS_openat, libc::SYS_newfstatat, libc::SYS_readlink];
/// execveat works only for the program's start, as the test of arguments shows.
const WORKER: [i64; 4] = [libc::SYS_read, libc::SYS_prctl, libc::SYS_close_range, libc::SYS_execveat];
const CORE: [i64; 23] = [
    libc::SYS_execveat,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_madvise,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_prctl,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_sysinfo,
    libc::SYS_socketpair,
    libc::SYS_sendmsg,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_setsockopt,
    libc::SYS_exit_group,
];

fn word(value: libc::c_int) -> u64 {
    u64::from(value.cast_unsigned())
}

pub fn an_unconfined_puppet_may_make_forbidden_calls(programs: &Programs) {
    // The same program without confinement. These calls succeed here and kill a confined worker.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = Command::new(&programs.worker).stdin(OwnedFd::from(theirs)).spawn().unwrap();
    let mut puppet = Puppet::new(ours).unwrap();
    puppet.write(0, b"/etc/passwd\0").unwrap();
    let scratch = puppet.scratch;
    for (call, arguments) in [
        (libc::SYS_open, vec![scratch, 0]),
        (libc::SYS_openat, vec![word(libc::AT_FDCWD), scratch, 0]),
        (libc::SYS_socket, vec![word(libc::AF_UNIX), 1, 0]),
        (libc::SYS_socket, vec![word(libc::AF_INET), 1, 0]),
        (libc::SYS_socket, vec![word(libc::AF_NETLINK), 3, 0]),
        (libc::SYS_socket, vec![word(libc::AF_VSOCK), 1, 0]),
        (libc::SYS_dup, vec![0]),
        (libc::SYS_memfd_create, vec![scratch, 0]),
        (libc::SYS_mmap, vec![0, 4096, 7, 0x22, u64::MAX, 0]),
        (libc::SYS_ptrace, vec![word(libc::PTRACE_TRACEME.cast_signed())]),
        (libc::SYS_getppid, vec![]),
    ] {
        assert!(puppet.call(call, &arguments).unwrap() >= 0, "call {call}");
    }
    let pid = puppet.call(libc::SYS_fork, &[]);
    // Parent and child now both answer on the socket.
    assert!(pid.unwrap() >= 0);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The value of a field in /proc/PID/status.
fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{field}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn limit(pid: u32, name: &str) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

fn namespace(pid: u32, name: &str) -> String {
    fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap().display().to_string()
}

fn descriptors(pid: u32) -> Vec<String> {
    let mut all: Vec<(u32, String)> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let target = fs::read_link(entry.path()).unwrap().display().to_string();
            (entry.file_name().to_str().unwrap().parse().unwrap(), target)
        })
        .collect();
    all.sort_unstable();
    assert!(all.iter().zip(0..).all(|((number, _), at)| *number == at), "{all:?}");
    all.into_iter().map(|(_, target)| target).collect()
}

/// The state of speculation that a program has if the host's unconfined programs have `unconfined`. A CPU without a
/// control has another state, which is the same for all programs.
fn confined_speculation(unconfined: &str) -> &str {
    match unconfined {
        "thread vulnerable" => "thread force mitigated",
        "conditional enabled" => "conditional force disabled",
        fixed => fixed,
    }
}

fn assert_confined(pid1: u32, pid: u32, user: u32) {
    let four = vec![user.to_string(); 4].join(" ");
    assert_eq!(status(pid, "Uid"), four);
    assert_eq!(status(pid, "Gid"), four);
    assert_eq!(status(pid, "Groups"), "");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status(pid, set), "0000000000000000", "{set}");
    }
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    assert_eq!(status(pid, "Seccomp"), "2");
    assert_eq!(status(pid, "Seccomp_filters"), "1");
    for field in ["Speculation_Store_Bypass", "SpeculationIndirectBranch"] {
        assert_eq!(status(pid, field), confined_speculation(&status(pid1, field)), "{field}");
    }
    // It is the first process of its namespace.
    assert!(status(pid, "NSpid").ends_with(" 1"));
    for name in ["pid", "mnt", "uts"] {
        assert_ne!(namespace(pid, name), namespace(pid1, name), "{name}");
    }
    let root = format!("/proc/{pid}/root");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    assert_eq!(fs::read_dir(format!("/proc/{pid}/cwd")).unwrap().count(), 0);
    assert_eq!(fs::write(format!("{root}/x"), "").unwrap_err().raw_os_error(), Some(libc::EROFS));
    assert_eq!(fs::read(format!("/proc/{pid}/environ")).unwrap(), b"");
    assert_eq!(fs::read(format!("/proc/{pid}/cmdline")).unwrap(), b"capelet\0");
    for name in ["Max core file size", "Max file size"] {
        assert_eq!(limit(pid, name), ["0", "0"], "{name}");
    }
}

pub fn a_worker_is_confined(programs: &Programs) {
    let mut machine = Machine::start(programs);
    // Half a second less than a whole number of seconds.
    let (_, socket) = machine.spawn(NEVER - 500, 64 << 20);
    machine.worker(socket).unwrap();
    let pid1 = machine.pid1();
    let pid = children(pid1)[1];
    assert_confined(pid1, pid, 65_537);
    assert_ne!(namespace(pid, "net"), namespace(pid1, "net"));
    let held = descriptors(pid);
    assert_eq!(held.len(), 3);
    assert!(held[0].starts_with("socket:") && held.iter().all(|descriptor| *descriptor == held[0]), "{held:?}");
    assert_eq!(limit(pid, "Max open files"), ["3", "3"]);
    assert_eq!(limit(pid, "Max processes"), ["1", "1"]);
    // The deadline in seconds, rounded up, and one more.
    let seconds = (NEVER / 1000 + 1).to_string();
    assert_eq!(limit(pid, "Max cpu time"), [seconds.as_str(), seconds.as_str()]);
    assert_eq!(limit(pid, "Max address space"), [(64 << 20).to_string(), (64 << 20).to_string()]);
}

pub fn the_core_is_confined(programs: &Programs) {
    let machine = Machine::start(programs);
    let pid1 = machine.pid1();
    let pid = children(pid1)[0];
    assert_confined(pid1, pid, 1000);
    // The machine's network namespace, which has vsock.
    assert_eq!(namespace(pid, "net"), namespace(pid1, "net"));
    let held = descriptors(pid);
    assert_eq!(held.len(), 3);
    assert!(held[0].starts_with("socket:") && held[1].starts_with("socket:") && held[0] != held[1], "{held:?}");
    assert!(held[2].contains("console-"), "{held:?}");
    assert_eq!(limit(pid, "Max open files"), ["1024", "1024"]);
    assert_eq!(limit(pid, "Max processes"), ["256", "256"]);
}

/// It shows something only on a host whose cores have two threads, and whose kernel has core scheduling.
pub fn each_program_has_another_core_cookie(programs: &Programs) {
    let cookie = |pid: u32| sys::cookie(pid.cast_signed());
    let mut machine = Machine::start(programs);
    for _ in 0..2 {
        let (_, socket) = machine.spawn(NEVER, 64 << 20);
        machine.worker(socket).unwrap();
    }
    let pid1 = machine.pid1();
    let Ok(none) = cookie(pid1) else { return println!("       not shown: this host has no core scheduling") };
    assert_eq!(none, 0);
    let cookies: BTreeSet<u64> = children(pid1).into_iter().map(|pid| cookie(pid).unwrap()).collect();
    assert!(cookies.len() == 3 && !cookies.contains(&0), "{cookies:?}");
}

pub fn kills_a_worker_for_every_call_not_listed(programs: &Programs) {
    let allowed: BTreeSet<i64> = COMMON.into_iter().chain(WORKER).chain(REFUSED).chain(PROBES).collect();
    let mut machine = Machine::start(programs);
    for call in (0..CALLS).filter(|call| !allowed.contains(call)) {
        let reason = machine.run(|worker| assert!(worker.call(call, &[]).is_err(), "call {call}"));
        assert_eq!(reason, SIGSYS, "call {call}");
    }
    machine.run(|worker| {
        for call in REFUSED {
            assert_eq!(worker.call(call, &[]).unwrap(), ENOENT, "call {call}");
        }
    });
}

pub fn kills_a_worker_for_forbidden_arguments(programs: &Programs) {
    let mut machine = Machine::start(programs);
    for (call, arguments) in [
        // Executable memory: new, or changed from data.
        (libc::SYS_mmap, vec![0, 4096, 5, 0x22, u64::MAX, 0]),
        (libc::SYS_mmap, vec![0, 4096, 7, 0x22, u64::MAX, 0]),
        (libc::SYS_mprotect, vec![0x1000, 4096, 5]),
        // Limits of another process, other CPU settings, names, filters.
        (libc::SYS_prlimit64, vec![1, 0, 0, 0]),
        (libc::SYS_arch_prctl, vec![0x1001, 0]),
        (libc::SYS_arch_prctl, vec![0x1012, 0]),
        (libc::SYS_prctl, vec![word(libc::PR_SET_NAME), 0]),
        (libc::SYS_prctl, vec![word(libc::PR_SET_DUMPABLE), 1]),
        (libc::SYS_prctl, vec![word(libc::PR_SET_SECCOMP), 2]),
        // Another program, by one of its descriptors or by a path.
        (libc::SYS_execveat, vec![0, 0, 0, 0, word(libc::AT_EMPTY_PATH)]),
        (libc::SYS_execveat, vec![word(libc::AT_FDCWD), 0, 0, 0, 0]),
    ] {
        let reason = machine.run(|worker| assert!(worker.call(call, &arguments).is_err(), "{call} {arguments:?}"));
        assert_eq!(reason, SIGSYS, "{call} {arguments:?}");
    }
    // The call that started it: the filter allows it, but its descriptor is closed.
    let closed = (3..20).filter(|number| {
        let mut answer = None;
        let arguments = [*number, 0, 0, 0, word(libc::AT_EMPTY_PATH)];
        let reason = machine.run(|worker| answer = worker.call(libc::SYS_execveat, &arguments).ok());
        assert!(matches!((reason, answer), (SIGSYS, None) | (_, Some(-9 | -14))), "{number}: {reason:?} {answer:?}");
        answer.is_some()
    });
    assert_eq!(closed.count(), 1);
}

pub fn kills_the_core_for_every_call_not_listed(programs: &Programs) {
    let allowed: BTreeSet<i64> = COMMON.into_iter().chain(CORE).chain(REFUSED).chain(PROBES).collect();
    for call in (0..CALLS).filter(|call| !allowed.contains(call)) {
        assert_killed(programs, call, &[]);
    }
    let mut machine = Machine::start(programs);
    for call in REFUSED {
        assert_eq!(machine.core.call(call, &[]).unwrap(), ENOENT, "call {call}");
    }
    assert_eq!(machine.core.call(libc::SYS_clone3, &[]).unwrap(), -38);
}

pub fn kills_the_core_for_forbidden_arguments(programs: &Programs) {
    let families = (0..50).filter(|family| *family != libc::AF_VSOCK);
    for family in families.clone() {
        assert_killed(programs, libc::SYS_socket, &[word(family), 1, 0]);
    }
    for family in families.filter(|family| *family != libc::AF_UNIX) {
        assert_killed(programs, libc::SYS_socketpair, &[word(family), 1, 0]);
    }
    for (call, arguments) in [
        (libc::SYS_mmap, vec![0, 4096, 7, 0x22, u64::MAX, 0]),
        (libc::SYS_mprotect, vec![0x1000, 4096, 5]),
        // A new process, a new namespace, a thread that is traced.
        (libc::SYS_clone, vec![word(libc::SIGCHLD)]),
        (libc::SYS_clone, vec![word(libc::CLONE_NEWUSER | libc::CLONE_VM | libc::CLONE_THREAD)]),
        (libc::SYS_clone, vec![0x003d_0f00 | word(libc::CLONE_PTRACE)]),
        (libc::SYS_prctl, vec![word(libc::PR_SET_DUMPABLE), 1]),
        (libc::SYS_fcntl, vec![0, word(libc::F_SETOWN), 1]),
        (libc::SYS_fcntl, vec![0, word(libc::F_SETFL), 0]),
        // Requests to devices other than the NSM's.
        (libc::SYS_ioctl, vec![2, libc::TIOCSTI, 0]),
        (libc::SYS_ioctl, vec![0, libc::FIONBIO, 0]),
        (libc::SYS_setsockopt, vec![0, word(libc::SOL_SOCKET), word(libc::SO_PASSCRED), 0, 0]),
    ] {
        assert_killed(programs, call, &arguments);
    }
    let mut machine = Machine::start(programs);
    let vsock = machine.core.call(libc::SYS_socket, &[word(libc::AF_VSOCK), 1, 0]).unwrap();
    assert!(vsock >= 3);
    // Here a socket replaces the NSM. The request passes the filter, and the socket rejects it.
    assert_eq!(machine.core.call(libc::SYS_ioctl, &[1, 0xC020_0A00, 0]).unwrap(), -i64::from(libc::ENOTTY));
}

/// Fails unless the kernel kills a core that makes this call, and the machine ends.
fn assert_killed(programs: &Programs, call: i64, arguments: &[u64]) {
    let mut machine = Machine::start(programs);
    assert!(machine.core.call(call, arguments).is_err(), "{call} {arguments:?}");
    assert_eq!(machine.end(), "capelet-pid1: the core was killed by signal 31\n", "{call} {arguments:?}");
}
