//! The release, booted and used: it has the computed PCRs, and a client accepts no other image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::Person;
use capelet_image::eif::{extended, extended_by};
use capelet_image::{Enclave, NOWHERE, configure, development, measured, output, release};
use std::fs;
use std::process::Command;

const KEY: [&str; 2] = ["--key", NOWHERE];

#[test]
fn a_booted_image_has_the_computed_pcrs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // The image is signed, so that it has a PCR8. Role and instance differ from the defaults.
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384", "-nodes"]);
    output(openssl.args(["-subj", "/CN=signer", "-days", "2", "-keyout", &path("key"), "-out", &path("certificate")]));
    let certificate = eif_build::Certificate::from_pem(&fs::read(path("certificate")).unwrap()).unwrap();
    let file = fs::read(release().join("capelet.eif")).unwrap();
    let image = eif_build::Image::parse(&file).unwrap();
    let key = fs::read(path("key")).unwrap();
    let signed = eif_build::sign(&image, &key, certificate.clone(), certificate.not_before()).unwrap();
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
    // The signature changes no PCR of the release other than PCR8.
    for index in ["0", "1", "2"] {
        assert_eq!(found[format!("PCR{index}")], measured(&release())[format!("PCR{index}")]);
    }
    assert_eq!(found["PCR3"], extended_by(role.as_bytes()));
    assert_eq!(found["PCR4"], extended_by(instance.as_bytes()));
    assert_eq!(found["PCR8"], extended(certificate.der()));
    assert_eq!(found["PCR16"], configure(&folder.path().join("again"), &KEY));
}

#[test]
fn a_client_accepts_the_pinned_image_and_root_only() {
    let enclave = Enclave::start(&release().join("capelet.eif"), &KEY, &[], &[]);
    let url = &enclave.parent.url;
    let measurements = release().join("measurements.json");
    let person = enclave.pinned(&measurements);
    let attested = person.json(&["attest", "-u", url]);
    assert_eq!(attested["development"], true, "QEMU signs under a development root");
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
    wrong.ok(&["pin", url, "-p", &flipped, "--root", root.to_str().unwrap(), "--replace", "--yes"]);
    assert_eq!(wrong.code(&["attest", "-u", url]), "pcr-mismatch");
    // The image is right, but QEMU does not sign under Amazon's root.
    let strict = other("strict");
    strict.ok(&["pin", url, "--measurements", measurements.to_str().unwrap()]);
    assert_eq!(strict.code(&["attest", "-u", url]), "untrusted-root");
}

#[test]
fn another_configuration_changes_pcr16_but_not_pcr0() {
    let mut seen = Vec::new();
    for words in [&[&KEY[..], &["--limit-run", "1000"]].concat(), &[&KEY[..], &["--limit-run", "1001"]].concat()] {
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

/// Strings that only a development core holds. The word `Development` alone does not qualify: the release also has it,
/// as the name for a root that is not Amazon's.
const MARKS: [&[u8]; 4] = [b"capelet-core-dev", b"--kms-root", b"--nsm", b": DEVELOPMENT"];

#[test]
fn the_release_holds_nothing_of_the_development_core() {
    let ramdisk = |folder: std::path::PathBuf| fs::read(folder.join("parts/ramdisk")).unwrap();
    let holds = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    let (release_bytes, development_bytes) = (ramdisk(release()), ramdisk(development()));
    let kms = fs::read(capelet_image::named("CAPELET_KMS").join("kms-root.der")).unwrap();
    for mark in MARKS.into_iter().chain([&kms[..]]) {
        assert!(holds(&development_bytes, mark), "the development image must hold {}", String::from_utf8_lossy(mark));
        assert!(!holds(&release_bytes, mark), "{}", String::from_utf8_lossy(mark));
    }
    // Only the release holds Amazon's roots.
    let amazon = fs::read(capelet_image::checkout("init/core/src/roots/amazon-root-ca-1.der")).unwrap();
    assert!(holds(&release_bytes, &amazon) && !holds(&development_bytes, &amazon));
    for program in ["pid1", "core", "worker"] {
        let tree = fs::read_to_string(release().join(format!("parts/capelet-{program}.tree"))).unwrap();
        assert!(!tree.contains("-dev"), "{tree}");
    }
}
