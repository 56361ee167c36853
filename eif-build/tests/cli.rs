//! The program: every command, every kind of bad input, and no partly written file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use capelet_json_schema::object;
use common::*;
use rcgen::PKCS_ECDSA_P384_SHA384;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The working folder of one test, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        place.put("kernel", &kernel(3));
        place.put("init", b"\x7fELF");
        place.put("list", b"# the ramdisk\n\ndir /dev 0755 0 0\nnod /dev/console 0600 0 0 c 5 1\nfile /init init 0755 0 0\nslink /bin /dev 0777 0 0\n");
        place
    }

    fn with_image() -> Self {
        let place = Self::new();
        place.ok(&["cpio", "--list", "list", "--to", "archive"]);
        place.ok(&["build", "--kernel", "kernel", "--command-line", LINE, "--ramdisk", "archive", "--to", "image.eif"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_eif-build")).args(args).current_dir(self.0.path()).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let object = object(self.ok(&[args, &["-o", "json"]].concat()).as_bytes());
        assert_eq!(object["command"], format!("eif-build {}", args[0]));
        object
    }

    /// Runs a command that must fail, and returns the error code. The exit status is 2 for a usage error and otherwise 1.
    /// Standard error has one line, and for an invalid command line two lines with its usage. Standard output has only
    /// the requested JSON. The folder does not change.
    fn refused(&self, args: &[&str]) -> String {
        let before = self.names();
        let plain = self.run(args);
        let json = self.run(&[args, &["-o", "json"]].concat());
        assert!(plain.stdout.is_empty());
        let text = String::from_utf8(plain.stderr).unwrap();
        assert!(text.starts_with("Error: "), "{text}");
        assert_eq!(self.names(), before);
        let error = object(&json.stdout);
        let code = error["error"]["code"].as_str().unwrap().to_owned();
        let status = Some(if code == "usage" { 2 } else { 1 });
        assert_eq!((plain.status.code(), json.status.code()), (status, status), "{args:?}");
        let (line, usage) = text.split_once('\n').unwrap();
        assert!(line.ends_with(&format!(" [{code}]")), "{text}");
        let is_usage = usage.starts_with("Usage: eif-build ") && usage.lines().count() == 2;
        assert!(usage.is_empty() || (code == "usage" && is_usage), "{text}");
        code
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(self.0.path()).output().expect("openssl");
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn builds_the_same_bytes_in_every_folder() {
    let (here, there) = (Place::with_image(), Place::with_image());
    assert_eq!(here.get("image.eif"), there.get("image.eif"));
    assert_eq!(here.get("archive"), there.get("archive"));
    assert_eq!(here.names(), ["archive", "image.eif", "init", "kernel", "list"]);
}

#[test]
fn prints_measurements_and_descriptions_as_json_and_text() {
    let place = Place::with_image();
    let file = place.get("image.eif");
    let expected = eif_build::measure(&file).unwrap();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let measured = place.json(&["measure", "image.eif"]);
    assert_eq!(measured["pcrs"]["PCR0"], hex(&expected.pcr0));
    assert_eq!(measured["pcrs"].as_object().unwrap().len(), 3);
    assert_eq!(measured["file"]["sha256"], hex(&Sha256::digest(&file)));
    assert_eq!(measured["file"]["size"], file.len());
    assert_eq!(measured["sections"]["kernel"]["sha256"], hex(&Sha256::digest(place.get("kernel"))));
    assert_eq!(measured["sections"]["cmdline"]["size"], LINE.len());
    let ramdisk = eif_build::gzip::compress(&place.get("archive"));
    assert_eq!(measured["sections"]["ramdisk"]["sha256"], hex(&Sha256::digest(ramdisk)));
    assert!(place.ok(&["measure", "image.eif"]).contains(&format!("PCR0  {}\n", hex(&expected.pcr0))));

    let described = place.json(&["describe", "image.eif"]);
    assert_eq!(described["command_line"], LINE);
    assert_eq!(described["archive"]["sha256"], hex(&Sha256::digest(place.get("archive"))));
    assert_eq!(described["signature"], Value::Null);
    assert_eq!(described["entries"][2]["path"], "dev/console");
    assert_eq!(described["entries"][2]["device"], serde_json::json!([5, 1]));
    assert_eq!(described["entries"][3]["content"]["sha256"], hex(&Sha256::digest(place.get("init"))));
    let text = place.ok(&["describe", "image.eif"]);
    assert!(text.contains("c0600     0     0  /dev/console  device 5:1\n"), "{text}");
    assert!(text.contains("l0777     0     0  /bin -> /dev\n"), "{text}");
    assert!(text.contains(&format!("command line: {LINE}\n")));
    let archive = place.get("archive");
    let line = format!("archive   {:>10}  {}\n", archive.len(), hex(&Sha256::digest(&archive)));
    assert!(text.contains(&line), "{text}");
}

#[test]
fn prints_the_measurements_of_a_release_and_refuses_invalid_lists() {
    let place = Place::with_image();
    let hash = "ab".repeat(32);
    place.put(
        "inputs",
        format!("# inputs\nlinux-source-6.12 6.12.117-1~deb12u1 {hash}\n\nrustc 1.95.0 {hash}\n").as_bytes(),
    );
    let text = place.ok(&["measurements", "image.eif", "--inputs", "inputs"]);
    let release: Value = serde_json::from_str(&text).unwrap();
    // The file has its own format, also with -o json.
    assert_eq!(text, place.ok(&["measurements", "image.eif", "--inputs", "inputs", "-o", "json"]));
    let plain = place.run(&["measurements", "image.eif", "--inputs", "inputs", "-o", "plain"]);
    assert_eq!(plain.status.code(), Some(2));
    assert!(String::from_utf8(plain.stderr).unwrap().contains(" [usage]\n"), "an option that has no effect");
    let mut measured = place.json(&["measure", "image.eif"]);
    let expected = serde_json::json!([
        {"name": "linux-source-6.12", "version": "6.12.117-1~deb12u1", "sha256": hash},
        {"name": "rustc", "version": "1.95.0", "sha256": hash},
    ]);
    measured["inputs"] = expected;
    let measured = measured.as_object_mut().unwrap();
    for member in ["format", "command", "development"] {
        assert!(measured.remove(member).is_some(), "{member}");
    }
    assert_eq!(release.as_object().unwrap(), measured);
    for wrong in [
        "a 1 ab".to_owned(),
        format!("a 1 {hash} more"),
        format!("a {hash}"),
        format!("a 1 {}", hash.to_uppercase()),
        format!("a 1 {hash}\na 1 {hash}"),
        format!("a\u{9b}31m 1 {hash}"),
    ] {
        place.put("wrong", wrong.as_bytes());
        assert_eq!(place.refused(&["measurements", "image.eif", "--inputs", "wrong"]), "list-line", "{wrong}");
    }
}

#[test]
fn signs_with_a_key_file_and_verifies() {
    let place = Place::with_image();
    let (key, certificate) = signer(&PKCS_ECDSA_P384_SHA384);
    place.put("key.pem", key.as_bytes());
    place.put("certificate.pem", certificate.as_bytes());
    let then = THEN.to_string();
    let arguments = ["sign", "image.eif", "--key", "key.pem", "--certificate", "certificate.pem", "--to", "signed.eif"];
    // Without --at the time is now, and the certificate expired with 2025.
    assert_eq!(place.refused(&arguments), "certificate-expired");
    place.ok(&[&arguments[..], &["--at", &then]].concat());
    let verify = ["verify", "signed.eif", "--certificate", "certificate.pem", "--at", &then];
    let measured = place.json(&verify);
    assert_eq!(measured["pcrs"].as_object().unwrap().len(), 4);
    assert_eq!(measured["pcrs"]["PCR0"], place.json(&["measure", "image.eif"])["pcrs"]["PCR0"]);
    assert!(
        place.ok(&["describe", "signed.eif"]).contains("valid from 2025-01-01T00:00:00Z until 2026-01-01T00:00:00Z")
    );
    assert_eq!(place.refused(&verify[..4]), "certificate-expired");
    assert_eq!(place.refused(&["verify", "image.eif", "--certificate", "certificate.pem"]), "not-signed");
    let (other_key, other) = signer(&PKCS_ECDSA_P384_SHA384);
    place.put("other.pem", other.as_bytes());
    place.put("other-key.pem", other_key.as_bytes());
    assert_eq!(place.refused(&["verify", "signed.eif", "--certificate", "other.pem"]), "other-certificate");
    assert_eq!(place.refused(&["verify", "signed.eif", "--certificate", "key.pem"]), "bad-certificate");
    let sign = |key, certificate| {
        place.refused(&[
            "sign",
            "image.eif",
            "--key",
            key,
            "--certificate",
            certificate,
            "--to",
            "x.eif",
            "--at",
            &then,
        ])
    };
    assert_eq!(sign("other-key.pem", "certificate.pem"), "key-mismatch");
    assert_eq!(sign("list", "certificate.pem"), "bad-key");
    assert_eq!(sign("absent", "certificate.pem"), "io");
}

/// OpenSSL makes key, certificate and signature. The program never sees the key.
#[test]
fn attaches_a_signature_of_an_external_key() {
    let place = Place::with_image();
    place.openssl(&["ecparam", "-name", "secp384r1", "-genkey", "-out", "key.pem"]);
    place.openssl(&[
        "req",
        "-new",
        "-x509",
        "-key",
        "key.pem",
        "-sha384",
        "-days",
        "1",
        "-subj",
        "/CN=signer",
        "-out",
        "certificate.pem",
    ]);
    place.ok(&["measure", "image.eif", "--to-be-signed", "tbs"]);
    place.openssl(&["dgst", "-sha384", "-sign", "key.pem", "-out", "signature.der", "tbs"]);
    let attach = |signature, certificate| {
        ["attach", "image.eif", "--signature", signature, "--certificate", certificate, "--to", "signed.eif"]
    };
    place.ok(&attach("signature.der", "certificate.pem"));
    place.ok(&["verify", "signed.eif", "--certificate", "certificate.pem"]);
    // The same key, which OpenSSL writes as SEC 1, also signs in one step.
    place.ok(&["sign", "image.eif", "--key", "key.pem", "--certificate", "certificate.pem", "--to", "one-step.eif"]);
    place.ok(&["verify", "one-step.eif", "--certificate", "certificate.pem"]);

    place.openssl(&["dgst", "-sha256", "-sign", "key.pem", "-out", "sha256.der", "tbs"]);
    place.openssl(&["dgst", "-sha384", "-sign", "key.pem", "-out", "other.der", "kernel"]);
    let before = place.get("signed.eif");
    let valid = attach("signature.der", "certificate.pem");
    assert_eq!(place.refused(&[&valid[..], &["--at", "0"]].concat()), "certificate-not-yet-valid");
    for wrong in ["sha256.der", "other.der", "tbs"] {
        assert_eq!(place.refused(&attach(wrong, "certificate.pem")), "bad-signature", "{wrong}");
    }
    assert_eq!(place.get("signed.eif"), before);
}

#[test]
fn refuses_every_kind_of_bad_image() {
    let place = Place::with_image();
    let good = place.get("image.eif");
    let parts = sections(&good);
    let flipped = |at: usize| {
        let mut file = good.clone();
        file[at] ^= 1;
        file
    };
    let moved = |slot: usize| {
        let mut file = flipped(offset_field(slot) + 7);
        repair_crc(&mut file);
        file
    };
    let with = |change: &dyn Fn(&mut Sections)| {
        let mut parts = parts.clone();
        change(&mut parts);
        assemble(&parts)
    };
    let mut oversized = good.clone();
    for at in [offset_field(3) + 256, good.len() - parts[3].1.len() - 8] {
        oversized[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
    }
    let boundary = with(&|parts| {
        let last = parts[0].1.pop().unwrap();
        parts[1].1.insert(0, last);
    });
    let table = [
        ("empty", vec![], "not-an-eif"),
        ("truncated header", good[..300].to_vec(), "truncated"),
        ("truncated section", good[..good.len() - 1].to_vec(), "truncated"),
        ("trailing byte", [good.clone(), vec![0]].concat(), "trailing-bytes"),
        ("oversized section", oversized, "section-too-large"),
        ("reordered", with(&|parts| parts.swap(2, 3)), "section-order"),
        ("duplicated", with(&|parts| parts.insert(1, parts[0].clone())), "duplicate-section"),
        ("wrong CRC", flipped(CRC_AT), "wrong-crc"),
        ("changed byte", flipped(good.len() / 2), "wrong-crc"),
        ("wrong offset", moved(0), "wrong-offset"),
        ("wrong offset of the ramdisk", moved(3), "wrong-offset"),
        ("no ramdisk", with(&|parts| parts.truncate(3)), "missing-section"),
        ("ramdisk not compressed", with(&|parts| parts[3].1 = archive()), "gzip-header"),
        ("two ramdisks in one", with(&|parts| parts[3].1.extend(ramdisk())), "gzip-stream"),
        ("two ramdisks", with(&|parts| parts.push(parts[3].clone())), "duplicate-section"),
        ("another's metadata", with(&|parts| parts[2].1 = b"{\"ImageName\":\"x\"}".to_vec()), "metadata-not-canonical"),
        ("boundary moved", boundary, "kernel-length"),
        ("a signature of nothing", with(&|parts| parts.push((SIGNATURE, vec![0x80]))), "signature-malformed"),
    ];
    let (key, certificate) = signer(&PKCS_ECDSA_P384_SHA384);
    place.put("key.pem", key.as_bytes());
    place.put("certificate.pem", certificate.as_bytes());
    place.put("inputs", b"");
    for (name, file, code) in table {
        place.put("bad.eif", &file);
        for command in ["describe", "measure"] {
            assert_eq!(place.refused(&[command, "bad.eif"]), code, "{name}");
        }
        assert_eq!(place.refused(&["measurements", "bad.eif", "--inputs", "inputs"]), code, "{name}");
        assert_eq!(place.refused(&["verify", "bad.eif", "--certificate", "certificate.pem"]), code, "{name}");
        let attach = ["attach", "bad.eif", "--signature", "key.pem", "--certificate", "certificate.pem"];
        assert_eq!(place.refused(&[&attach[..], &["--to", "out.eif"]].concat()), code, "{name}");
        // One command shows the file, and names what all others refuse.
        if file.len() >= HEADER {
            let shown = place.json(&["describe", "--lenient", "bad.eif"]);
            let deviations = shown["deviations"].as_array().unwrap();
            assert!(deviations.iter().any(|deviation| deviation["code"] == code), "{name}: {deviations:?}");
            let text = place.ok(&["describe", "--lenient", "bad.eif"]);
            assert!(text.contains(&format!("\n  {code}: ")), "{text}");
        } else {
            assert_eq!(place.refused(&["describe", "--lenient", "bad.eif"]), code, "{name}");
        }
        assert_eq!(
            place.refused(&["sign", "bad.eif", "--key", "key.pem", "--certificate", "key.pem", "--to", "out.eif"]),
            code,
            "{name}"
        );
    }
    assert_eq!(place.refused(&["measure", "absent.eif"]), "io");
}

/// The words and the texts of the file come from another party.
#[test]
fn shows_foreign_text_escaped() {
    let place = Place::with_image();
    let mut parts = sections(&place.get("image.eif"));
    let hostile = "x\u{1b}[2K\u{9b}31m\u{202e}\nPCR0  00";
    parts[1].1 = hostile.as_bytes().to_vec();
    let metadata =
        serde_json::json!({"ImageName": hostile, "ImageVersion": "1", "BuildMetadata": {}, "\u{9b}": [hostile]});
    parts[2].1 = serde_json::to_vec(&metadata).unwrap();
    place.put("hostile.eif", &assemble(&parts));
    let text = place.ok(&["describe", "--lenient", "hostile.eif"]);
    let json = place.ok(&["describe", "--lenient", "hostile.eif", "-o", "json"]);
    for shown in [&text, &json] {
        assert!(shown.chars().all(|shown| matches!(shown, '\n' | ' '..='~')), "{shown:?}");
        assert_eq!(shown.matches("\nPCR0").count(), usize::from(*shown == text), "{shown}");
    }
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["metadata"], metadata);
    assert_eq!(json["command_line"], "x\\u{1b}[2K\\u{9b}31m\\u{202e}\\nPCR0  00");
}

/// `capelet pin --eif`, `capelet-parent enclave run` and the test programs must take no file that is not strict.
#[test]
fn no_other_program_uses_the_lenient_reader() {
    fn rust_files(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name() != Some("target".as_ref()) {
                rust_files(&path, found);
            } else if path.extension() == Some("rs".as_ref()) {
                found.push(path);
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["host", "dev", "init", "enclave-core", "xtask", "eif-build/src"] {
        rust_files(&root.join(folder), &mut files);
    }
    let users: Vec<_> = files
        .into_iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains("lenient::"))
        .map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(users, ["eif-build/src/main.rs"]);
}

#[test]
fn writes_no_file_from_bad_parts() {
    let place = Place::with_image();
    let build = |kernel, line, ramdisk| {
        place.refused(&["build", "--kernel", kernel, "--command-line", line, "--ramdisk", ramdisk, "--to", "out.eif"])
    };
    assert_eq!(build("init", LINE, "archive"), "not-a-kernel");
    assert_eq!(build("archive", LINE, "archive"), "not-a-kernel");
    assert_eq!(build("kernel", "", "archive"), "empty-section");
    assert_eq!(build("kernel", "a\tb", "archive"), "command-line");
    assert_eq!(build("kernel", LINE, "kernel"), "cpio-not-canonical");
    assert_eq!(build("absent", LINE, "archive"), "io");
    assert_eq!(build("kernel", LINE, "."), "io");
    for (list, code) in [
        ("dir /a 755 0", "list-line"),
        ("pipe /a 755 0 0", "list-line"),
        ("nod /a 600 0 0 b 8 0", "list-line"),
        ("dir a 755 0 0", "list-line"),
        ("dir /a 789 0 0", "list-line"),
        ("dir /a 755 -1 0", "list-line"),
        ("file /a absent 755 0 0", "io"),
        ("dir /a/b 755 0 0", "cpio-path"),
        ("dir /../a 755 0 0", "cpio-path"),
        ("dir /a 755 0 0\ndir /a 755 0 0", "cpio-duplicate"),
        ("file /a init 4755 0 0", "cpio-entry"),
    ] {
        place.put("wrong", list.as_bytes());
        assert_eq!(place.refused(&["cpio", "--list", "wrong", "--to", "out"]), code, "{list}");
    }
}

/// The old file stays until the new one is complete.
#[test]
fn a_failed_write_changes_nothing() {
    let place = Place::with_image();
    let before = place.get("image.eif");
    place.put("init", b"\x7fELF, another");
    place.ok(&["cpio", "--list", "list", "--to", "archive2"]);
    let build = |to: &str| {
        let to = to.to_owned();
        ["build", "--kernel", "kernel", "--command-line", LINE, "--ramdisk", "archive2", "--to"]
            .map(String::from)
            .into_iter()
            .chain([to])
            .collect::<Vec<_>>()
    };
    let refused = |to: &str| place.refused(&build(to).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(refused("absent/out.eif"), "io");
    fs::create_dir(place.path("folder")).unwrap();
    assert_eq!(refused("folder"), "io");

    // With a limit of 1,024 bytes for each file, the write fails in the middle.
    let limited = Command::new("bash")
        .args(["-c", "ulimit -f 1; trap '' XFSZ; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_eif-build")])
        .args(build("image.eif"))
        .current_dir(place.0.path())
        .output()
        .unwrap();
    assert_eq!(limited.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&limited.stderr).starts_with("Error: cannot write image.eif"), "{limited:?}");
    assert_eq!(place.get("image.eif"), before);
    assert_eq!(place.names(), ["archive", "archive2", "folder", "image.eif", "init", "kernel", "list"]);

    place.ok(&build("image.eif").iter().map(String::as_str).collect::<Vec<_>>());
    assert_ne!(place.get("image.eif"), before);
}

#[test]
fn reports_invalid_command_lines_and_prints_help() {
    let place = Place::new();
    for wrong in [&["nonsense"][..], &["measure"], &["build", "--kernel", "kernel"], &["measure", "a", "b"]] {
        assert_eq!(place.refused(wrong), "usage", "{wrong:?}");
    }
    assert_eq!(place.run(&["measure", "a", "-o", "xml"]).status.code(), Some(2));
    let not_text = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
    let output = Command::new(env!("CARGO_BIN_EXE_eif-build"))
        .arg("measure")
        .arg::<&std::ffi::OsStr>(not_text)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(" [usage]\n"));
    assert_eq!(place.ok(&[]), place.ok(&["--help"]));
    for command in ["cpio", "build", "describe", "measure", "measurements", "sign", "attach", "verify"] {
        assert!(place.ok(&["--help"]).contains(command));
        assert!(place.ok(&[command, "--help"]).starts_with("Usage: eif-build"));
    }
}

#[test]
fn a_usage_error_says_what_was_meant_and_shows_the_usage_of_its_command() {
    let place = Place::new();
    for (args, message, usage) in [
        (&["mesure", "a"][..], "unknown command mesure: did you mean measure?", "eif-build"),
        (&["describe", "--lenietn", "a"], "unknown option --lenietn: did you mean --lenient?", "eif-build describe"),
        (&["describe", "a", "--lenient=yes"], "--lenient takes no value: write --lenient alone", "eif-build describe"),
        (&["measure", "a", "b"], "unexpected argument b: the command takes 1 at most", "eif-build measure"),
        (
            &["-o", "json", "measure"],
            "unknown option -o: write it after the command that it belongs to",
            "eif-build measure",
        ),
    ] {
        let output = place.run(args);
        let text = String::from_utf8(output.stderr).unwrap();
        let expected = format!("Error: {message} [usage]\nUsage: {usage} ");
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.ends_with(&format!("\n`{usage} --help` explains the options.\n")), "{text}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn prints_its_version() {
    let place = Place::new();
    for args in [&["--version"][..], &["-V"], &["measure", "--version"]] {
        assert_eq!(place.ok(args), concat!("eif-build ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

/// A value that looks like an option for the format of output must not change the format.
#[test]
fn reads_options_as_gnu_getopt_does() {
    let place = Place::with_image();
    let json = place.ok(&["measure", "image.eif", "-o", "json"]);
    for args in [&["measure", "-ojson", "image.eif"][..], &["measure", "image.eif", "-ojson"]] {
        assert_eq!(place.ok(args), json);
    }
    let described = place.ok(&["describe", "--lenient", "image.eif", "-ojson"]);
    assert!(described.starts_with('{'));
    let build = |line: &str, to: &str| {
        place.run(&["build", "--kernel", "absent", "--command-line", line, "--ramdisk", "archive", "--to", to])
    };
    for (line, to) in [("-ojson", "x"), ("--output=json", "x"), ("-o", "json"), ("measure", "describe")] {
        let output = build(line, to);
        assert_eq!((output.stdout, output.status.code()), (vec![], Some(1)), "{line}");
    }
}

#[test]
fn refuses_repeated_options_and_splits_at_the_equals_sign() {
    let place = Place::with_image();
    let measured = place.ok(&["measure", "image.eif"]);
    assert_eq!(place.ok(&["measure", "image.eif", "--to-be-signed=a=b", "--output=plain"]), measured);
    assert!(place.path("a=b").exists());
    let twice = place.run(&["measure", "image.eif", "--output=json", "-o", "plain"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stdout).contains("\"usage\""), "{twice:?}");
    for repeated in ["--to-be-signed", "--image"] {
        assert_eq!(place.refused(&["measure", "image.eif", repeated, "x", repeated, "y"]), "usage");
    }
}

#[test]
fn the_word_help_is_data() {
    let place = Place::with_image();
    place.ok(&["build", "--kernel", "kernel", "--command-line", "help", "--ramdisk", "archive", "--to", "help"]);
    assert!(place.ok(&["describe", "help"]).contains("command line: help\n"));
    assert!(place.ok(&["help", "describe"]).starts_with("Usage: eif-build describe"));
}

/// An input is never lost, and a stream never has two contents.
#[test]
fn refuses_outputs_and_inputs_that_exclude_each_other() {
    let place = Place::with_image();
    let (key, certificate) = signer(&PKCS_ECDSA_P384_SHA384);
    place.put("key.pem", key.as_bytes());
    place.put("certificate.pem", certificate.as_bytes());
    std::os::unix::fs::symlink("key.pem", place.path("link")).unwrap();
    let then = THEN.to_string();
    let sign = |to: &'static str| {
        ["sign", "image.eif", "--key", "key.pem", "--certificate", "certificate.pem", "--at", &then, "--to", to]
            .map(str::to_owned)
    };
    let refused = |args: &[String]| place.refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    for to in ["key.pem", "./key.pem", "link", "certificate.pem"] {
        assert_eq!(refused(&sign(to)), "usage", "{to}");
    }
    assert_eq!(place.get("key.pem"), key.as_bytes());
    assert_eq!(place.refused(&["measure", "image.eif", "--to-be-signed", "image.eif"]), "usage");
    assert_eq!(place.refused(&["cpio", "--list", "list", "--to", "list"]), "usage");
    // A file that only the list names is an input too.
    fs::hard_link(place.path("init"), place.path("init-too")).unwrap();
    for to in ["init", "./init", "init-too"] {
        assert_eq!(place.refused(&["cpio", "--list", "list", "--to", to]), "usage", "{to}");
    }
    assert_eq!(place.get("init"), b"\x7fELF");
    assert_eq!(place.refused(&["verify", "-", "--certificate", "-"]), "usage");
    let both = place.run(&["measure", "image.eif", "--to-be-signed", "-", "-o", "json"]);
    assert!(String::from_utf8_lossy(&both.stderr).contains(" [usage]\nUsage: eif-build measure "));
    // An image may be signed in place.
    place.ok(&sign("image.eif").each_ref().map(String::as_str));
    place.ok(&["verify", "image.eif", "--certificate", "certificate.pem", "--at", &then]);
}

#[test]
fn writes_to_standard_output_links_and_fifos_and_keeps_modes() {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
    let place = Place::with_image();
    let report = place.ok(&["measure", "image.eif", "--to-be-signed", "tbs"]);
    let expected = place.get("tbs");
    let to = |path: &str| place.run(&["measure", "image.eif", "--to-be-signed", path]);

    let output = to("-");
    assert!(output.status.success());
    assert_eq!((output.stdout, output.stderr), (expected.clone(), report.into_bytes()));
    assert!(!place.path("-").exists());

    fs::set_permissions(place.path("tbs"), fs::Permissions::from_mode(0o400)).unwrap();
    symlink("tbs", place.path("link")).unwrap();
    assert!(to("link").status.success());
    assert!(fs::symlink_metadata(place.path("link")).unwrap().is_symlink());
    assert_eq!(fs::metadata(place.path("tbs")).unwrap().permissions().mode() & 0o777, 0o400);

    let fifo = place.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    assert!(to("fifo").status.success());
    assert_eq!(reader.join().unwrap(), expected);
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn reads_standard_input_for_a_dash() {
    use std::process::Stdio;
    let place = Place::with_image();
    let piped = |args: &[&str], name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eif-build"));
        command.args(args).current_dir(place.0.path()).stdin(Stdio::from(fs::File::open(place.path(name)).unwrap()));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let measured = place.ok(&["measure", "image.eif"]).into_bytes();
    assert_eq!(piped(&["measure", "-"], "image.eif"), measured);
    assert_eq!(piped(&["cpio", "--list", "-", "--to", "-"], "list"), place.get("archive"));
}

/// A stream that is closed or whose reader is gone never ends the process by a signal.
#[test]
fn reports_streams_that_cannot_be_written() {
    let place = Place::with_image();
    let program = env!("CARGO_BIN_EXE_eif-build");
    let shell = |redirections: &str, args: &[&str]| {
        let script = format!("exec \"$@\" {redirections}");
        let mut command = Command::new("bash");
        command.args(["-c", &script, "bash", program]).args(args).current_dir(place.0.path()).output().unwrap()
    };
    let build = ["build", "--kernel", "kernel", "--command-line", "x", "--ramdisk", "archive", "--to", "new.eif"];
    let closed = shell(">&-", &build);
    assert_eq!(closed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&closed.stderr).starts_with("Error: cannot write to standard output: "));
    assert!(!place.path("new.eif").exists());
    for (redirection, args, name) in [
        (">&-", &["--help"][..], "write to standard output"),
        (">&-", &["-V"], "write to standard output"),
        ("<&-", &["measure", "-"], "read standard input"),
    ] {
        let output = shell(redirection, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("Error: cannot {name}: it is closed")), "{text}");
    }
    assert_eq!(shell("2>&-", &["measure", "absent"]).status.code(), Some(1));
    assert_eq!(shell("2>&-", &["measure", "image.eif"]).status.code(), Some(0));

    let without_reader = || std::io::pipe().unwrap().1;
    let run = |args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(place.0.path()).stdout(without_reader()).stderr(without_reader());
        command.status().unwrap().code()
    };
    assert_eq!(run(&["measure", "image.eif"]), Some(1));
    assert_eq!(run(&["measure", "absent", "-o", "json"]), Some(1));
    assert_eq!(run(&["measure", "--help"]), Some(1));
}

#[test]
fn says_in_plain_words_why_a_file_cannot_be_used() {
    let place = Place::with_image();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_eif-build"));
    let output = command.args(["measure", "image.eif"]).current_dir(place.0.path()).stdout(full()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("the disk is full"), "{output:?}");
    for (name, words) in [
        ("absent", "it does not exist; check the path"),
        (".", "it is a folder"),
        ("init/below", "a part of its path is not a folder"),
    ] {
        let output = place.run(&["measure", name]);
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
}

/// A file name could otherwise command the terminal, or pretend to be another line of this program.
#[test]
fn escapes_names_where_they_are_printed() {
    let place = Place::with_image();
    for name in ["a\u{9b}31m", "a\u{1b}[2K", "a\nPCR0  00", "a\u{202e}fie"] {
        for args in [&["measure", name][..], &["measure", "image.eif", name], &["measure", name, "-o", "json"]] {
            let output = place.run(args);
            let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
            assert!(text.chars().all(|shown| shown == '\n' || matches!(shown, ' '..='~')), "{text:?}");
            assert!(!text.contains("\nPCR0"), "{text:?}");
        }
    }
}
