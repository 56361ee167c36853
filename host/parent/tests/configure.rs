//! `capelet-parent configure`, through the built binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::encoding::hex;
use enclave_core::{Configuration, Deployers, Limits, OwnerKey, pcr16};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/5ee31b4b-23d4-4d0f-a2fb-58f714cf8f48";

fn configure(folder: &Path, arguments: &[&str]) -> Output {
    let to = folder.join("c.cbor");
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
    command.current_dir(folder).arg("configure").args(arguments).arg("--to").arg(to).output().unwrap()
}

#[test]
fn writes_a_configuration_that_an_enclave_reads() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("d.cbor");
    let key = "a".repeat(52);
    let arguments = ["--key", ARN, "--limit-run", "1000", "--deployer", &key, "--deployers-to", list.to_str().unwrap()];
    let output = configure(folder.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    let bytes = fs::read(folder.path().join("c.cbor")).unwrap();
    let configuration = Configuration::parse(&bytes).unwrap();
    assert_eq!(configuration.limits, Limits { run: 1000, ..Limits::MAXIMA });
    let deployers = Deployers::parse(&configuration, Some(&fs::read(list).unwrap())).unwrap().unwrap();
    assert!(deployers.allowed(&OwnerKey::new([0; 32])));
    let pcr16 = hex(pcr16(&bytes).as_bytes());
    assert!(String::from_utf8(output.stdout).unwrap().contains(&pcr16));
}

#[test]
fn names_the_part_of_an_arn_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let sovereign = "arn:aws-eusc:kms:eusc-de-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let output = configure(folder.path(), &["--key", sovereign]);
    assert!(output.status.success(), "{output:?}");
    let multi_region = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    for (arn, reason) in [
        (multi_region, "names a multi-Region key; its replicas in other Regions"),
        ("arn:aws:kms:us-east-1:111122223333:alias/a", "names an alias"),
        ("arn:aws:kms:eusc-de-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "another partition"),
        ("key", "is not the ARN of a KMS key"),
    ] {
        let output = configure(folder.path(), &["--key", arn]);
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(arn) && error.contains(reason), "{error}");
    }
}

#[test]
fn the_list_of_deployers_keeps_its_salt() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("d.cbor");
    let (one, other) = ("a".repeat(52), format!("b{}", "a".repeat(51)));
    let write = |keys: &[&String]| {
        let mut arguments = vec!["--force", "--key", ARN, "--deployers-to", list.to_str().unwrap()];
        arguments.extend(keys.iter().flat_map(|key| ["--deployer", key.as_str()]));
        let output = configure(folder.path(), &arguments);
        assert!(output.status.success(), "{output:?}");
        (fs::read(&list).unwrap(), fs::read(folder.path().join("c.cbor")).unwrap())
    };
    let first = write(&[&one]);
    assert_ne!(write(&[&one, &other]), first);
    // The same deployers have the same list, and so the same PCR16.
    assert_eq!(write(&[&one]), first);

    // A list of the older layout is one key: 0x81 is an array of one, 0x58 0x20 begins 32 bytes.
    let older = [&b"\x81\x58\x20"[..], &[0; 32]].concat();
    fs::write(&list, &older).unwrap();
    let output =
        configure(folder.path(), &["--key", ARN, "--deployer", &one, "--deployers-to", list.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("[older-deployers]") && error.contains("older layout"), "{error}");
    assert_eq!((fs::read(&list).unwrap(), fs::read(folder.path().join("c.cbor")).unwrap()), (older, first.1));
}

#[test]
fn writes_nothing_that_an_enclave_would_reject() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 6] = [
        &["--key", "arn:aws:kms:eu-central-1:111122223333:alias/x"],
        &["--key", ARN, "--limit-run", "60001"],
        &["--key", ARN, "--limit-memory", "0"],
        &["--key", ARN, "--limit-output", "67108865"],
        &["--key", ARN, "--deployer", "abc", "--deployers-to", "list"],
        &["--key", ARN, "--deployers-to", "list"],
    ];
    for arguments in cases {
        let output = configure(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("Error: "), "{arguments:?}");
        assert!(!folder.path().join("c.cbor").exists());
    }
}

