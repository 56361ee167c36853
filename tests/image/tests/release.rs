//! The release, booted and used: its PCRs are those that were computed, and a client takes it and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::Person;
use capelet_image::eif::{extended, extended_by};
use capelet_image::{Enclave, NOWHERE, configure, development, measured, output, release};
use std::fs;
use std::process::Command;

const KEY: [&str; 2] = ["--key", NOWHERE];

#[test]
fn pcrs_are_those_that_were_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Signed, so that there is a PCR8; by a role and an instance of its own.
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384", "-nodes"]);
    output(openssl.args(["-subj", "/CN=signer", "-days", "2", "-keyout", &path("key"), "-out", &path("certificate")]));
    let certificate = eif_build::certificate::Certificate::from_pem(&fs::read(path("certificate")).unwrap()).unwrap();
    let file = fs::read(release().join("capelet.eif")).unwrap();
    let image = eif_build::Image::parse(&file).unwrap();
    let signed = eif_build::sign::sign(&image, &fs::read(path("key")).unwrap(), certificate.clone()).unwrap();
    fs::write(path("signed.eif"), &signed).unwrap();
    let measurements = eif_build::report::measurements(&eif_build::measure(&signed).unwrap());
    fs::write(path("measurements.json"), measurements.to_string()).unwrap();

    let (role, instance) = ("arn:aws:iam::444455556666:role/another", "i-0fedcba9876543210");
    let environment = [("ROLE", role), ("INSTANCE", instance)];
    let enclave = Enclave::start(path("signed.eif").as_ref(), &KEY, &[], &environment);
    let person = enclave.pinned(path("measurements.json").as_ref());
    let found = person.json(&["attest", "-u", &enclave.parent.url])["pcrs"].clone();
    for index in ["0", "1", "2", "8"] {
        assert_eq!(found[format!("PCR{index}")], measurements["pcrs"][format!("PCR{index}")], "PCR{index}");
    }
    // What is signed is the release: no other PCR tells.
    for index in ["0", "1", "2"] {
        assert_eq!(found[format!("PCR{index}")], measured(&release())[format!("PCR{index}")]);
    }
    assert_eq!(found["PCR3"], extended_by(role.as_bytes()));
    assert_eq!(found["PCR4"], extended_by(instance.as_bytes()));
    assert_eq!(found["PCR8"], extended(certificate.der()));
    assert_eq!(found["PCR16"], configure(&folder.path().join("again"), &KEY));
}

#[test]
fn a_client_takes_the_release_and_nothing_else() {
    let enclave = Enclave::start(&release().join("capelet.eif"), &KEY, &[], &[]);
    let url = &enclave.parent.url;
    let measurements = release().join("measurements.json");
    let person = enclave.pinned(&measurements);
    let attested = person.json(&["attest", "-u", url]);
    assert_eq!(attested["development"], true, "a root that QEMU signs under is nobody's");
    assert_eq!(attested["pcrs"]["PCR0"], measured(&release())["PCR0"]);

    let other = |name: &str| Person::new(&enclave.folder.path().join(name));
    assert_eq!(other("nothing").code(&["attest", "-u", url]), "no-pins");
    let root = enclave.machine.root();
    let wrong = other("wrong");
    let another = development().join("measurements.json");
    wrong.ok(&["pin", url, "--measurements", another.to_str().unwrap(), "--root", root.to_str().unwrap()]);
    assert_eq!(wrong.code(&["attest", "-u", url]), "pcr-mismatch");
    let bit = format!("0:{}", measured(&release())["PCR0"].as_str().unwrap());
    let flipped = bit.replace(&bit[2..3], if &bit[2..3] == "0" { "1" } else { "0" });
    wrong.ok(&["pin", url, "-p", &flipped, "--root", root.to_str().unwrap(), "--replace"]);
    assert_eq!(wrong.code(&["attest", "-u", url]), "pcr-mismatch");
    // The right image, under Amazon's root: QEMU is not Amazon.
    let strict = other("strict");
    strict.ok(&["pin", url, "--measurements", measurements.to_str().unwrap()]);
    assert_eq!(strict.code(&["attest", "-u", url]), "untrusted-root");
}

#[test]
fn another_configuration_is_another_pcr16_and_the_same_pcr0() {
    let mut seen = Vec::new();
    for words in [&[&KEY[..], &["--run", "1000"]].concat(), &[&KEY[..], &["--run", "1001"]].concat()] {
        let enclave = Enclave::start(&release().join("capelet.eif"), words, &[], &[]);
        let person = enclave.pinned(&release().join("measurements.json"));
        let attested = person.json(&["attest", "-u", &enclave.parent.url]);
        assert_eq!(attested["pcrs"]["PCR16"], configure(&enclave.folder.path().join("again"), words));
        assert_eq!(attested["limits"]["run"], words[3].parse::<u64>().unwrap());
        seen.push(attested["pcrs"].clone());
    }
    assert_eq!(seen[0]["PCR0"], seen[1]["PCR0"]);
    assert_ne!(seen[0]["PCR16"], seen[1]["PCR16"]);
}

/// The strings by which a development core is known. (`Development` alone is a name that both know: what a client calls
/// a root that is not Amazon's.)
const MARKS: [&[u8]; 4] = [b"capelet-core-dev", b"--kms-root", b"--nsm", b": DEVELOPMENT"];

#[test]
fn the_release_holds_nothing_of_development() {
    let ramdisk = |folder: std::path::PathBuf| fs::read(folder.join("parts/ramdisk")).unwrap();
    let holds = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    let (release_bytes, development_bytes) = (ramdisk(release()), ramdisk(development()));
    let kms = fs::read(capelet_image::named("CAPELET_KMS").join("kms-root.der")).unwrap();
    for mark in MARKS.into_iter().chain([&kms[..]]) {
        assert!(holds(&development_bytes, mark), "the control holds no {}", String::from_utf8_lossy(mark));
        assert!(!holds(&release_bytes, mark), "{}", String::from_utf8_lossy(mark));
    }
    // Amazon's roots the other way round.
    let amazon = fs::read(capelet_image::checkout("init/core/src/roots/amazon-root-ca-1.der")).unwrap();
    assert!(holds(&release_bytes, &amazon) && !holds(&development_bytes, &amazon));
    for program in ["pid1", "core", "worker"] {
        let tree = fs::read_to_string(release().join(format!("parts/capelet-{program}.tree"))).unwrap();
        assert!(!tree.contains("-dev"), "{tree}");
    }
}
