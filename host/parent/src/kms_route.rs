//! Where the enclave's KMS traffic may go.

use crate::{Address, Error};
use enclave_core::kms::{is_region, kms_host};
use std::fmt;
use std::str::FromStr;

/// The longest region that is accepted, in bytes.
const MAX_REGION: usize = 32;

/// An AWS region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(String);

impl Region {
    /// The host of the region's KMS endpoint. An enclave asks for the same one, because it follows from the ARN.
    pub fn host(&self) -> String {
        kms_host(&self.0)
    }
}

impl FromStr for Region {
    type Err = Error;

    /// Parses the name of a region of at most 32 bytes, in the form that the ARN of a key has it.
    ///
    /// # Errors
    /// [`Error::Region`] for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() <= MAX_REGION && is_region(text) {
            Ok(Self(text.into()))
        } else {
            Err(Error::Region(text.into()))
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the enclave's KMS traffic may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsRoute {
    /// Only to the KMS endpoints of these regions.
    Regions(Vec<Region>),
    /// Always to a development KMS on this machine, whichever host the enclave names.
    Development(Address),
}

impl KmsRoute {
    /// Rejects a development KMS on another machine.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Development(address) if !address.is_local() => Err(Error::KmsNotLocal(address.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether the enclave may ask for credentials in this region.
    pub(crate) fn allows_region(&self, region: &str) -> bool {
        match self {
            Self::Regions(regions) => regions.iter().any(|known| known.0 == region),
            Self::Development(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_kms_host_of_a_region() {
        for (region, host) in [
            ("eu-central-1", "kms.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "kms.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "kms.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(region.parse::<Region>().unwrap().host(), host);
        }
    }

    #[test]
    fn rejects_texts_that_are_not_regions() {
        for text in
            ["", "eu", "eu-1", "eu-central", "eu--1", "eu-central-100", "EU-central-1", "e-central-1", "eu-c.x-1"]
        {
            assert!(matches!(text.parse::<Region>(), Err(Error::Region(_))), "{text}");
        }
    }

    #[test]
    fn rejects_a_development_kms_on_another_machine() {
        assert!(KmsRoute::Development("127.0.0.1:1".parse().unwrap()).check().is_ok());
        assert!(KmsRoute::Development("unix:/x".parse().unwrap()).check().is_ok());
        for address in ["0.0.0.0:1", "192.0.2.1:443"] {
            assert!(matches!(KmsRoute::Development(address.parse().unwrap()).check(), Err(Error::KmsNotLocal(_))));
        }
    }
}
