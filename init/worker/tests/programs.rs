//! Real programs that nobody here wrote, unmodified, out of pinned wheels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use capelet_abi::outcome::End;
use common::Job;

/// A program from the folder that `CAPELET_PROGRAMS` names, else from where `fetch.py` puts them.
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
fn pii_shield_within_its_limits_only() {
    let module = program("pii-shield.wasm");
    let job = || Job::reactor(&module, "redact").input(*b"mail anna@example.org");
    job().memory(1 << 20).ends(End::Memory);
    job().fuel(100_000).ends(End::Fuel);
    job().output(8).ends(End::Output);
    Job::reactor(&module, "cape_handler").ends(End::BadModule);
    Job::command(&module).ends(End::BadModule);
    let half = Job::reactor(&module[..module.len() / 2], "redact");
    half.ends(End::BadModule);
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
    // The clock is the job's, the date of a run can be told.
    assert_eq!(job("std.out.puts(new Date().toISOString().slice(0, 10))").result(), b"2023-11-14");
    assert_eq!(job("std.out.puts(String(std.open('/new', 'w')))").result(), b"null");
    assert_eq!(job("std.out.puts(String(std.getenv('PATH')))").result(), b"undefined");
    job("throw 1").ends(End::Status(1));
    job("std.exit(7)").ends(End::Status(7));
    job("for (;;) {}").fuel(100_000_000).ends(End::Fuel);
    job("const a = []; for (;;) a.push(new Uint8Array(1 << 20))").memory(64 << 20).ends(End::Memory);
    job("for (;;) std.out.puts('x'.repeat(1000))").output(1 << 20).ends(End::Output);
    // Built for WASI it does not watch its stack, which then runs into the end of its memory.
    job("(function f() { f() })()").ends(End::Trapped);
}

/// Rust, a command that wants a file: the input has a name.
#[test]
fn resvg_draws() {
    let png = Job::command(&program("resvg.wasm")).argument("/input/0").argument("-c").input(SVG).result();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(png[12..24], *b"IHDR\0\0\0\x14\0\0\0\x0a");
    let usvg = Job::command(&program("usvg.wasm")).argument("/input/0").argument("-c").input(SVG).result();
    assert!(String::from_utf8(usvg).unwrap().contains(r##"fill="#ff0000""##));
    let broken = Job::command(&program("usvg.wasm")).argument("/input/0").argument("-c").input(*b"no picture");
    assert!(matches!(broken.run().end, Some(End::Status(_))));
}

/// C with 43 imports. It is given no library, which is enough for what is built in.
#[test]
fn python_runs() {
    let script = "import sys, time; print(sum(range(1000)), sys.stdin.read(), time.gmtime().tm_year)";
    let job = Job::command(&program("python.wasm"));
    let job = job.argument("-I").argument("-S").argument("-c").argument(script).input(*b"input");
    assert_eq!(job.result(), b"499500 input 2023\n");
}
