//! The image file, which is measured before another program reads it.

use capelet_parent::{Error, has_duplicate_key, parse_json, read_file};
use data_encoding::HEXLOWER;
use eif_build::{MAX_FILE, Measurements};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest `measurements.json`, in bytes.
const MAX_MEASUREMENTS: usize = 4 << 20;
/// The input that only a development image has (`reproducible/build.sh --development`).
const DEVELOPMENT: &str = "development-kms-root";

/// An image file.
pub struct Image {
    /// The absolute path.
    pub path: PathBuf,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// The measurements of `bytes`.
    pub measured: Measurements,
    /// Whether its measurements say that it was built for development.
    pub development: bool,
}

impl Image {
    /// Reads and measures an image. If `expected` is `Some`, the image must match that `measurements.json`.
    pub fn measure(path: &Path, expected: Option<&Path>) -> Result<Self, Error> {
        let refused = |source| Error::Image { path: path.to_owned(), source };
        let bytes = eif_build::files::read(path, MAX_FILE).map_err(refused)?;
        let measured = eif_build::measure(&bytes).map_err(refused)?;
        let development = expected.map(|expected| compare(&measured, expected)).transpose()?.unwrap_or(false);
        let path = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(Self { path, bytes, measured, development })
    }

    /// Checks that the certificate of a signed image is valid now. Nitro does not start an image outside its validity.
    pub fn check_certificate_time(&self) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let checked = eif_build::Image::parse(&self.bytes).and_then(|image| image.check_certificate_time(now));
        checked.map_err(|source| Error::Image { path: self.path.clone(), source })
    }
}

/// Compares the measurements with a `measurements.json`. Returns whether that describes a development image.
fn compare(measured: &Measurements, expected: &Path) -> Result<bool, Error> {
    let malformed = || Error::Measurements(expected.to_owned());
    let bytes = read_file(expected, MAX_MEASUREMENTS)?;
    let json = parse_json(&bytes).ok_or_else(|| match has_duplicate_key(&bytes) {
        true => Error::DuplicateMeasurements(expected.to_owned()),
        false => malformed(),
    })?;
    let pcrs = json["pcrs"].as_object().ok_or_else(malformed)?;
    let sha256 = json["file"]["sha256"].as_str().ok_or_else(malformed)?;
    let inputs = json["inputs"].as_array().ok_or_else(malformed)?;
    let ours = measured.pcrs();
    let agree = |(index, pcr): &(u8, &eif_build::Pcr)| {
        pcrs.get(&format!("PCR{index}")).and_then(Value::as_str) == Some(&HEXLOWER.encode(*pcr))
    };
    // The number of PCRs must also be equal, because a signed image has a PCR that an unsigned one lacks.
    if pcrs.len() != ours.len() || !ours.iter().all(agree) || sha256 != HEXLOWER.encode(&measured.file.sha256) {
        return Err(Error::NotAsMeasured(expected.to_owned()));
    }
    Ok(inputs.iter().any(|input| input["name"] == DEVELOPMENT))
}
