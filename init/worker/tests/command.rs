//! Commands: how each way to end is told, and what happens to a module that is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::outcome::{End, MAX_DIAGNOSTIC};
use common::{Job, text};

const WRITE: &str =
    r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#;
const EXIT: &str = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;

/// A command that writes `length` bytes to a descriptor `times` times.
fn writer(fd: u32, length: u32, times: u32) -> Job {
    Job::start(
        WRITE,
        &format!(
            "(local $n i32)
             (i32.store (i32.const 4) (i32.const {length}))
             (loop
               (if (call $write (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if 0 (i32.lt_u (local.get $n) (i32.const {times}))))"
        ),
    )
}

#[test]
fn returning_and_exiting_with_0_is_completion() {
    assert_eq!(Job::start("", "").result(), b"");
    assert_eq!(Job::start(EXIT, "(call $exit (i32.const 0)) (unreachable)").result(), b"");
}

#[test]
fn any_other_status_is_told() {
    for status in [1, 2, 255, 256, 65_536, u32::MAX] {
        Job::start(EXIT, &format!("(call $exit (i32.const {}))", status as i32)).ends(End::Status(status));
    }
}

#[test]
fn traps_are_traps() {
    for body in [
        "(unreachable)",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.load (i32.const 65536)))",
        "(i32.store (i32.const -1) (i32.const 0))",
        "(drop (i32.trunc_f32_u (f32.const nan)))",
        "(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))",
    ] {
        Job::start("", body).ends(End::Trapped);
    }
    let recursion = "(module (func $f (export \"_start\") (call $f)))";
    Job::command(&text(recursion)).ends(End::Trapped);
    let wide = format!(
        "(module (func $f (param i64) (local {}) (call $f (local.get 0))) (func (export \"_start\") (call $f (i64.const 1))))",
        "i64 ".repeat(10_000)
    );
    Job::command(&text(&wide)).ends(End::Trapped);
    let table = r#"(module (table 1 funcref) (func (export "_start") (call_indirect (i32.const 0))))"#;
    Job::command(&text(table)).ends(End::Trapped);
}

#[test]
fn a_start_function_that_traps_is_a_trap() {
    let module = r#"(module (func $s (unreachable)) (start $s) (func (export "_start")))"#;
    Job::command(&text(module)).ends(End::Trapped);
    let data = r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))"#;
    Job::command(&text(data)).ends(End::Trapped);
}

#[test]
fn an_endless_loop_spends_its_fuel() {
    Job::start("", "(loop (br 0))").fuel(1_000_000).ends(End::Fuel);
    let start = r#"(module (func $s (loop (br 0))) (start $s) (func (export "_start")))"#;
    Job::command(&text(start)).fuel(1_000_000).ends(End::Fuel);
    Job::start("", "(nop)").fuel(0).ends(End::Fuel);
}

#[test]
fn memory_is_limited_from_its_first_page_to_its_last() {
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    Job::start("", grow).memory(1 << 20).ends(End::Memory);
    Job::start("", "(drop (memory.grow (i32.const 65535)))").ends(End::Memory);
    // 16 pages are allowed, one is there.
    Job::start("", "(if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then (unreachable)))")
        .memory(1 << 20)
        .result();
    Job::start("", "(drop (memory.grow (i32.const 16)))").memory(1 << 20).ends(End::Memory);
    let first = r#"(module (memory (export "memory") 17) (func (export "_start")))"#;
    Job::command(&text(first)).memory(1 << 20).ends(End::Memory);
    // What the module forbids itself is its own affair.
    let own = r#"(module (memory 1 2) (func (export "_start")
        (if (i32.ne (memory.grow (i32.const 9)) (i32.const -1)) (then (unreachable)))))"#;
    Job::command(&text(own)).memory(1 << 20).result();
}

