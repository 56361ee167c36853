//! No argument lets a call leave the function's memory or crash the worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::WorkerReport;
use common::preview1::{BUFFER, CALLS, END, FAULT, OUT, Step, program, take, with_files};
use common::{Job, text};

#[test]
fn rejects_every_address_outside_the_memory() {
    let data = r#"(data (i32.const 0) "\00\02\00\00\00\01\00\00") (data (i32.const 64) "top")
                  (data (i32.const 128) "\f0\ff\01\00\11\00\00\00") (data (i32.const 136) "\00\02\00\00\ff\ff\ff\ff")
                  (data (i32.const 144) "\ff\ff\ff\ff\01\00\00\00") (data (i32.const 160) "data/b.txt")"#;
    let mut list: Vec<(&str, Vec<i64>, u32)> = Vec::new();
    // Each argument that is an address, while the other arguments are valid.
    for (name, right, places) in [
        ("args_get", vec![OUT, BUFFER], vec![0, 1]),
        ("args_sizes_get", vec![OUT, OUT], vec![0, 1]),
        ("environ_sizes_get", vec![OUT, OUT], vec![0, 1]),
        ("clock_res_get", vec![0, OUT], vec![1]),
        ("clock_time_get", vec![0, 0, OUT], vec![2]),
        ("fd_fdstat_get", vec![0, OUT], vec![1]),
        ("fd_filestat_get", vec![0, OUT], vec![1]),
        ("fd_pread", vec![0, 0, 1, 0, OUT], vec![1, 4]),
        ("fd_prestat_get", vec![3, OUT], vec![1]),
        ("fd_prestat_dir_name", vec![3, BUFFER, 1], vec![1]),
        ("fd_read", vec![0, 0, 1, OUT], vec![1, 3]),
        ("fd_readdir", vec![3, BUFFER, 256, 0, OUT], vec![1, 4]),
        ("fd_seek", vec![0, 0, 0, OUT], vec![3]),
        ("fd_tell", vec![0, OUT], vec![1]),
        ("fd_write", vec![2, 0, 1, OUT], vec![1, 3]),
        ("path_filestat_get", vec![3, 0, 64, 3, OUT], vec![2, 4]),
        ("path_open", vec![3, 0, 64, 3, 0, 2, 0, 0, OUT], vec![2, 8]),
        ("path_readlink", vec![3, 64, 3, BUFFER, 9, OUT], vec![1]),
        ("poll_oneoff", vec![2048, BUFFER, 1, OUT], vec![0, 1, 3]),
        ("random_get", vec![BUFFER, 64], vec![0]),
    ] {
        for place in places {
            for address in [END, END - 1, i64::from(i32::MAX), i64::from(i32::MIN), -1] {
                let mut arguments = right.clone();
                arguments[place] = address;
                // The name of the preopened directory has one byte, which fits at the last address.
                let fits = address == END - 1 && name == "fd_prestat_dir_name";
                list.push((name, arguments, if fits { 0 } else { FAULT }));
            }
        }
    }
    // Valid addresses with a length that is too long, and vectors that refer outside.
    for (name, arguments) in [
        ("random_get", vec![BUFFER, END - BUFFER + 1]),
        ("random_get", vec![BUFFER, -1]),
        ("fd_readdir", vec![3, BUFFER, -1, 0, OUT]),
        ("fd_read", vec![0, 128, 1, OUT]),
        ("fd_read", vec![0, 136, 1, OUT]),
        ("fd_read", vec![0, 144, 1, OUT]),
        ("fd_read", vec![0, END - 8, 2, OUT]),
        ("fd_pread", vec![0, 136, 1, 0, OUT]),
        ("fd_write", vec![2, 128, 1, OUT]),
        ("fd_write", vec![1, 136, 1, OUT]),
        ("fd_write", vec![1, 144, 1, OUT]),
        ("path_filestat_get", vec![3, 0, END - 2, 3, OUT]),
        ("path_open", vec![3, 0, END - 4000, 4096, 0, 2, 0, 0, OUT]),
    ] {
        list.push((name, arguments, FAULT));
    }
    let list: Vec<Step> = list.iter().map(|(name, arguments, errno)| (*name, arguments.as_slice(), *errno)).collect();
    assert_eq!(take(with_files, data, &list), b"", "the calls wrote to the result");
}

#[test]
fn rejects_every_address_without_an_exported_memory() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
        (memory 1)
        (func (export "_start")
          (if (i32.ne (call $random_get (i32.const 0) (i32.const 1)) (i32.const 21)) (then (unreachable)))))"#;
    Job::command(&text(module)).result();
}

/// Makes each call with small, large, negative and boundary arguments. It must return an errno, and the run must
/// complete.
#[test]
fn every_call_returns_an_errno_for_random_arguments() {
    const EDGES: [i64; 14] = [0, 1, 2, 3, 4, 8, 64, 512, END - 8, END - 1, END, i32::MAX as i64, i32::MIN as i64, -1];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        EDGES[(state >> 33) as usize % EDGES.len()]
    };
    for (name, parameters) in CALLS {
        // One program for each call, because closing a descriptor would affect other calls. The data contains no clock
        // with a timeout, so that no poll waits.
        let data = r#"(data (i32.const 0) "\00\02\00\00\00\01\00\00") (data (i32.const 64) "data/a.txt")"#;
        let mut body = String::new();
        for _ in 0..150 {
            let arguments: Vec<String> = parameters
                .chars()
                .map(|c| match c {
                    'i' => format!("(i32.const {})", draw() as i32),
                    _ => format!("(i64.const {})", draw()),
                })
                .collect();
            body += &format!(
                "(if (i32.gt_u (call ${name} {}) (i32.const 76)) (then (unreachable)))\n",
                arguments.join(" ")
            );
        }
        let outcome = with_files(program(data, &body)).run();
        assert_eq!(outcome.report, Some(WorkerReport::Completed), "{name}: {}", outcome.exit);
    }
}
