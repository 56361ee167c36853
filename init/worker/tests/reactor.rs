//! Reactors: allocate, handler, result, free.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::outcome::End;
use common::{Job, text};

/// A reactor whose `allocate` gives 1024, with this handler body (locals 0 and 1 are pointer and length).
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
fn the_result_is_what_the_handler_points_at() {
    assert_eq!(handler(ECHO).input(*b"hello").result(), b"hello");
    assert_eq!(handler(ECHO).input(*b"").result(), b"");
    assert_eq!(handler("(i64.const 0)").input(*b"hello").result(), b"");
    // The last byte of the memory, and the empty place behind it.
    assert_eq!(handler("(i64.const 0x0000ffff_00000001)").result(), [0]);
    assert_eq!(handler("(i64.const 0x00010000_00000000)").result(), b"");
    assert_eq!(handler("(i64.const 0x00000000_00010000)").result().len(), 65_536);
}

#[test]
fn a_result_outside_the_memory_is_none() {
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
        assert_eq!((outcome.end, outcome.output.len()), (Some(End::BadResult), 0), "{packed}");
    }
}

#[test]
fn the_result_counts_against_the_limit() {
    handler(ECHO).input(*b"hello").output(5).result();
    handler(ECHO).input(*b"hello").output(4).ends(End::Output);
}

#[test]
fn an_allocator_that_gives_no_place_is_told() {
    for place in ["0", "-1", "65533", "65536"] {
        let job = reactor(&format!(
            r#"(func (export "allocate") (param i32) (result i32) (i32.const {place}))
               (func (export "handle") (param i32 i32) (result i64) (i64.const 0))"#
        ));
        job.input(*b"hello").ends(End::BadResult);
    }
}

#[test]
fn an_input_that_does_not_fit_its_memory_meets_the_memory_limit() {
    let job = reactor(
        r#"(func (export "allocate") (param $n i32) (result i32)
             (drop (memory.grow (i32.shr_u (local.get $n) (i32.const 16)))) (i32.const 1024))
           (func (export "handle") (param i32 i32) (result i64) (i64.const 0))"#,
    );
    job.input(vec![1; 2 << 20]).memory(1 << 20).ends(End::Memory);
}

#[test]
fn what_a_reactor_must_export() {
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
        reactor(&functions).ends(End::BadModule);
    }
    let no_memory = format!("(module {allocate} {handle})");
    Job::reactor(&text(&no_memory), "handle").ends(End::BadModule);
    let other = Job { handler: "other", ..handler(ECHO) };
    other.ends(End::BadModule);
}

#[test]
fn initialize_comes_first_and_may_fail() {
    let job = |body: &str| {
        reactor(&format!(
            r#"(func (export "_initialize") {body})
               (func (export "allocate") (param i32) (result i32) (global.get $g))
               (func (export "handle") (param i32 i32) (result i64) {ECHO})"#
        ))
        .input(*b"hello")
    };
    assert_eq!(job("(global.set $g (i32.const 2048))").result(), b"hello");
    job("").ends(End::BadResult);
    job("(unreachable)").ends(End::Trapped);
    job("(loop (br 0))").fuel(1_000_000).ends(End::Fuel);
    job("(call $exit (i32.const 9))").ends(End::Status(9));
}

#[test]
fn a_reactor_that_exits_has_no_result() {
    handler("(call $exit (i32.const 0)) (i64.const 0)").ends(End::BadResult);
    handler("(call $exit (i32.const 3)) (i64.const 0)").ends(End::Status(3));
}

#[test]
fn what_it_prints_is_no_result() {
    let outcome = handler(&format!(
        "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get 1))
         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) {ECHO}"
    ))
    .input(*b"hello")
    .ends(End::Completed);
    assert_eq!((outcome.output.as_slice(), outcome.diagnostic.as_slice()), (&b"hello"[..], &b"hello"[..]));
}

#[test]
fn free_is_called_where_its_type_fits() {
    // It traps where it was given something else than the result.
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
    job(&format!("(param i32) {}", check(0, 8))).ends(End::Trapped);
    job(&format!("(param i32 i32) {} {}", check(0, 7), check(1, 3))).result();
    job(&format!("(param i32 i32) {}", check(1, 4))).ends(End::Trapped);
    job("(param i64) (unreachable)").result();
}
