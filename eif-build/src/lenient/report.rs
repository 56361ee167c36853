//! The report about a file of another builder. Every text from the file is escaped.

use std::fmt::Write;

use capelet_cli::printable;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use super::{FoundBy, NOT_KNOWN, Pcrs, Survey, SurveyedSignature};
use crate::date;
use crate::error::Error;
use crate::layout::Section;
use crate::measure::ContentDigest;
use crate::pcr::Pcr;
use crate::report::millis;

/// The bit of the header's flags that marks an arm64 image.
const ARM64: u16 = 1;
/// The largest part of a command line that is shown, in bytes.
const MAX_SHOWN: usize = 4096;

/// The survey as JSON.
pub fn json(survey: &Survey<'_>) -> Value {
    let header = &survey.header;
    let sections: Vec<_> = survey
        .sections
        .iter()
        .map(|found| {
            let ContentDigest { size, sha256 } = ContentDigest::of(found.body);
            json!({
                "type": found.section().map(Section::name),
                "number": found.number,
                "flags": found.flags,
                "offset": found.at,
                "size": size,
                "sha256": HEXLOWER.encode(&sha256),
                "form": form(found.section(), found.body),
            })
        })
        .collect();
    let ContentDigest { size, sha256 } = ContentDigest::of(survey.file);
    json!({
        "lenient": true,
        "eif_version": header.version,
        "flags": header.flags,
        "architecture": architecture(header.flags),
        "default_memory": header.default_memory,
        "default_cpus": header.default_cpus,
        "claimed_sections": header.count,
        "crc32": {"computed": format!("{:08x}", survey.crc), "stated": format!("{:08x}", header.crc)},
        "file": {"size": size, "sha256": HEXLOWER.encode(&sha256)},
        "found_by": found_by(survey.found_by),
        "found_sections": sections,
        "pcrs": survey.pcrs.as_ref().ok().map(|pcrs| pcrs_json(pcrs, pcr8(survey))),
        "pcrs_by_offsets": survey.pcrs_by_offsets.as_ref().map(|pcrs| pcrs_json(pcrs, None)),
        "not_as_aws_tools": survey.not_as_aws.as_deref().map(printable::line),
        "command_line": shown_command_line(survey),
        "metadata": survey.metadata,
        "signature": signature_json(survey),
        "deviations": survey.deviations.iter().map(error_json).collect::<Value>(),
        "not_known": NOT_KNOWN,
    })
}

/// The survey as text.
pub fn text(survey: &Survey<'_>) -> String {
    let header = &survey.header;
    let mut text = format!("EIF version {}, {}\n", header.version, architecture(header.flags));
    // Writing to a string cannot fail.
    let _ = match &survey.pcrs {
        Ok(pcrs) => write_pcrs(&mut text, "", pcrs),
        Err(error) => writeln!(text, "no PCRs, because the sections could be read in part only: {error}"),
    };
    let _ = match &survey.signature {
        None => Ok(()),
        Some(Ok(SurveyedSignature { pcr8, verdict, .. })) => {
            let verdict = match verdict {
                Ok(()) => "signature verified".to_owned(),
                Err(error) => format!("NOT verified: {error} [{}]", error.code()),
            };
            writeln!(text, "PCR8  {}  {verdict}", HEXLOWER.encode(pcr8))
        }
        Some(Err(error)) => writeln!(text, "no PCR8: {error} [{}]", error.code()),
    };
    if let Some(pcrs) = &survey.pcrs_by_offsets {
        text += "Other PCRs by the offsets in the header, which the hypervisor follows in QEMU's model:\n";
        let _ = write_pcrs(&mut text, "  ", pcrs);
    }
    if let Some(difference) = &survey.not_as_aws {
        let _ = writeln!(text, "{}", printable::line(difference));
    }
    let ContentDigest { size, sha256 } = ContentDigest::of(survey.file);
    let _ = writeln!(text, "{:<9} {size:>10}  {}", "file", HEXLOWER.encode(&sha256));
    for found in &survey.sections {
        let name =
            found.section().map_or_else(|| format!("type {}", found.number), |section| section.name().to_owned());
        let ContentDigest { size, sha256 } = ContentDigest::of(found.body);
        let form = form(found.section(), found.body).map(|form| format!("  {form}")).unwrap_or_default();
        let _ = writeln!(text, "{name:<9} {size:>10}  {}{form}", HEXLOWER.encode(&sha256));
    }
    if let Some(line) = shown_command_line(survey) {
        let _ = writeln!(text, "command line: {line}");
    }
    write_metadata(&mut text, survey);
    write_signature(&mut text, survey);
    write_deviations(&mut text, survey);
    text += "This report does not know:\n";
    for unknown in NOT_KNOWN {
        let _ = writeln!(text, "  {unknown}");
    }
    text
}

fn write_pcrs(text: &mut String, indent: &str, pcrs: &Pcrs) -> std::fmt::Result {
    for (index, pcr) in [&pcrs.pcr0, &pcrs.pcr1, &pcrs.pcr2].into_iter().enumerate() {
        writeln!(text, "{indent}PCR{index}  {}", HEXLOWER.encode(pcr))?;
    }
    Ok(())
}

