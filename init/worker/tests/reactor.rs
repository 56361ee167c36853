//! Reactors: `_initialize`, `allocate`, the handler, its result, `free`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::WorkerReport;
use common::{Job, text};

/// A reactor whose `allocate` returns 1024, with this body of the handler. Locals 0 and 1 are pointer and length.
fn handler(body: &str) -> Job {
    reactor(&format!(
        r#"(func (export "allocate") (param i32) (result i32) (i32.const 1024))
           (func (export "handle") (param i32 i32) (result i64) {body})"#
    ))
}

fn reactor(functions: &str) -> Job {
    let module = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (global $g (mut i32) (i32.const 0)) {functions})"#
    );
    Job::reactor(&text(&module), "handle")
}

const ECHO: &str =
    "(i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))";

#[test]
fn the_result_is_the_returned_range() {
    assert_eq!(handler(ECHO).input(*b"hello").result(), b"hello");
    assert_eq!(handler(ECHO).input(*b"").result(), b"");
    assert_eq!(handler("(i64.const 0)").input(*b"hello").result(), b"");
    // The last byte of the memory, and the empty range after it.
    assert_eq!(handler("(i64.const 0x0000ffff_00000001)").result(), [0]);
    assert_eq!(handler("(i64.const 0x00010000_00000000)").result(), b"");
    assert_eq!(handler("(i64.const 0x00000000_00010000)").result().len(), 65_536);
}

#[test]
fn rejects_results_outside_the_memory() {
    for packed in [
        "-1",
        "-9223372036854775808",
        "0x00010000_00000001",
        "0x0000ffff_00000002",
        "0x00000000_00010001",
        "0xffffffff_00000000",
        "0xffffffff_00000001",
        "0x00000001_ffffffff",
        "0xffffffff_ffffffff",
        "0x80000000_80000000",
    ] {
        let outcome = handler(&format!("(i64.const {packed})")).input(*b"hello").run();
        assert_eq!((outcome.report, outcome.output.len()), (Some(WorkerReport::BadResult), 0), "{packed}");
    }
}

#[test]
fn limits_the_result() {
    handler(ECHO).input(*b"hello").output(5).result();
    handler(ECHO).input(*b"hello").output(4).reports(WorkerReport::Output);
}

#[test]
fn rejects_allocations_outside_the_memory() {
    for place in ["0", "-1", "65533", "65536"] {
        let job = reactor(&format!(
            r#"(func (export "allocate") (param i32) (result i32) (i32.const {place}))
               (func (export "handle") (param i32 i32) (result i64) (i64.const 0))"#
        ));
        job.input(*b"hello").reports(WorkerReport::BadResult);
    }
}

#[test]
fn reports_the_memory_limit_for_an_input_that_does_not_fit() {
    let job = reactor(
        r#"(func (export "allocate") (param $n i32) (result i32)
             (drop (memory.grow (i32.shr_u (local.get $n) (i32.const 16)))) (i32.const 1024))
           (func (export "handle") (param i32 i32) (result i64) (i64.const 0))"#,
    );
    job.input(vec![1; 2 << 20]).memory(1 << 20).reports(WorkerReport::Memory);
}

#[test]
fn rejects_reactors_with_missing_or_mistyped_exports() {
    let allocate = r#"(func (export "allocate") (param i32) (result i32) (i32.const 1024))"#;
    let handle = r#"(func (export "handle") (param i32 i32) (result i64) (i64.const 0))"#;
    reactor(&format!("{allocate} {handle}")).result();
    for functions in [
        allocate.to_string(),
        handle.to_string(),
        format!(r#"{allocate} (func (export "handle") (param i32 i32) (result i32) (i32.const 0))"#),
        format!(r#"{allocate} (func (export "handle") (param i64 i32) (result i64) (i64.const 0))"#),
        format!(r#"(func (export "allocate") (result i32) (i32.const 0)) {handle}"#),
        format!(r#"{allocate} {handle} (func (export "_initialize") (param i32))"#),
        format!(r#"{allocate} {handle} (global (export "_initialize") i32 (i32.const 0))"#),
    ] {
        reactor(&functions).reports(WorkerReport::BadModule);
    }
    let no_memory = format!("(module {allocate} {handle})");
    Job::reactor(&text(&no_memory), "handle").reports(WorkerReport::BadModule);
    let other = Job { handler: "other", ..handler(ECHO) };
    other.reports(WorkerReport::BadModule);
}

#[test]
fn calls_initialize_first_and_reports_its_failure() {
    let job = |body: &str| {
        reactor(&format!(
            r#"(func (export "_initialize") {body})
               (func (export "allocate") (param i32) (result i32) (global.get $g))
               (func (export "handle") (param i32 i32) (result i64) {ECHO})"#
        ))
        .input(*b"hello")
    };
    assert_eq!(job("(global.set $g (i32.const 2048))").result(), b"hello");
    job("").reports(WorkerReport::BadResult);
    job("(unreachable)").reports(WorkerReport::Trapped);
    job("(loop (br 0))").fuel(1_000_000).reports(WorkerReport::Fuel);
    job("(call $exit (i32.const 9))").reports(WorkerReport::Status(9));
}

#[test]
fn rejects_reactors_that_exit() {
    handler("(call $exit (i32.const 0)) (i64.const 0)").reports(WorkerReport::BadResult);
    handler("(call $exit (i32.const 3)) (i64.const 0)").reports(WorkerReport::Status(3));
}

#[test]
fn stdout_of_a_reactor_is_a_diagnostic() {
    let outcome = handler(&format!(
        "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get 1))
         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) {ECHO}"
    ))
    .input(*b"hello")
    .reports(WorkerReport::Completed);
    assert_eq!((outcome.output.as_slice(), outcome.diagnostic.as_slice()), (&b"hello"[..], &b"hello"[..]));
}

#[test]
fn calls_free_if_its_type_matches() {
    // `free` traps if its arguments are not the result's.
    let job = |free: &str| {
        reactor(&format!(
            r#"(func (export "allocate") (param i32) (result i32) (i32.const 1024))
               (func (export "handle") (param i32 i32) (result i64) (i64.const 0x00000007_00000003))
               (func (export "free") {free})"#
        ))
    };
    let check =
        |local: u32, value: u32| format!("(if (i32.ne (local.get {local}) (i32.const {value})) (then (unreachable)))");
    job(&format!("(param i32) {}", check(0, 7))).result();
    job(&format!("(param i32) {}", check(0, 8))).reports(WorkerReport::Trapped);
    job(&format!("(param i32 i32) {} {}", check(0, 7), check(1, 3))).result();
    job(&format!("(param i32 i32) {}", check(1, 4))).reports(WorkerReport::Trapped);
    job("(param i64) (unreachable)").result();
}
