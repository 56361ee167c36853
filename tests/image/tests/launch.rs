//! `capelet-parent enclave` with QEMU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::{Person, binary};
use capelet_image::{NOWHERE, Parent, checkout, configure, development, measured, named, output, release};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit of each wait.
const PATIENCE: Duration = Duration::from_secs(120);

/// The enclaves that `enclave describe` lists.
fn described(state: &Path) -> Value {
    capelet_json_schema::object(output(&mut enclave(&["describe"], state)).as_bytes())["enclaves"].clone()
}

fn enclave(arguments: &[&str], state: &Path) -> Command {
    let mut command = Command::new(binary("capelet-parent"));
    command.arg("enclave").args(arguments).arg("--state").arg(state).stdin(Stdio::null());
    command
}

fn run(image: &Path, state: &Path, arguments: &[&str]) -> Child {
    let mut command = enclave(&["run"], state);
    command.arg(image.join("capelet.eif")).arg("--measurements").arg(image.join("measurements.json"));
    command.arg("--qemu").arg(output(&mut Command::new(checkout("dev/qemu/build.sh"))).trim());
    command.arg("--nsm").arg(named("CAPELET_CHAIN").join("nsm.pem")).args(arguments).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn until(mut happens: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happens() {
        assert!(Instant::now() < end, "the event did not happen in time");
        sleep(Duration::from_millis(100));
    }
}

fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::Builder::new().prefix("image").tempdir().unwrap();
    let (state, configuration) = (folder.path().join("state"), folder.path().join("configuration"));
    configure(&configuration, &["--key", NOWHERE]);
    (folder, state, configuration)
}

#[test]
fn runs_describes_and_terminates_the_release() {
    let (folder, state, configuration) = place();
    let run = run(&release(), &state, &[]);
    until(|| state.join("vsock").exists());
    let parent = Parent::start(&state, Some(&configuration), &[]);
    until(|| !parent.events("operation").is_empty());
    let running = described(&state);
    assert_eq!(running[0]["running"], true);
    assert_eq!(running[0]["pcr0"], measured(&release())["PCR0"]);
    let transport = format!("qemu:{}", state.canonicalize().unwrap().join("vsock").display());
    assert_eq!(running[0]["transport"], transport);

    let person = Person::new(&folder.path().join("person"));
    let (measurements, root) = (release().join("measurements.json"), named("CAPELET_CHAIN").join("root.der"));
    let pin = ["pin", &parent.url, "--measurements", measurements.to_str().unwrap(), "--root", root.to_str().unwrap()];
    person.ok(&pin);
    until(|| person.run(&["attest", "-u", &parent.url]).status.success());
    // Under QEMU the console of a release is kept too. Only this user can read it.
    let console = std::fs::symlink_metadata(state.join("console")).unwrap();
    assert!(console.is_file() && console.mode() & 0o7777 == 0o600);

    output(&mut enclave(&["terminate"], &state));
    assert!(output(&mut enclave(&["console"], &state)).contains("capelet-core: serving"));
    let ended = run.wait_with_output().unwrap();
    assert!(ended.status.success());
    let ended = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.contains(measured(&release())["PCR0"].as_str().unwrap()) && ended.contains(&transport), "{ended}");
    assert_eq!(described(&state), json!([]));
}

#[test]
fn shows_the_console_of_a_development_image() {
    let (_folder, state, configuration) = place();
    let mut run = run(&development(), &state, &["--development"]);
    until(|| state.join("vsock").exists());
    let parent = Parent::start(&state, Some(&configuration), &[]);
    until(|| !parent.events("operation").is_empty());
    let console = enclave(&["console"], &state).stdout(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_secs(1));
    output(Command::new("sh").args(["-c", "kill -INT $0", &run.id().to_string()]));
    assert!(run.wait().unwrap().success());
    let said = console.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("capelet-core-dev: DEVELOPMENT"));
}
