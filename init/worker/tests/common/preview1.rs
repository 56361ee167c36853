//! Programs that make a list of calls of preview 1. They stop at the first call with an unexpected result.
#![allow(dead_code, reason = "each test file uses some of these")]

use capelet_abi::WorkerReport;

use super::{Job, text};

/// Every call of preview 1 that the worker defines, except `proc_exit`. `i` is a 32-bit parameter, `I` a 64-bit one.
pub const CALLS: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// A command with two pages of memory, with this data and body, that imports every call.
pub fn program(data: &str, body: &str) -> Job {
    let mut imports = String::new();
    for (name, parameters) in CALLS {
        let types: Vec<&str> = parameters.chars().map(|c| if c == 'i' { "i32" } else { "i64" }).collect();
        imports += &format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {}) (result i32)))\n",
            types.join(" ")
        );
    }
    let module = format!(
        r#"(module {imports}
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (memory (export "memory") 2) {data}
            (func $check (param $number i32) (param $expected i32) (param $got i32)
              (if (i32.ne (local.get $expected) (local.get $got))
                (then (call $proc_exit (i32.add (i32.mul (local.get $number) (i32.const 1000)) (local.get $got))))))
            (func (export "_start") {body}))"#
    );
    Job::command(&text(&module))
}

/// A step: a call, its arguments, and the errno that it must return.
pub type Step<'a> = (&'a str, &'a [i64], u32);

/// A body that makes these steps, and exits at the first one that returns another errno.
pub fn steps(steps: &[Step<'_>]) -> String {
    let mut body = String::new();
    for (number, (name, arguments, expected)) in steps.iter().enumerate() {
        let parameters = CALLS.iter().find(|call| call.0 == *name).unwrap().1;
        assert_eq!(parameters.len(), arguments.len(), "{name}");
        let arguments: Vec<String> =
            parameters
                .chars()
                .zip(*arguments)
                .map(|(c, argument)| {
                    if c == 'i' {
                        format!("(i32.const {})", *argument as i32)
                    } else {
                        format!("(i64.const {argument})")
                    }
                })
                .collect();
        body += &format!(
            "(call $check (i32.const {}) (i32.const {expected}) (call ${name} {}))\n",
            number + 1,
            arguments.join(" ")
        );
    }
    body
}

/// Runs the steps. Fails if one returns another errno. Returns what they wrote to the result.
pub fn take(job: impl FnOnce(Job) -> Job, data: &str, list: &[Step<'_>]) -> Vec<u8> {
    let outcome = job(program(data, &steps(list))).run();
    if let Some(WorkerReport::Status(status)) = outcome.report {
        let (step, got) = (list[status as usize / 1000 - 1], status % 1000);
        panic!("{step:?} returned {got}");
    }
    assert_eq!(outcome.report, Some(WorkerReport::Completed), "{}", outcome.exit);
    outcome.output
}

/// The data of a vector at address 0. It refers to the 256 bytes at [`BUFFER`].
pub const VECTOR: &str = r#"(data (i32.const 0) "\00\02\00\00\00\01\00\00")"#;
pub const BUFFER: i64 = 512;
/// An address for results.
pub const OUT: i64 = 1024;
/// The end of the memory.
pub const END: i64 = 2 << 16;

pub const BADF: u32 = 8;
pub const FAULT: u32 = 21;
pub const INVAL: u32 = 28;
pub const ISDIR: u32 = 31;
pub const NOENT: u32 = 44;
pub const NOTDIR: u32 = 54;
pub const ROFS: u32 = 69;
pub const SPIPE: u32 = 70;
pub const NOTCAPABLE: u32 = 76;

/// The text of instructions that write `length` bytes at `at` to the result.
pub fn show(at: i64, length: u8) -> [String; 2] {
    let vector = 96 * 1024;
    let data = format!(
        "(i32.store (i32.const {vector}) (i32.const {at})) (i32.store (i32.const {}) (i32.const {length}))",
        vector + 4
    );
    let call =
        format!("(drop (call $fd_write (i32.const 1) (i32.const {vector}) (i32.const 1) (i32.const {})))", vector + 8);
    [data, call]
}

/// Runs the steps. Returns `length` bytes of memory at `at`.
pub fn look(job: impl FnOnce(Job) -> Job, data: &str, list: &[Step<'_>], at: i64, length: u8) -> Vec<u8> {
    let body = steps(list) + &show(at, length).concat();
    let outcome = job(program(data, &body)).run();
    assert_eq!(outcome.report, Some(WorkerReport::Completed), "{list:?}");
    outcome.output
}

pub fn with_files(job: Job) -> Job {
    job.file("data/a.txt", *b"first").file("data/b.txt", *b"second file").file("top", *b"").input(*b"the input")
}
