//! The reports that the commands print: JSON for programs, and the same facts as text for people.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use crate::build_input::BuildInput;
use crate::cpio::{Entry, Node};
use crate::date;
use crate::error::Error;
use crate::image::Image;
use crate::layout::VERSION;
use crate::measure::{ContentDigest, Measurements};

/// The PCRs, and size and SHA-256 of the file and of every section.
pub fn measurements(measured: &Measurements) -> Value {
    let pcrs: Map<_, _> =
        measured.pcrs().into_iter().map(|(index, pcr)| (format!("PCR{index}"), HEXLOWER.encode(pcr).into())).collect();
    let sections: Map<_, _> =
        measured.sections.iter().map(|(section, measured)| (section.name().into(), digest(measured))).collect();
    json!({"pcrs": pcrs, "file": digest(&measured.file), "sections": sections})
}

/// The `measurements.json` of a release: the members of [`measurements`], and `inputs`.
pub fn release(measured: &Measurements, inputs: &[BuildInput]) -> Value {
    let inputs: Vec<_> = inputs
        .iter()
        .map(|input| json!({"name": input.name, "version": input.version, "sha256": HEXLOWER.encode(&input.sha256)}))
        .collect();
    let mut value = measurements(measured);
    value["inputs"] = inputs.into();
    value
}

/// The size and the hash of an archive.
pub fn archive(archive: &ContentDigest) -> Value {
    json!({"archive": digest(archive)})
}

/// All facts about an image: measurements, command line, entries of the ramdisk, signer's certificate.
///
/// # Errors
/// Every error of [`Image::entries`].
pub fn description(image: &Image<'_>, measured: &Measurements) -> Result<Value, Error> {
    let mut value = measurements(measured);
    value["eif_version"] = VERSION.into();
    value["architecture"] = "x86_64".into();
    value["command_line"] = image.command_line().into();
    value["archive"] = digest(&ContentDigest::of(image.archive()));
    value["entries"] = image.entries()?.iter().map(entry).collect();
    value["signature"] = image.signature().map_or(Value::Null, |signature| {
        let certificate = &signature.certificate;
        json!({
            "certificate": digest(&ContentDigest::of(certificate.der())),
            "begins_at": millis(certificate.not_before()),
            "expires_at": millis(certificate.not_after()),
        })
    });
    Ok(value)
}

/// [`measurements`] as text.
pub fn measurements_text(measured: &Measurements) -> String {
    let mut text = String::new();
    for (index, pcr) in measured.pcrs() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "PCR{index}  {}", HEXLOWER.encode(pcr));
    }
    let _ = writeln!(text, "{:<9} {:>10}  {}", "file", measured.file.size, HEXLOWER.encode(&measured.file.sha256));
    for (section, part) in &measured.sections {
        let _ = writeln!(text, "{:<9} {:>10}  {}", section.name(), part.size, HEXLOWER.encode(&part.sha256));
    }
    text
}

/// [`description`] as text.
///
/// # Errors
/// Every error of [`Image::entries`].
pub fn description_text(image: &Image<'_>, measured: &Measurements) -> Result<String, Error> {
    let mut text = format!("EIF version {VERSION}, x86_64\n");
    text += &measurements_text(measured);
    let archive = ContentDigest::of(image.archive());
    let _ = writeln!(text, "{:<9} {:>10}  {}", "archive", archive.size, HEXLOWER.encode(&archive.sha256));
    let _ = writeln!(text, "command line: {}", image.command_line());
    match image.signature() {
        Some(signature) => {
            let certificate = &signature.certificate;
            let (from, until) = (date::text(certificate.not_before()), date::text(certificate.not_after()));
            let _ = writeln!(text, "signed; certificate valid from {from} until {until}");
        }
        None => text += "not signed\n",
    }
    for entry in image.entries()? {
        let kind = match entry.node {
            Node::Directory => "d",
            Node::File(_) => "-",
            Node::Symlink(_) => "l",
            Node::CharDevice { .. } => "c",
        };
        let what = match entry.node {
            Node::Directory => String::new(),
            Node::File(bytes) => format!("  {} bytes", bytes.len()),
            Node::Symlink(target) => format!(" -> {target}"),
            Node::CharDevice { major, minor } => format!("  device {major}:{minor}"),
        };
        let _ = writeln!(text, "{kind}{:04o} {:>5} {:>5}  /{}{what}", entry.mode, entry.uid, entry.gid, entry.path);
    }
    Ok(text)
}

/// A time in seconds since 1970 as the milliseconds that every JSON result has.
pub(crate) fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

fn digest(measured: &ContentDigest) -> Value {
    json!({"size": measured.size, "sha256": HEXLOWER.encode(&measured.sha256)})
}

fn entry(entry: &Entry<'_>) -> Value {
    let mut value =
        json!({"path": entry.path, "mode": format!("{:04o}", entry.mode), "uid": entry.uid, "gid": entry.gid});
    match entry.node {
        Node::Directory => value["type"] = "directory".into(),
        Node::File(bytes) => {
            value["type"] = "file".into();
            value["content"] = digest(&ContentDigest::of(bytes));
        }
        Node::Symlink(target) => {
            value["type"] = "symlink".into();
            value["target"] = target.into();
        }
        Node::CharDevice { major, minor } => {
            value["type"] = "character-device".into();
            value["device"] = json!([major, minor]);
        }
    }
    value
}
