//! Reads the PCRs of a release from its measurements file, or computes them from its image.

use crate::error::Error;
use crate::files;
use crate::pins::ImagePins;
use crate::values::Hex;
use enclave_core::Pcr;
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// The largest measurements file, in bytes.
const MAX_MEASUREMENTS: u64 = 4 << 20;
/// The largest image, in bytes.
const MAX_EIF: u64 = 1 << 30;
/// A measurements file. Other fields are ignored. A field that is repeated is an error: readers would disagree about it.
#[derive(Deserialize)]
struct MeasurementsFile {
    /// As a release has them.
    pcrs: Option<MeasuredPcrs>,
    /// As nitro-cli prints them.
    #[serde(rename = "Measurements")]
    nitro_cli: Option<MeasuredPcrs>,
}

/// The PCRs that are pinned.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct MeasuredPcrs {
    #[serde(default, deserialize_with = "present")]
    pcr0: Option<Hex<Pcr>>,
    #[serde(default, deserialize_with = "present")]
    pcr1: Option<Hex<Pcr>>,
    #[serde(default, deserialize_with = "present")]
    pcr2: Option<Hex<Pcr>>,
    #[serde(default, deserialize_with = "present")]
    pcr8: Option<Hex<Pcr>>,
}

/// Reads a PCR that is there. `null` is an error, because it would leave the PCR unpinned without a word.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hex<Pcr>>, D::Error> {
    Hex::deserialize(deserializer).map(Some)
}

/// Reads the PCRs from a `measurements.json`. A release has them under `pcrs`, nitro-cli prints them under `Measurements`.
/// PCR0 covers the whole image, PCR1 kernel and first ramdisk, PCR2 the other ramdisks, PCR8 the signer's certificate.
///
/// # Errors
/// [`Error::Measurements`] for an invalid file; [`Error::FileTooLarge`]; [`Error::Io`]; those of [`ImagePins::new`].
pub fn from_file(path: &Path) -> Result<ImagePins, Error> {
    let malformed = || Error::Measurements("malformed");
    let bytes = files::read(path, MAX_MEASUREMENTS)?;
    let file: MeasurementsFile = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let measured = match (file.pcrs, file.nitro_cli) {
        (Some(measured), None) | (None, Some(measured)) => measured,
        _ => return Err(malformed()),
    };
    let MeasuredPcrs { pcr0, pcr1, pcr2, pcr8 } = measured;
    let named = [(0, pcr0), (1, pcr1), (2, pcr2), (8, pcr8)];
    ImagePins::new(named.into_iter().filter_map(|(index, pcr)| Some((index, pcr?.0))).collect())
}

/// Computes the PCRs of an image file.
///
/// # Errors
/// [`Error::Measurements`] for an invalid image; [`Error::FileTooLarge`]; [`Error::Io`]; those of [`ImagePins::new`].
pub fn from_eif(path: &Path) -> Result<ImagePins, Error> {
    let bytes = files::read(path, MAX_EIF)?;
    let measured = eif_build::measure(&bytes).map_err(|error| Error::Measurements(error.code()))?;
    ImagePins::new(measured.pcrs().into_iter().map(|(index, pcr)| (index, Pcr::new(*pcr))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ImagePins, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        from_file(file.path())
    }

    #[test]
    fn reads_the_formats_of_releases_and_of_nitro_cli() {
        let pcr = "ab".repeat(48);
        let ours = read(&format!(r#"{{"pcrs":{{"PCR0":"{pcr}","PCR1":"{pcr}"}},"file":{{}}}}"#)).unwrap();
        let theirs = read(&format!(
            r#"{{"Measurements":{{"HashAlgorithm":"Sha384 {{ ... }}","PCR0":"{pcr}","PCR1":"{pcr}"}}}}"#
        ));
        assert_eq!(ours, theirs.unwrap());
        assert_eq!(ours.pcrs().count(), 2);
        // `eif-build measure -o json` has the members of the envelope too.
        let envelope = r#""format":1,"command":"eif-build measure","development":false"#;
        assert_eq!(ours, read(&format!(r#"{{{envelope},"pcrs":{{"PCR0":"{pcr}","PCR1":"{pcr}"}}}}"#)).unwrap());
    }

    #[test]
    fn rejects_invalid_measurements() {
        let (zero, pcr) = ("00".repeat(48), "ab".repeat(48));
        let cases = [
            (String::new(), "malformed"),
            ("{}".into(), "malformed"),
            (r#"{"pcrs":{}}"#.into(), "no-pins"),
            (r#"{"pcrs":{"PCR0":1}}"#.into(), "malformed"),
            (r#"{"pcrs":{"PCR0":"ab"}}"#.into(), "malformed"),
            (format!(r#"{{"pcrs":{{"PCR0":"{zero}"}}}}"#), "debug-mode"),
            (format!(r#"{{"pcrs":{{"PCR0":"{pcr}","PCR8":null}}}}"#), "malformed"),
            // Readers take the first or the last of repeated fields.
            (format!(r#"{{"pcrs":{{"PCR0":"{pcr}","PCR0":"{pcr}"}}}}"#), "malformed"),
            (format!(r#"{{"pcrs":{{"PCR0":"{pcr}"}},"pcrs":{{"PCR0":"{pcr}"}}}}"#), "malformed"),
            (format!(r#"{{"pcrs":{{"PCR0":"{pcr}"}},"Measurements":{{"PCR0":"{pcr}"}}}}"#), "malformed"),
        ];
        for (text, code) in cases {
            assert_eq!(read(&text).unwrap_err().code(), code, "{text}");
        }
    }
}