/// Runs `configure` in this folder.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
    command.current_dir(folder).args(["configure", "--key", ARN]).args(arguments).output().unwrap()
}

#[test]
fn replaces_a_configuration_only_with_force_and_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("c"), b"another").unwrap();
    fs::set_permissions(path("c"), fs::Permissions::from_mode(0o400)).unwrap();
    let key = "a".repeat(52);
    let output = run(folder.path(), &["--to", "c", "--deployer", &key, "--deployers-to", "list"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--force") && error.contains("[configuration-exists]"), "{error}");
    assert_eq!(fs::read(path("c")).unwrap(), b"another");
    // Neither output is written if one is refused.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(run(folder.path(), &["--to", "c", "--force"]).status.success());
    assert!(Configuration::parse(&fs::read(path("c")).unwrap()).is_ok());
    assert_eq!(fs::metadata(path("c")).unwrap().mode() & 0o7777, 0o400);
}

#[test]
fn follows_no_link_in_place_of_a_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("victim"), b"kept").unwrap();
    symlink("victim", path("c.new")).unwrap();
    symlink("c", path("link")).unwrap();
    assert!(run(folder.path(), &["--to", "c.cbor"]).status.success());
    assert_eq!(fs::read(path("victim")).unwrap(), b"kept");
    // A link to a configuration stays a link, and one to nothing is an error.
    assert!(!run(folder.path(), &["--to", "link"]).status.success());
    fs::rename(path("c.cbor"), path("c")).unwrap();
    assert!(run(folder.path(), &["--to", "link", "--force", "--limit-run", "7"]).status.success());
    assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
    assert_eq!(Configuration::parse(&fs::read(path("c")).unwrap()).unwrap().limits.run, 7);
}

#[test]
fn writes_into_standard_output_and_into_fifos() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--to", "-"]);
    assert!(output.status.success());
    assert!(Configuration::parse(&output.stdout).is_ok());
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("PCR16 "));
    let forced = run(folder.path(), &["--to", "-", "--force"]);
    assert!(forced.stdout.is_empty() && forced.status.code() == Some(2));
    assert!(String::from_utf8(forced.stderr).unwrap().contains("--force has no effect"));
    let key = "a".repeat(52);
    let both = run(folder.path(), &["--to", "-", "--deployer", &key, "--deployers-to", "-"]);
    assert!(String::from_utf8(both.stderr).unwrap().contains("[two-outputs]"));
    assert!(both.stdout.is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let read = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    assert!(run(folder.path(), &["--to", "fifo"]).status.success());
    assert!(Configuration::parse(&read.join().unwrap()).is_ok());
    assert!(!fs::symlink_metadata(&fifo).unwrap().is_file());
}

#[test]
fn prints_the_pcr_as_json_unless_a_file_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run(folder.path(), &["--to", "c"]);
    let json = run(folder.path(), &["--to", "c", "--force", "-o", "json"]);
    let object = capelet_json_schema::object(&json.stdout);
    let pcr16 = object["pcr16"].as_str().unwrap();
    assert_eq!(String::from_utf8(plain.stdout).unwrap(), format!("PCR16 ➜  {pcr16}\n"));
    let key = "a".repeat(52);
    for words in [&["--to", "-"][..], &["--to", "d", "--deployer", &key, "--deployers-to", "-"]] {
        let refused = run(folder.path(), &[words, &["-o", "json"]].concat());
        assert_eq!(refused.status.code(), Some(2));
        let object = capelet_json_schema::object(&refused.stdout);
        assert_eq!(object["error"]["code"], "configure-arguments");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn fails_if_the_pcr_cannot_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).args(["-c", "exec \"$@\" >&-", "sh", env!("CARGO_BIN_EXE_capelet-parent")]);
    let output = command.args(["configure", "--key", ARN, "--to", "c"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("standard output is closed") && error.contains("[output]"), "{error}");
}
