//! The script for somebody who has hardware (docs/hardware-check.md), tried on what there is: QEMU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::binary;
use capelet_image::{Kms, checkout, development, measured, named, output, release};
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the script on an image, with what it must measure and further words.
fn check(image: &Path, measurements: &Path, words: &[&str]) -> Output {
    let programs = binary("capelet");
    let path = format!("{}:{}", programs.parent().unwrap().display(), env::var("PATH").unwrap());
    let mut command = Command::new(checkout("tests/hardware/check.sh"));
    command.env("PATH", path).arg("--image").arg(image.join("capelet.eif"));
    command.arg("--measurements").arg(measurements.join("measurements.json"));
    command.arg("--qemu").arg(output(&mut Command::new(checkout("dev/qemu/build.sh"))).trim());
    for (word, file) in [("--nsm", "nsm.pem"), ("--root", "root.der")] {
        command.arg(word).arg(named("CAPELET_CHAIN").join(file));
    }
    command.args(words).output().unwrap()
}

fn lines(output: &Output, word: &str) -> usize {
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with(word)).count()
}

#[test]
fn its_function_is_what_its_text_says() {
    let folder = checkout("tests/hardware");
    let text = wat::parse_file(folder.join("echo.wat")).unwrap();
    assert_eq!(fs::read(folder.join("echo/echo.wasm")).unwrap(), text);
}

#[test]
fn it_passes_where_everything_holds() {
    let kms = Kms::start();
    let key = kms.key(&measured(&development())["PCR0"]);
    let credentials = kms.credentials();
    let words = ["--kms", &kms.address, "--credentials", credentials.to_str().unwrap(), "--key", &key];
    let checked = check(&development(), &development(), &words);
    assert!(checked.status.success() && lines(&checked, "FAIL") == 0, "{checked:?}");
    // Down to the last step.
    assert_eq!(lines(&checked, "PASS  it opens what the first boot sealed"), 1, "{checked:?}");
}

/// The release attests; without a key nothing more is tried.
#[test]
fn it_passes_for_the_release_without_a_key() {
    let checked = check(&release(), &release(), &[]);
    assert!(checked.status.success() && lines(&checked, "FAIL") == 0, "{checked:?}");
}

#[test]
fn it_fails_where_something_does_not_hold() {
    let other = check(&release(), &development(), &[]);
    assert!(!other.status.success() && lines(&other, "FAIL") == 1, "{other:?}");
    // A key that only another image can use.
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let credentials = kms.credentials();
    let words = ["--kms", &kms.address, "--credentials", credentials.to_str().unwrap(), "--key", &key];
    let denied = check(&development(), &development(), &words);
    assert!(!denied.status.success() && lines(&denied, "FAIL  a function is deployed") == 1, "{denied:?}");
}