fn write_metadata(text: &mut String, survey: &Survey<'_>) {
    let metadata = match &survey.metadata {
        Some(metadata) => metadata,
        None if survey.first(Section::Metadata).is_some() => {
            text.push_str("metadata: not shown, because it is not JSON or above 64 KiB\n");
            return;
        }
        None => return,
    };
    let build = |name: &str| metadata.pointer(&format!("/BuildMetadata/{name}"));
    let fields = [
        ("image", metadata.get("ImageName")),
        ("image version", metadata.get("ImageVersion")),
        ("built at", build("BuildTime")),
        ("built by", build("BuildTool")),
        ("builder's version", build("BuildToolVersion")),
        ("operating system", build("OperatingSystem")),
        ("kernel version", build("KernelVersion")),
    ];
    text.push_str("metadata, which no PCR covers:\n");
    for (name, value) in fields {
        if let Some(value) = value.and_then(Value::as_str) {
            let _ = writeln!(text, "  {name}: {}", printable::line(&shortened(value)));
        }
    }
}

fn write_signature(text: &mut String, survey: &Survey<'_>) {
    match &survey.signature {
        None => text.push_str("not signed\n"),
        Some(Ok(SurveyedSignature { last, .. })) => {
            let _ = match last.validity {
                Some((from, until)) => {
                    writeln!(text, "certificate valid from {} until {}", date::text(from), date::text(until))
                }
                None => writeln!(text, "the certificate is not readable X.509"),
            };
        }
        Some(Err(_)) => {}
    }
}

fn write_deviations(text: &mut String, survey: &Survey<'_>) {
    if survey.deviations.is_empty() {
        text.push_str("no deviations: describe without --lenient shows more\n");
        return;
    }
    let _ = writeln!(text, "Deviations from the layout that eif-build writes ({}):", survey.deviations.len());
    for deviation in &survey.deviations {
        let _ = writeln!(text, "  {}: {}", deviation.code(), printable::line(&deviation.to_string()));
    }
    text.push_str("Because of them every other command refuses this file.\n");
}

fn pcr8<'s>(survey: &'s Survey<'_>) -> Option<&'s Pcr> {
    survey.signature.as_ref().and_then(|signature| signature.as_ref().ok()).map(|signature| &signature.pcr8)
}

fn pcrs_json(pcrs: &Pcrs, pcr8: Option<&Pcr>) -> Value {
    let always = [(0, &pcrs.pcr0), (1, &pcrs.pcr1), (2, &pcrs.pcr2)];
    let all = always.into_iter().chain(pcr8.map(|pcr| (8, pcr)));
    Value::Object(all.map(|(index, pcr)| (format!("PCR{index}"), HEXLOWER.encode(pcr).into())).collect::<Map<_, _>>())
}

fn signature_json(survey: &Survey<'_>) -> Value {
    match &survey.signature {
        None => Value::Null,
        Some(Err(error)) => json!({"verified": false, "problem": error_json(error), "certificate": null}),
        Some(Ok(SurveyedSignature { last, verdict, .. })) => {
            let ContentDigest { size, sha256 } = ContentDigest::of(&last.certificate);
            json!({
                "verified": verdict.is_ok(),
                "problem": verdict.as_ref().err().map(error_json),
                "certificate": {"size": size, "sha256": HEXLOWER.encode(&sha256)},
                "begins_at": last.validity.map(|(from, _)| millis(from)),
                "expires_at": last.validity.map(|(_, until)| millis(until)),
            })
        }
    }
}

fn error_json(error: &Error) -> Value {
    json!({"code": error.code(), "message": printable::line(&error.to_string())})
}

fn architecture(flags: u16) -> &'static str {
    if flags & ARM64 == 0 { "x86_64" } else { "aarch64" }
}

fn found_by(found_by: FoundBy) -> &'static str {
    match found_by {
        FoundBy::Sequence => "sequence",
        FoundBy::Offsets => "offsets",
        FoundBy::Part => "part",
    }
}

/// The first command line as one line. Bytes that are not UTF-8 become `\xNN`.
fn shown_command_line(survey: &Survey<'_>) -> Option<String> {
    let line = survey.first(Section::CommandLine)?;
    let shown = line.get(..MAX_SHOWN).unwrap_or(line);
    let rest = line.len() - shown.len();
    let mut text = printable::line(&printable::lines(shown)).into_owned();
    if rest > 0 {
        let _ = write!(text, " (and {rest} bytes more)");
    }
    Some(text)
}

/// At most 200 characters of a text.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(200).collect();
    if shown.len() < text.len() {
        shown += " (shortened)";
    }
    shown
}

/// The form of a kernel or ramdisk, by its first bytes. Only its name is known by them, not that it is valid.
fn form(section: Option<Section>, body: &[u8]) -> Option<&'static str> {
    let has = |at: usize, magic: &[u8]| body.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let forms: &[(usize, &[u8], &str)] = match section? {
        Section::Kernel => &[
            (0x202, b"HdrS", "x86 bzImage"),
            (0x38, b"ARM\x64", "arm64 Image"),
            (0, b"\x7fELF", "ELF"),
            (0, b"\x1f\x8b", "gzip"),
        ],
        Section::Ramdisk => &[
            (0, b"\x1f\x8b", "gzip"),
            (0, b"070701", "cpio, not compressed"),
            (0, b"\xfd7zXZ\0", "xz"),
            (0, b"\x28\xb5\x2f\xfd", "zstd"),
            (0, b"\x02\x21\x4c\x18", "lz4"),
            (0, b"BZh", "bzip2"),
            (0, b"\x5d\0\0", "lzma"),
        ],
        Section::CommandLine | Section::Metadata | Section::Signature => return None,
    };
    Some(forms.iter().find(|(at, magic, _)| has(*at, magic)).map_or("unknown form", |(_, _, name)| name))
}
