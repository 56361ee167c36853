//! Boots that must fail: the machine ends, and the core has never served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_image::hostile::{self, frame};
use capelet_image::{Machine, NOWHERE, Parent, checkout, configure, eif, output, release};
use enclave_core::parent::Answer;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

/// The last line of PID 1 when the core has failed.
const CORE_FAILED: &str = "capelet-pid1: the core exited with status 1";

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("image").tempdir().unwrap()
}

fn boot(folder: &Path) -> String {
    Machine::boot(folder, &release().join("capelet.eif"), &[]).ends_without_serving()
}

#[test]
fn an_invalid_configuration_ends_the_machine() {
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
        // The parent sent the configuration, so the core refused it.
        assert_eq!(parent.events("operation")[0]["answer"], "Boot", "{name}");
    }
}

#[test]
fn a_list_of_deployers_that_the_configuration_does_not_name_ends_the_machine() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    configure(&path("configuration"), &["--key", NOWHERE]);
    fs::write(path("deployers"), b"\x80").unwrap();
    let deployers = path("deployers").display().to_string();
    let _parent = Parent::start(folder.path(), Some(&path("configuration")), &["--deployers", &deployers]);
    let console = boot(folder.path());
    assert!(console.contains("capelet-core: configuration: ") && console.contains(CORE_FAILED), "{console}");
}

/// Reads the operation. If it stayed unread, closing the connection would discard the answer.
fn read_operation(stream: &mut UnixStream) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut operation = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut operation).unwrap();
}

fn answer(stream: &mut UnixStream, bytes: &[u8]) {
    read_operation(stream);
    // The enclave may end before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0]);
}

#[test]
fn a_parent_with_invalid_answers_ends_the_machine() {
    let cases: [(&str, Option<hostile::Handler>); 7] = [
        ("nobody", None),
        ("closes", Some(read_operation)),
        ("never answers", Some(|stream| answer(stream, b""))),
        ("no CBOR", Some(|stream| answer(stream, &frame(b"\xff")))),
        ("another answer", Some(|stream| answer(stream, &frame(&Answer::Done.encode().0)))),
        ("one byte too long", Some(|stream| answer(stream, &frame(&Answer::Boot(vec![0; 16_385], None).encode().0)))),
        ("claims four gigabytes", Some(|stream| answer(stream, &[0xff; 1 << 16]))),
    ];
    // The cases run in parallel, because the core waits a minute for a parent that does not answer.
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
    // The first attempts fail during this time, because nobody listens.
    sleep(Duration::from_secs(15));
    hostile::serve(folder.path(), None);
    sleep(Duration::from_secs(5));
    assert!(!machine.has_ended(), "{}", machine.console());
    fs::remove_file(folder.path().join("vsock_9000")).unwrap();
    let _parent = Parent::start(folder.path(), Some(&folder.path().join("configuration")), &[]);
    machine.wait_until_serving();
}

#[test]
fn a_parent_that_does_not_answer_the_heartbeat_ends_the_machine() {
    let folder = folder();
    let console = boot(folder.path());
    assert!(console.contains("capelet-pid1: cannot get a valid answer to the heartbeat: "), "{console}");
}

/// Boots the release with another program instead of the core, and returns the console. `source_text` is C without libc.
fn boot_with_core(folder: &Path, source_text: &str) -> String {
    let (source, binary) = (folder.join("core.c"), folder.join("core"));
    fs::write(&source, source_text).unwrap();
    let mut compiler = Command::new("gcc");
    compiler.args(["-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O2", "-include"]);
    output(compiler.arg(checkout("init/pid1/tests/native/start.h")).arg("-o").arg(&binary).arg(&source));
    let file = fs::read(release().join("capelet.eif")).unwrap();
    let image = folder.join("image.eif");
    fs::write(&image, eif::with_program(&file, "core", &fs::read(binary).unwrap())).unwrap();
    hostile::serve(folder, None);
    Machine::boot(folder, &image, &[]).ends_without_serving()
}

#[test]
fn a_core_that_ends_or_breaks_the_protocol_ends_the_machine() {
    let cases = [
        ("by itself", "int main(void) { return 7; }", "exited with status 7"),
        ("by the kernel", "int main(void) { return *(volatile int *)0; }", "was killed by signal 11"),
        (
            "by its filter",
            "int main(void) { return call(80, (long)\"/\", 0, 0, 0, 0, 0); } // chdir",
            "was killed by signal 31",
        ),
        // These two are still running, but have closed or misused the channel to PID 1.
        ("hangs up", "int main(void) { call(3, 0, 0, 0, 0, 0, 0); for (;;); } // close", "was killed by signal 9"),
        (
            "babbles",
            "int main(void) { call(1, 0, (long)\"?\", 1, 0, 0, 0); for (;;); } // write",
            "sent an invalid message",
        ),
    ];
    for (name, text, expected) in cases {
        let folder = folder();
        let console = boot_with_core(folder.path(), text);
        assert!(console.contains(&format!("capelet-pid1: the core {expected}")), "{name}: {console}");
    }
}
