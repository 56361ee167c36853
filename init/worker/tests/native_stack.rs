//! wasmi continues with the next instruction by a tail call. LLVM usually compiles a tail call to a jump, but does not
//! guarantee it. Otherwise a function's loop would grow the worker's native stack until the worker crashes. This test
//! runs each kind of instruction many times with little native stack.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;
use std::io::Write as _;

use capelet_abi::WorkerReport;
use common::{Job, receive, text, worker_with_stack};

/// Enough for the worker's start. Too little for one stack frame per round, even if a frame had only 8 bytes.
const STACK_KIB: u32 = 192;
const ROUNDS: u32 = 50_000;

/// The instructions of each round, as text. They leave the operand stack unchanged.
fn rounds() -> Vec<String> {
    let mut list = Vec::new();
    for (kind, constant) in [("i32", "7"), ("i64", "7"), ("f32", "7"), ("f64", "7")] {
        let local = format!("(local.get ${kind})");
        let number = format!("({kind}.const {constant})");
        let unary: &[&str] = match kind {
            "i32" => &["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"],
            "i64" => &["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s", "extend32_s"],
            _ => &["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"],
        };
        let binary: &[&str] = match kind {
            "i32" | "i64" => &[
                "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u",
                "rotl", "rotr", "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
            ],
            _ => &["add", "sub", "mul", "div", "min", "max", "copysign", "eq", "ne", "lt", "gt", "le", "ge"],
        };
        for op in unary {
            list.push(format!("(drop ({kind}.{op} {local}))"));
        }
        for op in binary {
            let result = format!("({kind}.{op} {local} (local.get ${kind}b))");
            list.push(format!("(drop {result})"));
            list.push(format!("(drop ({kind}.{op} {local} {number}))"));
            list.push(format!("(drop ({kind}.{op} {number} {local}))"));
            // wasmi fuses a comparison with the branch on it to one instruction.
            if matches!(&op[..2], "eq" | "ne" | "lt" | "gt" | "le" | "ge") {
                list.push(format!("(block (br_if 0 {result}))"));
                list.push(format!("(block (br_if 0 (i32.eqz {result})))"));
                list.push(format!("(block (br_if 0 ({kind}.{op} {local} {number})))"));
                list.push(format!("(if {result} (then (nop)) (else (nop)))"));
            }
        }
        let loads: &[&str] = match kind {
            "i32" => &["load", "load8_s", "load8_u", "load16_s", "load16_u"],
            "i64" => &["load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"],
            _ => &["load"],
        };
        let stores: &[&str] = match kind {
            "i32" => &["store", "store8", "store16"],
            "i64" => &["store", "store8", "store16", "store32"],
            _ => &["store"],
        };
        for op in loads {
            list.push(format!("(drop ({kind}.{op} (local.get $i32)))"));
            list.push(format!("(drop ({kind}.{op} offset=70000 (local.get $i32)))"));
            list.push(format!("(drop ({kind}.{op} (i32.const 64)))"));
        }
        for op in stores {
            list.push(format!("({kind}.{op} (local.get $i32) {local})"));
            list.push(format!("({kind}.{op} offset=70000 (local.get $i32) {number})"));
            list.push(format!("({kind}.{op} (i32.const 64) {local})"));
        }
        list.push(format!("(local.set ${kind}b (local.get ${kind}b))"));
        list.push(format!("(global.set $g{kind} (global.get $g{kind}))"));
        list.push(format!("(global.set $g{kind} {number})"));
        list.push(format!("(drop (select {local} {number} (local.get $i32)))"));
        list.push(format!("(drop (select {local} (local.get ${kind}b) (i32.lt_s (local.get $i32) (i32.const 0))))"));
    }
    for op in ["i32.wrap_i64", "f32.convert_i64_s", "f64.convert_i64_u", "f64.reinterpret_i64", "f32.convert_i64_u"] {
        list.push(format!("(drop ({op} (local.get $i64)))"));
    }
    for op in ["i64.extend_i32_s", "i64.extend_i32_u", "f32.convert_i32_s", "f64.convert_i32_u", "f32.reinterpret_i32"]
    {
        list.push(format!("(drop ({op} (local.get $i32)))"));
    }
    for op in ["i32.trunc_f64_s", "i64.trunc_f64_u", "i32.trunc_sat_f64_u", "i64.trunc_sat_f64_s", "f32.demote_f64"] {
        list.push(format!("(drop ({op} (local.get $f64)))"));
    }
    for op in ["i32.trunc_f32_s", "i64.trunc_f32_u", "i32.trunc_sat_f32_u", "i64.trunc_sat_f32_s", "f64.promote_f32"] {
        list.push(format!("(drop ({op} (local.get $f32)))"));
    }
    list.extend(
        [
            "(block (br_table 0 0 (local.get $i32)))",
            "(block (block (block (br_table 0 1 2 (local.get $i32)))))",
            "(block (br 0))",
            "(call $nothing)",
            "(drop (call $number (local.get $i32)))",
            "(drop (call $tail (local.get $i32)))",
            "(drop (call_indirect (type $unary) (local.get $i32) (i32.const 0)))",
            "(call_indirect (i32.const 1))",
            "(call $many (local.get $i32) (local.get $i64) (local.get $f32) (local.get $f64)) (drop) (drop)",
            "(drop (call $random (i32.const 64) (i32.const 1)))",
            "(drop (call_indirect (type $host) (i32.const 64) (i32.const 1) (i32.const 2)))",
            "(drop (memory.size))",
            "(drop (memory.grow (i32.const 0)))",
            "(memory.fill (i32.const 64) (local.get $i32) (i32.const 8))",
            "(memory.copy (i32.const 64) (local.get $i32) (i32.const 8))",
            "(memory.init $data (i32.const 64) (i32.const 0) (i32.const 2))",
            "(data.drop $data)",
            "(drop (table.size 0))",
            "(drop (table.grow 0 (ref.null func) (i32.const 0)))",
            "(drop (table.get 0 (i32.const 0)))",
            "(table.set 0 (i32.const 3) (ref.func $nothing))",
            "(table.fill 0 (i32.const 3) (ref.null func) (i32.const 1))",
            "(table.copy (i32.const 3) (i32.const 2) (i32.const 1))",
            "(table.init $elements (i32.const 3) (i32.const 0) (i32.const 1))",
            "(elem.drop $elements)",
            "(drop (ref.is_null (ref.func $nothing)))",
        ]
        .map(String::from),
    );
    list
}

