//! The examples, built by their `build.sh` and run with the parameters in their `capelet.json`. Also a C program that
//! tests what a libc does with WASI. Tests that need a compiler are slow and run only with `--ignored`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use capelet_abi::{EntryPoint, WorkerReport};
use common::Job;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Runs a command. Returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// A command whose `python3` finds the C compiler.
fn with_zig(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let zig = run(Command::new("python3").arg(format!("{ROOT}/dev/programs/fetch.py")).arg("--zig"));
    let mut command = Command::new(program);
    command.env("PYTHONPATH", zig);
    command
}

/// The job for a function's folder: its module, its files, and the parameters in `capelet.json`.
fn function(example: &str) -> Job {
    let folder = PathBuf::from(format!("{ROOT}/examples/{example}/function"));
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("capelet.json")).unwrap()).unwrap();
    let mut job = Job::command(&fs::read(folder.join(manifest["entry"].as_str().unwrap())).unwrap());
    if manifest["kind"] == "reactor" {
        (job.entry_point, job.handler) = (EntryPoint::Reactor, "cape_handler");
    }
    for argument in manifest["arguments"].as_array().into_iter().flatten() {
        job = job.argument(argument.as_str().unwrap());
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != "capelet.json" {
            job = job.file(name, fs::read(&path).unwrap());
        }
    }
    job
}

fn build(example: &str) -> PathBuf {
    Path::new(ROOT).join("examples").join(example).join("build.sh")
}

#[test]
fn javascript_counts_common_lines() {
    run(&mut Command::new(build("javascript")));
    let job = || function("javascript").input(*b"anna@example.org\nben@example.org\ncarl@example.org\n");
    let theirs = *b"Carl@example.org\n\nanna@example.org\ndora@example.org";
    assert_eq!(job().file("input/1", theirs).result(), b"2\n");
    let alone = job().reports(WorkerReport::Status(2));
    assert_eq!(alone.diagnostic, b"two inputs are needed\n");
}

#[test]
#[ignore = "needs the target wasm32-unknown-unknown"]
fn rust_redacts_card_numbers() {
    run(&mut Command::new(build("rust")));
    let text = "Paid with 4111 1111 1111 1111 and 5500-0055-5555-5559; not 4111 1111 1111 1112. Order 123456.";
    let hidden = "Paid with **** **** **** 1111 and ****-****-****-5559; not 4111 1111 1111 1112. Order 123456.";
    assert_eq!(function("rust").input(text).result(), hidden.as_bytes());
    assert_eq!(
        function("rust").input(*b"no 1 12 4111111111111112 41111111111111111").result(),
        b"no 1 12 4111111111111112 41111111111111111"
    );
    assert_eq!(function("rust").result(), b"");
    let long = "4111111111111111 ".repeat(100_000);
    assert_eq!(function("rust").input(long).result(), "************1111 ".repeat(100_000).as_bytes());
    function("rust").input(vec![0; (128 << 20) + 1]).reports(WorkerReport::BadResult);
}

#[test]
#[ignore = "fetches a C compiler"]
fn c_computes_statistics() {
    run(&mut with_zig(build("c")));
    let result = function("c").input(*b"3100\n2900\n4200\n3600\n8800\n").result();
    assert_eq!(result, b"count 5\nmean 4520.00\nmedian 3600.00\n");
    function("c").input(*b"3100\n2900\n4200\n3600").reports(WorkerReport::Status(3));
    let bad = function("c").input(*b"3100\nmuch\n").reports(WorkerReport::Status(2));
    assert_eq!(bad.diagnostic, b"line 2 is no number\n");
    let many: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(function("c").input(many).result(), b"count 200000\nmean 99999.50\nmedian 99999.50\n");
}

#[test]
#[ignore = "fetches a C compiler"]
fn libc_works_on_wasi() {
    let folder = std::env::temp_dir().join(format!("capelet-libc-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let module = folder.join("libc.wasm");
    let zig = ["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-Os", "-s", "-o"];
    run(with_zig("python3").args(zig).arg(&module).arg(format!("{ROOT}/dev/programs/libc.c")));
    let job = Job::command(&fs::read(&module).unwrap()).argument("-v").argument("two words");
    let job = job.file("data/deep/file.txt", *b"head and tail").file("data/x", *b"").input(*b"the input\n");
    let outcome = job.reports(WorkerReport::Completed);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(outcome.diagnostic, b"diagnostics\n");
    let expected = "\
arguments: [function] [-v] [two words]
HOME: none
stdin: the input
again: yes
terminal: 0 0 0
list /: ./ ../ data/ input/
list /data: ./ ../ deep/ x
list data/deep: ./ ../ file.txt
tail: tail
end: yes
stat: ok 13 file
directory: ok directory
missing: No such file or directory
through a file: Not a directory
create: Read-only file system
write: Read-only file system
mkdir: Read-only file system
unlink: Read-only file system
rename: Read-only file system
symlink: Read-only file system
year: 2023
slept: yes
poll: 1
random: yes
8 MiB: yes
";
    assert_eq!(String::from_utf8(outcome.output).unwrap(), expected);
}
