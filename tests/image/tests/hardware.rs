//! The script for a check on real hardware (docs/hardware-check.md), tested under QEMU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::binary;
use capelet_image::{Kms, checkout, development, measured, named, output, release};
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the script on an image, with the expected measurements and further arguments.
fn check(image: &Path, measurements: &Path, arguments: &[&str]) -> Output {
    let programs = binary("capelet");
    let path = format!("{}:{}", programs.parent().unwrap().display(), env::var("PATH").unwrap());
    let mut command = Command::new(checkout("tests/hardware/check.sh"));
    command.env("PATH", path).arg("--image").arg(image.join("capelet.eif"));
    command.arg("--measurements").arg(measurements.join("measurements.json"));
    command.arg("--qemu").arg(output(&mut Command::new(checkout("dev/qemu/build.sh"))).trim());
    for (option, file) in [("--nsm", "nsm.pem"), ("--root", "root.der")] {
        command.arg(option).arg(named("CAPELET_CHAIN").join(file));
    }
    command.args(arguments).output().unwrap()
}

/// The number of lines that begin with this word.
fn lines(output: &Output, word: &str) -> usize {
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with(word)).count()
}

#[test]
fn the_scripts_function_is_built_from_its_text() {
    let folder = checkout("tests/hardware");
    let text = wat::parse_file(folder.join("echo.wat")).unwrap();
    assert_eq!(fs::read(folder.join("echo/echo.wasm")).unwrap(), text);
}

#[test]
fn passes_for_the_expected_image_with_a_usable_key() {
    let kms = Kms::start();
    let key = kms.key(&measured(&development())["PCR0"]);
    let credentials = kms.credentials();
    let words = ["--kms", &kms.address, "--credentials", credentials.to_str().unwrap(), "--key", &key];
    let checked = check(&development(), &development(), &words);
    assert!(checked.status.success() && lines(&checked, "FAIL") == 0, "{checked:?}");
    // The last step was reached.
    assert_eq!(lines(&checked, "PASS  it opens what the first boot sealed"), 1, "{checked:?}");
}

/// Without a key the script only attests.
#[test]
fn passes_for_the_release_without_a_key() {
    let checked = check(&release(), &release(), &[]);
    assert!(checked.status.success() && lines(&checked, "FAIL") == 0, "{checked:?}");
}

#[test]
fn fails_for_another_image_or_an_unusable_key() {
    let other = check(&release(), &development(), &[]);
    assert!(!other.status.success() && lines(&other, "FAIL") == 1, "{other:?}");
    // Only another image can use this key.
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let credentials = kms.credentials();
    let words = ["--kms", &kms.address, "--credentials", credentials.to_str().unwrap(), "--key", &key];
    let denied = check(&development(), &development(), &words);
    assert!(!denied.status.success() && lines(&denied, "FAIL  a function is deployed") == 1, "{denied:?}");
}
