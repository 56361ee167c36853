//! `capelet-parent configure`, through the built binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::encoding::hex;
use enclave_core::{Configuration, Deployers, Limits, OwnerKey, pcr16};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/5ee31b4b-23d4-4d0f-a2fb-58f714cf8f48";

fn configure(folder: &Path, arguments: &[&str]) -> Output {
    let to = folder.join("c.cbor");
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
    command.arg("configure").args(arguments).arg("--to").arg(to).output().unwrap()
}

#[test]
fn writes_a_configuration_that_an_enclave_reads() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("d.cbor");
    let key = "a".repeat(52);
    let arguments = ["--key", ARN, "--run", "1000", "--deployer", &key, "--deployers-to", list.to_str().unwrap()];
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
        assert_eq!(output.status.code(), Some(1));
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
        let mut arguments = vec!["--key", ARN, "--deployers-to", list.to_str().unwrap()];
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
    assert!(error.contains("(older-deployers)") && error.contains("older layout"), "{error}");
    assert_eq!((fs::read(&list).unwrap(), fs::read(folder.path().join("c.cbor")).unwrap()), (older, first.1));
}

#[test]
fn writes_nothing_that_an_enclave_would_reject() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 6] = [
        &["--key", "arn:aws:kms:eu-central-1:111122223333:alias/x"],
        &["--key", ARN, "--run", "60001"],
        &["--key", ARN, "--memory", "0"],
        &["--key", ARN, "--output", "67108865"],
        &["--key", ARN, "--deployer", "abc", "--deployers-to", "/dev/null"],
        &["--key", ARN, "--deployers-to", "/dev/null"],
    ];
    for arguments in cases {
        let output = configure(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("Error: "), "{arguments:?}");
        assert!(!folder.path().join("c.cbor").exists());
    }
}
