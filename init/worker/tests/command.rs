//! Commands: the report for each way to end, and for invalid modules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::{MAX_DIAGNOSTIC, WorkerReport};
use capelet_hostile_bytes::{bit_flips, truncations};
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
fn completes_by_returning_or_exiting_with_0() {
    assert_eq!(Job::start("", "").result(), b"");
    assert_eq!(Job::start(EXIT, "(call $exit (i32.const 0)) (unreachable)").result(), b"");
}

#[test]
fn reports_any_other_exit_status() {
    for status in [1, 2, 255, 256, 65_536, u32::MAX] {
        Job::start(EXIT, &format!("(call $exit (i32.const {}))", status as i32)).reports(WorkerReport::Status(status));
    }
}

#[test]
fn reports_traps() {
    for body in [
        "(unreachable)",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.load (i32.const 65536)))",
        "(i32.store (i32.const -1) (i32.const 0))",
        "(drop (i32.trunc_f32_u (f32.const nan)))",
        "(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))",
    ] {
        Job::start("", body).reports(WorkerReport::Trapped);
    }
    let recursion = "(module (func $f (export \"_start\") (call $f)))";
    Job::command(&text(recursion)).reports(WorkerReport::Trapped);
    let wide = format!(
        "(module (func $f (param i64) (local {}) (call $f (local.get 0))) (func (export \"_start\") (call $f (i64.const 1))))",
        "i64 ".repeat(10_000)
    );
    Job::command(&text(&wide)).reports(WorkerReport::Trapped);
    let table = r#"(module (table 1 funcref) (func (export "_start") (call_indirect (i32.const 0))))"#;
    Job::command(&text(table)).reports(WorkerReport::Trapped);
}

#[test]
fn reports_traps_before_start() {
    let module = r#"(module (func $s (unreachable)) (start $s) (func (export "_start")))"#;
    Job::command(&text(module)).reports(WorkerReport::Trapped);
    let data = r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))"#;
    Job::command(&text(data)).reports(WorkerReport::Trapped);
}

#[test]
fn ends_endless_loops_by_fuel() {
    Job::start("", "(loop (br 0))").fuel(1_000_000).reports(WorkerReport::Fuel);
    let start = r#"(module (func $s (loop (br 0))) (start $s) (func (export "_start")))"#;
    Job::command(&text(start)).fuel(1_000_000).reports(WorkerReport::Fuel);
    Job::start("", "(nop)").fuel(0).reports(WorkerReport::Fuel);
}

#[test]
fn limits_declared_and_grown_memory() {
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    Job::start("", grow).memory(1 << 20).reports(WorkerReport::Memory);
    Job::start("", "(drop (memory.grow (i32.const 65535)))").reports(WorkerReport::Memory);
    // The limit is 16 pages, and the module has one.
    Job::start("", "(if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then (unreachable)))")
        .memory(1 << 20)
        .result();
    Job::start("", "(drop (memory.grow (i32.const 16)))").memory(1 << 20).reports(WorkerReport::Memory);
    let first = r#"(module (memory (export "memory") 17) (func (export "_start")))"#;
    Job::command(&text(first)).memory(1 << 20).reports(WorkerReport::Memory);
    // A module's own maximum is not the worker's limit: growing beyond it only fails.
    let own = r#"(module (memory 1 2) (func (export "_start")
        (if (i32.ne (memory.grow (i32.const 9)) (i32.const -1)) (then (unreachable)))))"#;
    Job::command(&text(own)).memory(1 << 20).result();
}

#[test]
fn limits_tables_and_further_memories() {
    let table = r#"(module (table $t 0 funcref) (func (export "_start")
        (drop (table.grow $t (ref.null func) (i32.const 1000000000)))))"#;
    Job::command(&text(table)).reports(WorkerReport::Memory);
    Job::command(&text(r#"(module (table 10000000 funcref) (func (export "_start")))"#)).reports(WorkerReport::Memory);
    let two = r#"(module (memory 1) (memory 1) (func (export "_start")))"#;
    Job::command(&text(two)).reports(WorkerReport::BadModule);
    let tables = format!(r#"(module {} (func (export "_start")))"#, "(table 1 funcref)".repeat(5));
    Job::command(&text(&tables)).reports(WorkerReport::BadModule);
}

#[test]
fn limits_output_to_the_byte() {
    assert_eq!(writer(1, 1000, 50).output(50_000).result().len(), 50_000);
    writer(1, 1000, 51).output(50_000).reports(WorkerReport::Output);
    writer(1, 1, 1).output(0).reports(WorkerReport::Output);
    assert_eq!(writer(1, 0, 1).output(0).result(), b"");
    let bomb = writer(1, 65_528, u32::MAX).output(1 << 20).run();
    assert_eq!(bomb.report, Some(WorkerReport::Output));
    assert!(bomb.output.len() <= 1 << 20);
}

#[test]
fn drops_diagnostics_beyond_their_limit_without_failing() {
    let outcome = writer(2, 60_000, 100).reports(WorkerReport::Completed);
    assert_eq!(outcome.diagnostic.len(), MAX_DIAGNOSTIC);
    assert_eq!(outcome.output, b"");
}

#[test]
fn rejects_overlapping_vectors_with_an_excessive_sum() {
    // 1,024 vectors over the same 60 MB: 61 GB. None of them may be sent. Two of them exceed the limit of output.
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
    assert_eq!(outcome.report, Some(WorkerReport::Output));
}

#[test]
fn rejects_invalid_modules() {
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
        assert_eq!(outcome.report, Some(WorkerReport::BadModule), "{name}");
    }
}

#[test]
fn reports_every_truncated_or_damaged_module() {
    // Without names, because the module would stay valid without its section of names.
    let module = text(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start") (i32.store (i32.const 4) (i32.const 8)) (drop (call 0 (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
    );
    assert_eq!(Job::command(&module).result().len(), 8);
    for truncated in truncations(&module) {
        let outcome = Job::command(truncated).run();
        assert_eq!(outcome.report, Some(WorkerReport::BadModule), "{} bytes", truncated.len());
    }
    // Each flip starts a process, so only one bit of each byte is flipped.
    for flip in bit_flips(&module).filter(|flip| flip.mask == 1 << (flip.at % 8)) {
        // Some are still valid modules. Fuel ends those that loop, and each run has a report.
        let outcome = Job::command(&flip.bytes).memory(1 << 20).output(1 << 16).fuel(1 << 20).run();
        assert!(outcome.report.is_some(), "{flip}: {}", outcome.exit);
    }
}

#[test]
fn rejects_an_invalid_function_before_anything_runs() {
    // Nothing calls the invalid function, so only validation of the whole module finds it.
    let imports = r#"(import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))"#;
    let module = format!(
        r#"(module {imports} (memory (export "memory") 1)
           (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
           (func (result i32) (i64.const 0)))"#
    );
    Job::command(&text(&module)).reports(WorkerReport::BadModule);
}

#[test]
fn rejects_missing_and_mistyped_exports_and_imports() {
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
        Job::command(&text(module)).reports(WorkerReport::BadModule);
    }
}

#[test]
fn runs_deeply_nested_and_very_many_functions() {
    let deep = format!(r#"(module (func (export "_start") {} {}))"#, "(block ".repeat(300), ")".repeat(300));
    Job::command(&text(&deep)).result();
    let many = format!(r#"(module {} (func (export "_start")))"#, "(func (nop))".repeat(20_000));
    Job::command(&text(&many)).result();
}