#[test]
fn no_instruction_grows_the_native_stack() {
    let mut functions = String::new();
    let mut calls = String::new();
    for (number, round) in rounds().iter().enumerate() {
        write!(
            functions,
            "(func $f{number} (local $n i32) (local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)
               (local $i32b i32) (local $i64b i64) (local $f32b f32) (local $f64b f64)
               (local.set $i32 (i32.const 3)) (local.set $i32b (i32.const 5))
               (local.set $i64 (i64.const 3)) (local.set $i64b (i64.const 5))
               (loop $l {}
                 (local.set $n (i32.add (local.get $n) (i32.const 1)))
                 (br_if $l (i32.lt_u (local.get $n) (i32.const {ROUNDS})))))\n",
            round
        )
        .unwrap();
        write!(calls, "(call $f{number})").unwrap();
    }
    let module = format!(
        r#"(module
            (type $host (func (param i32 i32) (result i32)))
            (type $unary (func (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "random_get" (func $random (type $host)))
            (memory (export "memory") 2)
            (table 8 funcref) (elem (i32.const 0) func $number $nothing $random)
            (elem $elements func $nothing) (data $data "xy")
            (global $gi32 (mut i32) (i32.const 0)) (global $gi64 (mut i64) (i64.const 0))
            (global $gf32 (mut f32) (f32.const 0)) (global $gf64 (mut f64) (f64.const 0))
            (func $nothing)
            (func $number (param i32) (result i32) (local.get 0))
            (func $tail (param i32) (result i32) (return_call $number (local.get 0)))
            (func $many (param i32 i64 f32 f64) (result f64 f32) (local.get 3) (local.get 2))
            {functions}
            (func (export "_start") {calls}))"#
    );
    let job = Job::command(&text(&module));
    let (child, mut ours) = worker_with_stack(STACK_KIB);
    ours.write_all(&job.bytes()).unwrap();
    let outcome = receive(child, ours);
    assert_eq!(outcome.report, Some(WorkerReport::Completed), "{}", outcome.exit);
}
