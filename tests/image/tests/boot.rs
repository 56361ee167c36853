//! A boot that cannot be whole: the machine ends, and has never served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_image::hostile::{self, frame};
use capelet_image::{Machine, NOWHERE, Parent, configure, eif, output, release};
use enclave_core::parent::Answer;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

/// PID 1's last words when the core has ended with a failure.
const CORE_FAILED: &str = "capelet-pid1: Core(Exited(1))";

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("image").tempdir().unwrap()
}

fn boot(folder: &Path) -> String {
    Machine::boot(folder, &release().join("capelet.eif"), &[]).ends_without_serving()
}

#[test]
fn a_configuration_that_is_none() {
    let whole = folder();
    configure(&whole.path().join("configuration"), &["--key", NOWHERE]);
    let good = fs::read(whole.path().join("configuration")).unwrap();
    let mut odd_arn = good.clone();
    let at = odd_arn.windows(4).position(|window| window == b"aws:").unwrap();
    odd_arn[at] = b'A';
    let cases: [(&str, &[u8]); 5] = [
        ("missing", b""),
        ("cut off", &good[..good.len() - 1]),
        ("trailing", &[&good[..], b"\0"].concat()),
        ("noise", &[0xff; 16_384]),
        ("odd ARN", &odd_arn),
    ];
    for (name, bytes) in cases {
        let folder = folder();
        let path = folder.path().join("configuration");
        fs::write(&path, bytes).unwrap();
        let parent = Parent::start(folder.path(), Some(&path), &[]);
        let console = boot(folder.path());
        assert!(
            console.contains("capelet-core: configuration: ") && console.contains(CORE_FAILED),
            "{name}: {console}"
        );
        // It was handed over: that is what was refused.
        assert_eq!(parent.events("operation")[0]["answer"], "Boot", "{name}");
    }
}

#[test]
fn a_list_of_deployers_that_the_configuration_does_not_name() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    configure(&path("configuration"), &["--key", NOWHERE]);
    fs::write(path("deployers"), b"\x80").unwrap();
    let deployers = path("deployers").display().to_string();
    let _parent = Parent::start(folder.path(), Some(&path("configuration")), &["--deployers", &deployers]);
    let console = boot(folder.path());
    assert!(console.contains("capelet-core: configuration: ") && console.contains(CORE_FAILED), "{console}");
}

/// Reads what was asked, so that closing does not take the answer away.
fn asked(stream: &mut UnixStream) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut operation = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut operation).unwrap();
}

fn answer(stream: &mut UnixStream, bytes: &[u8]) {
    asked(stream);
    // The enclave may have gone before all of it is there.
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0]);
}

#[test]
fn a_parent_that_does_not_answer_as_one() {
    let cases: [(&str, Option<hostile::Answer>); 7] = [
        ("nobody", None),
        ("closes", Some(|stream| asked(stream))),
        ("never answers", Some(|stream| answer(stream, b""))),
        ("no CBOR", Some(|stream| answer(stream, &frame(b"\xff")))),
        ("another answer", Some(|stream| answer(stream, &frame(&Answer::Done.encode().0)))),
        ("one byte too long", Some(|stream| answer(stream, &frame(&Answer::Boot(vec![0; 16_385], None).encode().0)))),
        ("claims four gigabytes", Some(|stream| answer(stream, &[0xff; 1 << 16]))),
    ];
    // At once: for a parent that does not answer the core waits a minute.
    thread::scope(|scope| {
        for (name, hostile) in cases {
            scope.spawn(move || {
                let folder = folder();
                hostile::serve(folder.path(), hostile);
                let console = boot(folder.path());
                assert!(
                    console.contains("capelet-core: configuration: ") && console.contains(CORE_FAILED),
                    "{name}: {console}"
                );
            });
        }
    });
}

#[test]
fn retries_the_heartbeat_and_the_configuration_until_the_parent_answers() {
    let folder = folder();
    configure(&folder.path().join("configuration"), &["--key", NOWHERE]);
    let mut machine = Machine::boot(folder.path(), &release().join("capelet.eif"), &[]);
    // Long enough for the first attempts to fail, in which nobody listens.
    sleep(Duration::from_secs(15));
    hostile::serve(folder.path(), None);
    sleep(Duration::from_secs(5));
    assert!(!machine.has_ended(), "{}", machine.console());
    fs::remove_file(folder.path().join("vsock_9000")).unwrap();
    let _parent = Parent::start(folder.path(), Some(&folder.path().join("configuration")), &[]);
    machine.wait_until_serving();
}

#[test]
fn a_parent_that_does_not_answer_the_heartbeat() {
    let folder = folder();
    let console = boot(folder.path());
    assert!(console.contains("capelet-pid1: Heartbeat("), "{console}");
}

/// Another program in the core's place, in an image that is the release for the rest: what it does, it may not.
fn core(folder: &Path, text: &str) -> String {
    let (source, binary) = (folder.join("core.c"), folder.join("core"));
    fs::write(&source, text).unwrap();
    output(Command::new("gcc").args(["-static", "-O2", "-o"]).arg(&binary).arg(&source));
    let file = fs::read(release().join("capelet.eif")).unwrap();
    let image = folder.join("image.eif");
    fs::write(&image, eif::with_program(&file, "core", &fs::read(binary).unwrap())).unwrap();
    hostile::serve(folder, None);
    Machine::boot(folder, &image, &[]).ends_without_serving()
}

#[test]
fn the_end_of_the_core_is_the_end_of_the_machine() {
    let cases = [
        ("by itself", "int main(void) { return 7; }", "Core(Exited(7))"),
        ("by the kernel", "int main(void) { return *(volatile int *)0; }", "Core(Signalled(11))"),
        ("by its filter", "#include <unistd.h>\nint main(void) { return chdir(\"/\"); }", "Core(Signalled(31))"),
        // Alive, and no longer on speaking terms.
        ("hangs up", "#include <unistd.h>\nint main(void) { close(0); for (;;); }", "Core(Signalled(9))"),
        ("babbles", "#include <unistd.h>\nint main(void) { write(0, \"?\", 1); for (;;); }", "Message"),
    ];
    for (name, text, said) in cases {
        let folder = folder();
        let console = core(folder.path(), text);
        assert!(console.contains(&format!("capelet-pid1: {said}")), "{name}: {console}");
    }
}
