//! Pinned PCR values in their text form: `0:HEX` or `0:HEX,8:HEX`.

use crate::error::Error;
use crate::values::Hex;
use enclave_core::Pcr;
use enclave_core::attestation::{Build, PCRS};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fmt;

/// The pinned PCRs of one image. PCR0 is always pinned, because it covers the whole image. Others are optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePins(Build);

const WANT: &str = "0:HEX with 96 hexadecimal digits; separate several PCRs by commas: 0:HEX,8:HEX";

impl ImagePins {
    /// Parses all texts of `given` into one set of pins.
    ///
    /// # Errors
    /// `no-pins` if PCR0 is missing; `debug-mode` if PCR0, PCR1 or PCR2 is all zeros; `zero-pin` if another PCR is;
    /// [`Error::BadPin`] if a text is invalid.
    pub fn parse<T: AsRef<str>>(given: &[T]) -> Result<Self, Error> {
        let mut pcrs = BTreeMap::new();
        for text in given.iter().flat_map(|given| given.as_ref().split(',')) {
            let (index, value) = text.split_once(':').ok_or_else(malformed)?;
            let digits = !index.is_empty() && index.len() <= 2 && index.bytes().all(|byte| byte.is_ascii_digit());
            let index = index.parse().ok().filter(|index| digits && *index < PCRS).ok_or_else(malformed)?;
            let Hex(value) = Hex::parse(value).ok_or_else(malformed)?;
            if pcrs.insert(index, value).is_some() {
                return Err(Error::BadPin { want: "given only once for each PCR" });
            }
        }
        Self::new(pcrs)
    }

    /// Makes pins from PCR values.
    ///
    /// # Errors
    /// [`Error::Local`] if PCR0 is missing or a PCR is all zeros.
    pub fn new(mut pcrs: BTreeMap<u8, Pcr>) -> Result<Self, Error> {
        let pcr0 = pcrs.remove(&0).ok_or(enclave_core::Error::NoPins)?;
        Ok(Self(Build::new(pcr0, pcrs)?))
    }

    /// The pins in the verifier's type.
    pub fn build(&self) -> &Build {
        &self.0
    }

    /// PCR0, which identifies the release.
    pub fn pcr0(&self) -> &Pcr {
        self.0.pcr0()
    }

    /// Index and value of each pinned PCR, ascending.
    pub fn pcrs(&self) -> impl Iterator<Item = (u8, &Pcr)> {
        let others = self.0.others().iter().map(|(index, pcr)| (*index, pcr));
        std::iter::once((0, self.0.pcr0())).chain(others)
    }
}

fn malformed() -> Error {
    Error::BadPin { want: WANT }
}

impl fmt::Display for ImagePins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.pcrs().map(|(index, pcr)| format!("{index}:{}", Hex(*pcr))).collect();
        f.write_str(&texts.join(","))
    }
}

impl Serialize for ImagePins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImagePins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&[String::deserialize(deserializer)?]).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(byte: &str) -> String {
        byte.repeat(48)
    }

    #[test]
    fn parses_joined_and_separate_pins_alike() {
        let joined = ImagePins::parse(&[format!("0:{},8:{}", hex("ab"), hex("cd"))]).unwrap();
        let apart = ImagePins::parse(&[format!("8:{}", hex("CD")), format!("0:{}", hex("ab"))]).unwrap();
        assert_eq!(joined, apart);
        assert_eq!(ImagePins::parse(&[joined.to_string()]).unwrap(), joined);
    }

    #[test]
    fn rejects_invalid_pins() {
        let good = hex("ab");
        let texts = [
            String::new(),
            ",".into(),
            "0".into(),
            "0:".into(),
            ":".into(),
            format!(":{good}"),
            format!("32:{good}"),
            format!("256:{good}"),
            format!("-1:{good}"),
            format!("+0:{good}"),
            format!("0:{good}ab"),
            format!("0:{}", &good[1..]),
            format!("0:{good},"),
            format!("0:{good},0:{good}"),
            format!("0:0x{good}"),
            format!("0 :{good}"),
        ];
        for text in texts {
            let error = ImagePins::parse(std::slice::from_ref(&text)).unwrap_err();
            assert_eq!(error.code(), "bad-pin", "{text}");
        }
    }

    #[test]
    fn rejects_missing_pcr0_and_zero_pcrs() {
        assert_eq!(ImagePins::parse::<&str>(&[]).unwrap_err().code(), "no-pins");
        assert_eq!(ImagePins::parse(&[format!("8:{}", hex("ab"))]).unwrap_err().code(), "no-pins");
        assert_eq!(ImagePins::parse(&[format!("0:{}", hex("00"))]).unwrap_err().code(), "debug-mode");
        assert_eq!(ImagePins::parse(&[format!("0:{},1:{}", hex("ab"), hex("00"))]).unwrap_err().code(), "debug-mode");
        let zero = ImagePins::parse(&[format!("0:{},5:{}", hex("ab"), hex("00"))]).unwrap_err();
        assert_eq!((zero.code(), zero.to_string().contains("PCR5 is given as all zeros")), ("zero-pin", true));
        let without = ImagePins::parse(&[format!("3:{}", hex("ab"))]).unwrap_err();
        assert!(without.to_string().starts_with("PCR0 is required"), "{without}");
    }
}
