//! Compares `eif-build` with AWS's `aws-nitro-enclaves-image-format`, GNU cpio and GNU gzip.
//!
//! `oracle-eif EIF-BUILD FOLDER`: the first argument is the program. The second is the working folder, which holds a
//! file `kernel`.

mod aws;

use std::fs;
use std::process::{Command, Output};

use aws::{Pcrs, Signer, build, metadata, read};
use serde_json::Value;

const LINE: &str = "reboot=k panic=30 pci=off nomodules console=ttyS0";
const LIST: &str =
    "dir /dev 0755 0 0\nnod /dev/console 0600 0 0 c 5 1\nfile /init init 0500 0 7\nslink /bin /dev 0777 0 0\n";
const SIGNER: Signer = Signer { key: "key.pem", certificate: "certificate.pem" };

fn main() {
    let args: Vec<_> = std::env::args().collect();
    let [_, eif_build, folder] = args.as_slice() else { panic!("usage: oracle-eif EIF-BUILD FOLDER") };
    std::env::set_current_dir(folder).expect("folder");
    let ours = Ours { path: eif_build.clone() };
    prepare(&ours);
    cpio();
    gzip(&ours);
    unsigned(&ours);
    signed(&ours);
    signed_in_three_steps(&ours);
    other_compressors(&ours);
    refused_here(&ours);
    lenient(&ours);
}

/// The program `eif-build`.
struct Ours {
    path: String,
}

impl Ours {
    fn run(&self, args: &[&str]) -> Output {
        Command::new(&self.path).args(args).output().expect("eif-build")
    }

    fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn pcrs(&self, args: &[&str]) -> Pcrs {
        let printed: Value = serde_json::from_slice(&self.ok(&[args, &["-o", "json"]].concat()).stdout).expect("JSON");
        serde_json::from_value(printed["pcrs"].clone()).expect("PCRs")
    }

    /// What `describe --lenient` shows of an image, and its PCRs, which must be those that AWS's tools compute.
    fn lenient(&self, image: &str, expected: &Pcrs) -> Value {
        let printed = self.ok(&["describe", "--lenient", image, "-o", "json"]).stdout;
        let printed: Value = serde_json::from_slice(&printed).expect("JSON");
        let pcrs: Pcrs = serde_json::from_value(printed["pcrs"].clone()).expect("PCRs");
        assert_eq!(&pcrs, expected, "{image}");
        assert_eq!(printed["not_as_aws_tools"], Value::Null, "{image}");
        printed
    }