#[test]
fn more_than_the_limit_of_memory_cannot_be_had_in_other_ways() {
    let table = r#"(module (table $t 0 funcref) (func (export "_start")
        (drop (table.grow $t (ref.null func) (i32.const 1000000000)))))"#;
    Job::command(&text(table)).ends(End::Memory);
    Job::command(&text(r#"(module (table 10000000 funcref) (func (export "_start")))"#)).ends(End::Memory);
    let two = r#"(module (memory 1) (memory 1) (func (export "_start")))"#;
    Job::command(&text(two)).ends(End::BadModule);
    let tables = format!(r#"(module {} (func (export "_start")))"#, "(table 1 funcref)".repeat(5));
    Job::command(&text(&tables)).ends(End::BadModule);
}

#[test]
fn output_is_limited_to_the_byte() {
    assert_eq!(writer(1, 1000, 50).output(50_000).result().len(), 50_000);
    writer(1, 1000, 51).output(50_000).ends(End::Output);
    writer(1, 1, 1).output(0).ends(End::Output);
    assert_eq!(writer(1, 0, 1).output(0).result(), b"");
    let bomb = writer(1, 65_528, u32::MAX).output(1 << 20).run();
    assert_eq!(bomb.end, Some(End::Output));
    assert!(bomb.output.len() <= 1 << 20);
}

#[test]
fn diagnostics_are_cut_off_and_no_reason_to_fail() {
    let outcome = writer(2, 60_000, 100).ends(End::Completed);
    assert_eq!(outcome.diagnostic.len(), MAX_DIAGNOSTIC);
    assert_eq!(outcome.output, b"");
}

#[test]
fn overlapping_vectors_that_sum_up_to_more_than_there_is_are_refused() {
    // 1,024 vectors of 60 MB each over the same memory: 61 GB. The first 70,000 at least must not go out either.
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1024)
        (func (export "_start") (local $at i32)
          (loop
            (i32.store offset=4 (local.get $at) (i32.const 60000000))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if 0 (i32.lt_u (local.get $at) (i32.const 8192))))
          (if (i32.ne (call $write (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 9000)) (i32.const 28))
            (then (unreachable)))
          (if (i32.ne (call $write (i32.const 1) (i32.const 0) (i32.const 1025) (i32.const 9000)) (i32.const 28))
            (then (unreachable)))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 9000)))))"#;
    let outcome = Job::command(&text(module)).run();
    assert_eq!(outcome.end, Some(End::Output));
}

#[test]
fn a_module_that_is_none_is_told() {
    let good = Job::start("", "").module;
    for (name, module) in [
        ("empty", Vec::new()),
        ("text", b"(module (func (export \"_start\")))".to_vec()),
        ("magic", b"\0asn\x01\0\0\0".to_vec()),
        ("version", b"\0asm\x02\0\0\0".to_vec()),
        ("component", b"\0asm\x0d\0\x01\0".to_vec()),
        ("no exports", b"\0asm\x01\0\0\0".to_vec()),
        ("a section longer than the module", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f".to_vec()),
        ("one byte more", [good.as_slice(), &[0]].concat()),
        ("an executable", b"\x7fELF\x02\x01\x01".to_vec()),
    ] {
        let outcome = Job::command(&module).run();
        assert_eq!(outcome.end, Some(End::BadModule), "{name}");
    }
}

#[test]
fn every_truncation_and_flipped_bit_of_a_module_ends_in_order() {
    // Without names, which would be a section of its own that can be left out.
    let module = text(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start") (i32.store (i32.const 4) (i32.const 8)) (drop (call 0 (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
    );
    assert_eq!(Job::command(&module).result().len(), 8);
    for end in 0..module.len() {
        let outcome = Job::command(&module[..end]).run();
        assert_eq!(outcome.end, Some(End::BadModule), "{end}");
    }
    for at in 0..module.len() {
        let mut flipped = module.clone();
        flipped[at] ^= 1 << (at % 8);
        // Some are modules still; none hangs, for there is fuel, and none says anything but an end.
        let outcome = Job::command(&flipped).memory(1 << 20).output(1 << 16).fuel(1 << 20).run();
        assert!(outcome.end.is_some(), "{at}: {}", outcome.exit);
    }
}

#[test]
fn what_does_not_validate_is_told_before_anything_runs() {
    // The bad function is never called, so only validation of the whole module finds it.
    let imports = r#"(import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))"#;
    let module = format!(
        r#"(module {imports} (memory (export "memory") 1)
           (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
           (func (result i32) (i64.const 0)))"#
    );
    Job::command(&text(&module)).ends(End::BadModule);
}

#[test]
fn missing_and_misshapen_exports_and_imports_are_told() {
    for module in [
        r#"(module (func (export "start")))"#,
        r#"(module (func (export "_start") (param i32)))"#,
        r#"(module (func (export "_start") (result i32) (i32.const 0)))"#,
        r#"(module (memory (export "_start") 1))"#,
        r#"(module (import "env" "f" (func)) (func (export "_start")))"#,
        r#"(module (import "wasi_snapshot_preview1" "thread_spawn" (func)) (func (export "_start")))"#,
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)) (func (export "_start")))"#,
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (memory 1)) (func (export "_start")))"#,
        r#"(module (import "env" "memory" (memory 1)) (func (export "_start")))"#,
    ] {
        Job::command(&text(module)).ends(End::BadModule);
    }
}

#[test]
fn deep_nesting_and_many_functions_are_no_way_to_break_the_worker() {
    let deep = format!(r#"(module (func (export "_start") {} {}))"#, "(block ".repeat(300), ")".repeat(300));
    Job::command(&text(&deep)).result();
    let many = format!(r#"(module {} (func (export "_start")))"#, "(func (nop))".repeat(20_000));
    Job::command(&text(&many)).result();
}
