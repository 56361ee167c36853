//! Unmodified programs of others, from pinned wheels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use capelet_abi::WorkerReport;
use common::Job;

/// Reads a program from the folder in `CAPELET_PROGRAMS`. Without it, `fetch.py` fetches the programs.
fn program(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| match std::env::var_os("CAPELET_PROGRAMS") {
        Some(folder) => folder.into(),
        None => {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/programs/fetch.py");
            let fetched = Command::new("python3").arg(script).output().expect("python3");
            assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
            String::from_utf8(fetched.stdout).unwrap().trim_end().into()
        }
    });
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{}/{name}: {error}", folder.display()))
}

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">
<rect width="20" height="10" fill="red"/></svg>"#;

/// Go, a reactor.
#[test]
fn pii_shield_redacts() {
    let module = program("pii-shield.wasm");
    let input = "Mail anna.schmidt@example.org or call +49 170 1234567, card 4111 1111 1111 1111. \
                 Key AKIAIOSFODNN7EXAMPLE, password=hunter2secretvalue. The weather is fine.";
    let output = String::from_utf8(Job::reactor(&module, "redact").input(input).result()).unwrap();
    for secret in ["anna", "example.org", "1234567", "4111", "AKIA", "hunter2"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
    assert_eq!(output.matches("[HIDDEN:").count(), 5, "{output}");
    assert!(output.starts_with("Mail [HIDDEN:") && output.ends_with("The weather is fine."), "{output}");

    assert_eq!(Job::reactor(&module, "redact").input(*b"").result(), b"");
    let long = "nothing to hide here\n".repeat(10_000);
    assert_eq!(Job::reactor(&module, "redact").input(long.clone()).result(), long.as_bytes());
}

#[test]
fn pii_shield_fails_beyond_its_limits() {
    let module = program("pii-shield.wasm");
    let job = || Job::reactor(&module, "redact").input(*b"mail anna@example.org");
    job().memory(1 << 20).reports(WorkerReport::Memory);
    job().fuel(100_000).reports(WorkerReport::Fuel);
    job().output(8).reports(WorkerReport::Output);
    Job::reactor(&module, "cape_handler").reports(WorkerReport::BadModule);
    Job::command(&module).reports(WorkerReport::BadModule);
    let truncated = Job::reactor(&module[..module.len() / 2], "redact");
    truncated.reports(WorkerReport::BadModule);
}

/// C, a command with arguments and files.
#[test]
fn quickjs_runs_a_script() {
    let module = program("quickjs.wasm");
    let script = "const input = std.in.readAsString();
        const rate = JSON.parse(std.loadFile('/data/rate.json'));
        std.out.puts(input.split('\\n').map((n) => Number(n) * rate.factor).join('\\n'));";
    let job = Job::command(&module).argument("--std").argument("/main.js");
    let job = job.file("main.js", script).file("data/rate.json", r#"{"factor": 3}"#).input(*b"14\n1.5");
    assert_eq!(job.result(), b"42\n4.5");

    let job = |script: &str| Job::command(&module).argument("--std").argument("-e").argument(script);
    // The clock starts at the job's time, so the test knows the date.
    assert_eq!(job("std.out.puts(new Date().toISOString().slice(0, 10))").result(), b"2023-11-14");
    assert_eq!(job("std.out.puts(String(std.open('/new', 'w')))").result(), b"null");
    assert_eq!(job("std.out.puts(String(std.getenv('PATH')))").result(), b"undefined");
    job("throw 1").reports(WorkerReport::Status(1));
    job("std.exit(7)").reports(WorkerReport::Status(7));
    job("for (;;) {}").fuel(100_000_000).reports(WorkerReport::Fuel);
    job("const a = []; for (;;) a.push(new Uint8Array(1 << 20))").memory(64 << 20).reports(WorkerReport::Memory);
    job("for (;;) std.out.puts('x'.repeat(1000))").output(1 << 20).reports(WorkerReport::Output);
    // Its WASI build does not check its stack, which overflows the end of its memory.
    job("(function f() { f() })()").reports(WorkerReport::Trapped);
}

/// Rust, a command that reads a file: the path of the input.
#[test]
fn resvg_renders_an_svg() {
    let png = Job::command(&program("resvg.wasm")).argument("/input/0").argument("-c").input(SVG).result();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(png[12..24], *b"IHDR\0\0\0\x14\0\0\0\x0a");
    let usvg = Job::command(&program("usvg.wasm")).argument("/input/0").argument("-c").input(SVG).result();
    assert!(String::from_utf8(usvg).unwrap().contains(r##"fill="#ff0000""##));
    let broken = Job::command(&program("usvg.wasm")).argument("/input/0").argument("-c").input(*b"not an svg");
    assert!(matches!(broken.run().report, Some(WorkerReport::Status(_))));
}

/// C with 43 imports. Without its library, only the built-in modules work.
#[test]
fn python_runs_a_script() {
    let script = "import sys, time; print(sum(range(1000)), sys.stdin.read(), time.gmtime().tm_year)";
    let job = Job::command(&program("python.wasm"));
    let job = job.argument("-I").argument("-S").argument("-c").argument(script).input(*b"input");
    assert_eq!(job.result(), b"499500 input 2023\n");
}
