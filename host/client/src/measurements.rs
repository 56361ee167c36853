//! Reads the PCRs of a release from its measurements file, or computes them from its image.

use crate::error::Error;
use crate::files;
use crate::pins::ImagePins;
use crate::values::Hex;
use enclave_core::Pcr;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The largest measurements file, in bytes.
const MAX_MEASUREMENTS: u64 = 4 << 20;
/// The largest image, in bytes.
const MAX_EIF: u64 = 1 << 30;
/// The PCRs that are pinned. PCR0 covers the whole image, PCR1 kernel and first ramdisk, PCR2 the other ramdisks, PCR8
/// the signer's certificate.
const PINNED: [u8; 4] = [0, 1, 2, 8];

/// Reads the PCRs from a `measurements.json`. A release has them under `pcrs`, nitro-cli prints them under `Measurements`.
///
/// # Errors
/// [`Error::Measurements`] for an invalid file; [`Error::FileTooLarge`]; [`Error::Io`]; those of [`ImagePins::new`].
pub fn from_file(path: &Path) -> Result<ImagePins, Error> {
    let bytes = files::read(path, MAX_MEASUREMENTS)?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| Error::Measurements("malformed"))?;
    let pcrs = value.get("pcrs").or_else(|| value.get("Measurements")).ok_or(Error::Measurements("malformed"))?;
    let mut found = BTreeMap::new();
    for index in PINNED {
        let Some(pcr) = pcrs.get(format!("PCR{index}")) else { continue };
        let Hex(pcr) = pcr.as_str().and_then(Hex::parse).ok_or(Error::Measurements("malformed"))?;
        found.insert(index, pcr);
    }
    ImagePins::new(found)
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
    }

    #[test]
    fn rejects_invalid_measurements() {
        let zero = "00".repeat(48);
        let cases = [
            (String::new(), "malformed"),
            ("{}".into(), "malformed"),
            (r#"{"pcrs":{}}"#.into(), "no-pins"),
            (r#"{"pcrs":{"PCR0":1}}"#.into(), "malformed"),
            (r#"{"pcrs":{"PCR0":"ab"}}"#.into(), "malformed"),
            (format!(r#"{{"pcrs":{{"PCR0":"{zero}"}}}}"#), "debug-mode"),
        ];
        for (text, code) in cases {
            assert_eq!(read(&text).unwrap_err().code(), code, "{text}");
        }
    }
}