    fn code(&self, args: &[&str]) -> String {
        let output = self.run(&[args, &["-o", "json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        printed["error"]["code"].as_str().expect("code").into()
    }
}

fn tool(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).env("TZ", "UTC").env("LC_ALL", "C").output().expect(program);
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn prepare(ours: &Ours) {
    fs::write("init", "\x7fELF, or nearly").expect("write");
    fs::write("list", LIST).expect("write");
    ours.ok(&["cpio", "--list", "list", "--to", "archive"]);
    ours.ok(&["build", "--kernel", "kernel", "--command-line", LINE, "--ramdisk", "archive", "--to", "ours.eif"]);
    tool("openssl", &["ecparam", "-name", "secp384r1", "-genkey", "-out", "key.pem"]);
    let subject = ["-subj", "/CN=oracle", "-days", "2", "-sha384"];
    tool("openssl", &[&["req", "-new", "-x509", "-key", "key.pem", "-out", "certificate.pem"], &subject[..]].concat());
}

/// GNU cpio lists every field of the archive as it was written.
fn cpio() {
    let listed = tool("sh", &["-c", "cpio -itv --numeric-uid-gid --quiet < archive"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    let lines: Vec<Vec<_>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        "lrwxrwxrwx 1 0 0 4 Jan 1 1970 bin -> /dev",
        "drwxr-xr-x 2 0 0 0 Jan 1 1970 dev",
        "crw------- 1 0 0 5, 1 Jan 1 1970 dev/console",
        "-r-x------ 1 0 7 15 Jan 1 1970 init",
    ];
    assert_eq!(lines, expected.map(|line| line.split_whitespace().collect::<Vec<_>>()));
    println!("cpio: GNU cpio lists the entries as they were written");
}

/// GNU gzip unpacks the ramdisk, which is the last section of the file. AWS's library later uses it unchanged.
fn gzip(ours: &Ours) {
    let printed = ours.ok(&["measure", "ours.eif", "-o", "json"]).stdout;
    let printed: Value = serde_json::from_slice(&printed).expect("JSON");
    let size = printed["sections"]["ramdisk"]["size"].as_u64().expect("size") as usize;
    let file = fs::read("ours.eif").expect("read");
    fs::write("ramdisk", &file[file.len() - size..]).expect("write");
    let unpacked = tool("sh", &["-c", "gzip -dc < ramdisk"]);
    assert_eq!((unpacked.stdout, unpacked.stderr), (fs::read("archive").expect("read"), vec![]));
    println!("gzip: GNU gzip unpacks the ramdisk to the archive");
}

/// With equal parts and equal metadata both writers produce equal bytes.
fn unsigned(ours: &Ours) {
    let theirs = build(LINE, &["ramdisk"], metadata(), None, "theirs.eif");
    assert_eq!(fs::read("ours.eif").expect("read"), fs::read("theirs.eif").expect("read"));
    assert_eq!(theirs.len(), 3);
    assert_eq!(ours.pcrs(&["measure", "ours.eif"]), theirs);
    assert_eq!(ours.pcrs(&["measure", "theirs.eif"]), theirs);
    assert_eq!(read("ours.eif"), theirs);
    println!("unsigned: both files are equal, byte for byte; PCR0 {}", theirs["PCR0"]);
}

/// `eif-build` verifies what AWS's library signed, and the reverse. AWS's library also signs an image of `eif-build`.
fn signed(ours: &Ours) {
    let verify = |image| ours.pcrs(&["verify", image, "--certificate", "certificate.pem"]);
    let theirs = build(LINE, &["ramdisk"], metadata(), Some(&SIGNER), "theirs-signed.eif");
    assert_eq!(theirs.len(), 4);
    assert_eq!(verify("theirs-signed.eif"), theirs);

    let sign = ["sign", "ours.eif", "--key", "key.pem", "--certificate", "certificate.pem", "--to", "ours-signed.eif"];
    ours.ok(&sign);
    assert_eq!(verify("ours-signed.eif"), theirs);
    assert_eq!(read("ours-signed.eif"), theirs);

    fs::copy("ours.eif", "ours-signed-there.eif").expect("copy");
    aws::sign("ours-signed-there.eif", &SIGNER);
    assert_eq!(verify("ours-signed-there.eif"), theirs);
    println!("signed: each verifies the signature of the other; PCR8 {}", theirs["PCR8"]);
}

/// OpenSSL signs the bytes that `measure` writes.
fn signed_in_three_steps(ours: &Ours) {
    ours.ok(&["measure", "ours.eif", "--to-be-signed", "tbs"]);
    tool("openssl", &["dgst", "-sha384", "-sign", "key.pem", "-out", "signature.der", "tbs"]);
    let from = ["attach", "ours.eif", "--signature", "signature.der", "--certificate", "certificate.pem"];
    ours.ok(&[&from[..], &["--to", "attached.eif"]].concat());
    assert_eq!(read("attached.eif"), read("ours-signed.eif"));
    println!("attached: AWS's reader verifies a signature of OpenSSL");
}

/// AWS's library does not check the content of a ramdisk. `eif-build` accepts one form, with any deflate stream.
fn other_compressors(ours: &Ours) {
    for (ramdisk, compress) in [("plain", "cat"), ("named", "gzip -9c"), ("nameless", "gzip -9nc")] {
        tool("sh", &["-c", &format!("{compress} archive > {ramdisk}")]);
        let theirs = build(LINE, &[ramdisk], metadata(), None, "theirs.eif");
        assert_eq!(read("theirs.eif"), theirs);
        assert_eq!(ours.code(&["measure", "theirs.eif"]), "gzip-header", "{ramdisk}");
    }
    tool("sh", &["-c", "{ head -c 10 ramdisk; gzip -1nc archive | tail -c +11; } > other"]);
    let theirs = build(LINE, &["other"], metadata(), None, "theirs.eif");
    assert_eq!(ours.pcrs(&["measure", "theirs.eif"]), theirs);
    println!("compressed elsewhere: the deflate stream of GNU gzip is accepted, its header is refused");
}

/// AWS's library writes and reads these images. `eif-build` refuses them.
fn refused_here(ours: &Ours) {
    fs::write("list2", "file /init list 0755 0 0\n").expect("write");
    ours.ok(&["cpio", "--list", "list2", "--to", "archive2"]);
    let one = read("ours.eif");
    tool("sh", &["-c", "gzip -9c archive2 > ramdisk2"]);
    let two = build(LINE, &["ramdisk", "ramdisk2"], metadata(), None, "two.eif");
    assert_eq!(read("two.eif"), two);
    assert_eq!((&two["PCR1"], two["PCR0"] == one["PCR0"]), (&one["PCR1"], false));
    assert_eq!(ours.code(&["measure", "two.eif"]), "duplicate-section");

    let mut other = metadata();
    other.build_info.build_time = "2025-01-01T00:00:00+00:00".into();
    assert_eq!(build(LINE, &["ramdisk"], other, None, "other.eif"), one);
    assert_eq!(ours.code(&["measure", "other.eif"]), "metadata-not-canonical");

    // The boundary between kernel and command line is moved by a byte. AWS's reader measures the same PCRs.
    let mut kernel = fs::read("kernel").expect("read");
    kernel.push(LINE.as_bytes()[0]);
    fs::rename("kernel", "kernel.true").expect("rename");
    fs::write("kernel", kernel).expect("write");
    assert_eq!(build(&LINE[1..], &["ramdisk"], metadata(), None, "moved.eif"), one);
    fs::rename("kernel.true", "kernel").expect("rename");
    assert_eq!(read("moved.eif"), one);
    assert_eq!(ours.code(&["measure", "moved.eif"]), "kernel-length");
    println!("refused by eif-build only: a second ramdisk under the same PCR1, other metadata, a moved boundary");
}

/// `describe --lenient` computes the PCRs of AWS's tools for images of AWS's library that every other command refuses.
fn lenient(ours: &Ours) {
    for image in ["ours.eif", "two.eif", "other.eif", "moved.eif", "theirs-signed.eif"] {
        ours.lenient(image, &read(image));
    }
    let mut other = metadata();
    other.img_name = "theirs".into();
    other.docker_info = serde_json::json!({"Id": "sha256:ab", "Tags": ["a", "b"]});
    let ramdisks = ["ramdisk", "plain", "ramdisk2"];
    for (curve, digest) in [("prime256v1", "-sha256"), ("secp384r1", "-sha384"), ("secp521r1", "-sha512")] {
        tool("openssl", &["ecparam", "-name", curve, "-genkey", "-out", "curve.pem"]);
        let subject = ["-subj", "/CN=oracle", "-days", "2", digest, "-out", "curve.crt"];
        tool("openssl", &[&["req", "-new", "-x509", "-key", "curve.pem"], &subject[..]].concat());
        let signer = Signer { key: "curve.pem", certificate: "curve.crt" };
        let theirs = build(LINE, &ramdisks, other.clone(), Some(&signer), "many.eif");
        assert_eq!((theirs.len(), read("many.eif")), (4, theirs.clone()));
        let shown = ours.lenient("many.eif", &theirs);
        assert_eq!(shown["signature"]["verified"], true, "{curve}");
        assert_eq!(shown["metadata"]["DockerInfo"]["Tags"][1], "b");

        // A byte of the last ramdisk: AWS's reader still computes PCRs, and the signature is over another PCR0.
        let mut file = fs::read("many.eif").expect("read");
        let ramdisk = fs::read("ramdisk2").expect("read");
        let at = file.windows(ramdisk.len()).position(|window| window == ramdisk).expect("ramdisk");
        file[at + 20] ^= 1;
        fs::write("changed.eif", file).expect("write");
        let printed = ours.ok(&["describe", "--lenient", "changed.eif", "-o", "json"]).stdout;
        let printed: Value = serde_json::from_slice(&printed).expect("JSON");
        assert_eq!(printed["signature"]["problem"]["code"], "signed-other-image", "{curve}");
        assert_eq!(ours.code(&["measure", "changed.eif"]), "duplicate-section");
    }
    println!("lenient: the PCRs of three ramdisks, and signatures on P-256, P-384 and P-521, as AWS's tools have them");
}
