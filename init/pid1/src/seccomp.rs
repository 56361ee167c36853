//! Rules about system calls, and their compilation to the kernel's filter language (classic BPF).

use nix::errno::Errno;
use nix::libc::*;
use std::mem::offset_of;

/// A rule about system calls. The kernel kills a process that makes a call to which no rule applies.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Allows these calls with any arguments.
    Allow(&'static [c_long]),
    /// Allows a call if an argument, masked, has a value: call, index of the argument (from 0), mask, value. The filter
    /// compares the low 32 bits. That suffices, because the kernel reads these arguments as an `int` or as flags that
    /// are all in those bits.
    If(c_long, usize, u32, u32),
    /// Lets a call fail with this error. A C library tries such calls, and works without them.
    Refuse(c_long, Errno),
}

/// The rules for every static Rust program: the calls that it makes before, in and after `main`.
#[rustfmt::skip]
pub const COMMON: &[Rule] = &[
    Rule::Allow(&[
        SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_gettid, SYS_sched_getaffinity,
        SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack, SYS_poll, SYS_getrandom,
        SYS_brk, SYS_munmap, SYS_mremap, SYS_write, SYS_close, SYS_exit_group,
        // The vDSO makes the first call if the hardware's counter is unreliable. `thread::sleep` makes the second.
        SYS_clock_gettime, SYS_clock_nanosleep,
    ]),
    // Thread-local storage: ARCH_SET_FS.
    Rule::If(SYS_arch_prctl, 0, u32::MAX, 0x1002),
    // The program cannot make memory executable.
    Rule::If(SYS_mmap, 2, PROT_EXEC.cast_unsigned(), 0),
    Rule::If(SYS_mprotect, 2, PROT_EXEC.cast_unsigned(), 0),
    // Only the limits of the process itself (PID 0). Without capabilities it cannot raise a hard limit.
    Rule::If(SYS_prlimit64, 0, u32::MAX, 0),
    // The root is empty, so the files that a program looks for at its start do not exist.
    Rule::Refuse(SYS_openat, Errno::ENOENT),
    Rule::Refuse(SYS_readlink, Errno::ENOENT),
    Rule::Refuse(SYS_newfstatat, Errno::ENOENT),
];

/// `BPF_LD | BPF_W | BPF_ABS`: loads four bytes of `seccomp_data`.
const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JEQ | BPF_K`: skips `jt` instructions if equal, otherwise `jf`.
const EQUAL: u16 = 0x15;
/// `BPF_RET | BPF_K`: returns the verdict.
const RETURN: u16 = 0x06;

/// Compiles rules to a filter. The first rule that applies decides.
pub fn compile(rules: impl IntoIterator<Item = Rule>) -> Vec<sock_filter> {
    let load = |offset: usize| op(LOAD, 0, 0, u32::try_from(offset).unwrap_or(u32::MAX));
    // A number out of range becomes `u32::MAX`, which is not the number of any call.
    let call_is = |call: c_long, otherwise| op(EQUAL, 0, otherwise, u32::try_from(call).unwrap_or(u32::MAX));
    let (allow, kill) = (op(RETURN, 0, 0, SECCOMP_RET_ALLOW), op(RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS));
    let number = load(offset_of!(seccomp_data, nr));
    // AUDIT_ARCH_X86_64: ELF's machine number, with the flags for 64 bits and little-endian. Other architectures number
    // their calls differently, so the kernel kills a process that makes such a call.
    let mut filter = vec![load(offset_of!(seccomp_data, arch)), op(EQUAL, 1, 0, 62 | 0xC000_0000), kill, number];
    for rule in rules {
        match rule {
            Rule::Allow(calls) => filter.extend(calls.iter().flat_map(|call| [call_is(*call, 1), allow])),
            Rule::If(call, index, mask, value) => {
                // Little-endian: the low 32 bits come first.
                let argument = load(offset_of!(seccomp_data, args) + size_of::<u64>() * index);
                let fits = [argument, op(AND, 0, 0, mask), op(EQUAL, 0, 1, value), allow, number];
                filter.push(call_is(call, 5));
                filter.extend(fits);
            }
            Rule::Refuse(call, errno) => {
                let refuse = op(RETURN, 0, 0, SECCOMP_RET_ERRNO | (errno as i32).cast_unsigned());
                filter.extend([call_is(call, 1), refuse]);
            }
        }
    }
    filter.push(kill);
    filter
}

fn op(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: u32 = SECCOMP_RET_ALLOW;
    const KILL: u32 = SECCOMP_RET_KILL_PROCESS;
    const X86_64: u32 = 0xC000_003E;

    /// Runs a filter on a call, as the kernel does.
    fn run(filter: &[sock_filter], architecture: u32, call: u32, arguments: [u64; 6]) -> u32 {
        let mut data = [call.to_le_bytes(), architecture.to_le_bytes(), [0; 4], [0; 4]].concat();
        data.extend(arguments.into_iter().flat_map(u64::to_le_bytes));
        let (mut at, mut a) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = filter[at];
            at += 1;
            match code {
                0x20 => a = u32::from_le_bytes(data[k as usize..][..4].try_into().unwrap()),
                0x54 => a &= k,
                0x15 => at += usize::from(if a == k { jt } else { jf }),
                0x06 => return k,
                _ => panic!("unknown instruction {code:#x}"),
            }
        }
    }

    #[test]
    fn allows_listed_calls_and_arguments_only() {
        let rules = [
            Rule::Allow(&[6, 7]),
            Rule::If(9, 0, u32::MAX, 3),
            Rule::If(9, 5, 0xF0, 0x50),
            Rule::If(10, 2, 4, 0),
            Rule::Refuse(11, Errno::ENOENT),
            Rule::Allow(&[12]),
        ];
        let filter = compile(rules);
        let on = |call, arguments| run(&filter, X86_64, call, arguments);
        for call in [6, 7, 12] {
            assert_eq!(on(call, [u64::MAX; 6]), ALLOW);
        }
        assert_eq!(on(8, [0; 6]), KILL);
        assert_eq!(on(9, [3, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(on(9, [2, 3, 3, 3, 3, 3]), KILL);
        assert_eq!(on(9, [2, 0, 0, 0, 0, 0x15F]), ALLOW);
        assert_eq!(on(9, [2, 0, 0, 0, 0, 0x16F]), KILL);
        assert_eq!(on(10, [0, 0, 3, 0, 0, 0]), ALLOW);
        assert_eq!(on(10, [0, 0, 7, 0, 0, 0]), KILL);
        assert_eq!(on(11, [0; 6]), SECCOMP_RET_ERRNO | 2);
        assert_eq!(on(13, [0; 6]), KILL);
    }

    #[test]
    fn kills_other_architectures_and_x32_calls() {
        let filter = compile([Rule::Allow(&[7])]);
        assert_eq!(run(&filter, 0x4000_0003, 7, [0; 6]), KILL);
        assert_eq!(run(&filter, X86_64, 7 | 0x4000_0000, [0; 6]), KILL);
    }

    #[test]
    fn kills_every_call_without_rules() {
        for call in 0..500 {
            assert_eq!(run(&compile([]), X86_64, call, [0; 6]), KILL);
        }
    }
}
