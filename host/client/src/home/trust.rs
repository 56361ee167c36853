//! The user's trust entries: for each address a root, the pinned images and the revoked ones.
//!
//! An entry never applies to another address.

use super::State;
use super::folders::Place;
use crate::error::Error;
use crate::pins::ImagePins;
use crate::url::Url;
use crate::values::{Base64, Hex};
use enclave_core::Pcr;
use enclave_core::attestation::{Pins, Root};
use serde::{Deserialize, Serialize};

/// The root under which documents are verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustedRoot {
    /// Amazon's root, which is compiled in.
    Aws,
    /// A development root (DER), which a machine made for itself. It proves nothing about other machines.
    Development(Base64),
}

/// One trust entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustEntry {
    /// The address, in its text form.
    pub url: String,
    /// The root.
    pub root: TrustedRoot,
    /// The pinned images. The enclave must run one of them.
    pub pins: Vec<ImagePins>,
    /// PCR0 of each revoked image.
    #[serde(default)]
    pub revoked: Vec<Hex<Pcr>>,
}

/// All trust entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    entries: Vec<TrustEntry>,
}

impl TrustEntry {
    /// The root in the verifier's type.
    ///
    /// # Errors
    /// An error if the development root is not a valid certificate.
    pub fn root(&self) -> Result<Root, Error> {
        match &self.root {
            TrustedRoot::Aws => Ok(Root::aws()),
            TrustedRoot::Development(der) => Ok(Root::development(der.0.clone())?),
        }
    }

    /// The pinned and the revoked images in the verifier's type.
    ///
    /// # Errors
    /// [`Error::Local`] if the entry has no pinned image.
    pub fn pins(&self) -> Result<Pins, Error> {
        let builds = self.pins.iter().map(|pins| pins.build().clone()).collect();
        Ok(Pins::new(builds, self.revoked.iter().map(|pcr0| pcr0.0).collect())?)
    }
}

impl State for Trust {
    const PLACE: Place = Place::config("trust.json");
}

/// What to do if the address already has an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinMode {
    /// Replace its images. Its root must be the same.
    Repin,
    /// Add the image. Its root must be the same.
    Add,
    /// Replace the images and the root. Revocations stay.
    Replace,
}

impl Trust {
    /// All entries.
    pub fn all(&self) -> &[TrustEntry] {
        &self.entries
    }

    /// The entry of an address. `None` if it has none. All images of an entry can be revoked.
    pub fn find(&self, url: &Url) -> Option<&TrustEntry> {
        let url = url.to_string();
        self.entries.iter().find(|entry| entry.url == url)
    }

    /// The entry of an address, with at least one image.
    ///
    /// # Errors
    /// [`Error::NoPins`] if the address has no entry, or if its entry lists no images.
    pub fn entry(&self, url: &Url) -> Result<&TrustEntry, Error> {
        self.find(url).filter(|entry| !entry.pins.is_empty()).ok_or_else(|| Error::NoPins(url.to_string()))
    }

    /// Pins an image at an address.
    ///
    /// # Errors
    /// [`Error::RootChanged`] if the address has another root, unless the entry is replaced; [`Error::Local`] for a
    /// revoked image, in any mode.
    pub fn pin(&mut self, url: &Url, root: TrustedRoot, pins: ImagePins, mode: PinMode) -> Result<(), Error> {
        let url = url.to_string();
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.url == url) else {
            self.entries.push(TrustEntry { url, root, pins: vec![pins], revoked: Vec::new() });
            return Ok(());
        };
        if entry.root != root && mode != PinMode::Replace {
            return Err(Error::RootChanged(url));
        }
        if entry.revoked.contains(&Hex(*pins.pcr0())) {
            return Err(enclave_core::Error::Revoked.into());
        }
        entry.root = root;
        if mode != PinMode::Add {
            entry.pins.clear();
        }
        if !entry.pins.contains(&pins) {
            entry.pins.push(pins);
        }
        Ok(())
    }

    /// Revokes an image at an address.
    ///
    /// # Errors
    /// [`Error::NoPins`] if the address has no entry.
    pub fn revoke(&mut self, url: &Url, pcr0: Pcr) -> Result<(), Error> {
        let url = url.to_string();
        let entry = self.entries.iter_mut().find(|entry| entry.url == url).ok_or(Error::NoPins(url))?;
        entry.pins.retain(|pins| *pins.pcr0() != pcr0);
        if !entry.revoked.contains(&Hex(pcr0)) {
            entry.revoked.push(Hex(pcr0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(byte: u8) -> ImagePins {
        ImagePins::new([(0, Pcr::new([byte; 48]))].into()).unwrap()
    }

    fn development(byte: u8) -> TrustedRoot {
        TrustedRoot::Development(Base64(vec![byte]))
    }

    #[test]
    fn changes_a_root_only_on_request() {
        let url = Url::parse("capelet://localhost").unwrap();
        let mut trust = Trust::default();
        assert_eq!(trust.entry(&url).unwrap_err().code(), "no-pins");
        trust.pin(&url, development(1), pins(1), PinMode::Repin).unwrap();
        for root in [development(2), TrustedRoot::Aws] {
            for mode in [PinMode::Repin, PinMode::Add] {
                assert_eq!(trust.pin(&url, root.clone(), pins(2), mode).unwrap_err().code(), "root-changed");
            }
        }
        assert_eq!(trust.entry(&url).unwrap().pins, [pins(1)]);
        trust.pin(&url, TrustedRoot::Aws, pins(2), PinMode::Replace).unwrap();
        assert_eq!(trust.entry(&url).unwrap().root, TrustedRoot::Aws);
    }

    #[test]
    fn rejects_pins_of_revoked_images() {
        let url = Url::parse("unix:/run/x").unwrap();
        let mut trust = Trust::default();
        trust.pin(&url, TrustedRoot::Aws, pins(1), PinMode::Repin).unwrap();
        trust.pin(&url, TrustedRoot::Aws, pins(2), PinMode::Add).unwrap();
        trust.revoke(&url, Pcr::new([1; 48])).unwrap();
        assert_eq!(trust.entry(&url).unwrap().pins, [pins(2)]);
        assert_eq!(trust.pin(&url, TrustedRoot::Aws, pins(1), PinMode::Add).unwrap_err().code(), "revoked");
        // A replaced entry keeps its revocations, under another root too.
        for root in [TrustedRoot::Aws, development(1)] {
            assert_eq!(trust.pin(&url, root, pins(1), PinMode::Replace).unwrap_err().code(), "revoked");
        }
        assert_eq!(trust.entry(&url).unwrap().pins, [pins(2)]);
        trust.revoke(&url, Pcr::new([2; 48])).unwrap();
        assert_eq!(trust.entry(&url).unwrap_err().code(), "no-pins");
        trust.pin(&url, TrustedRoot::Aws, pins(3), PinMode::Replace).unwrap();
        assert_eq!(trust.entry(&url).unwrap().revoked.len(), 2);
    }

    #[test]
    fn a_file_without_pcr0_is_damaged() {
        let text = r#"{"entries":[{"url":"unix:/x","root":"aws","pins":["8:PIN"]}]}"#;
        let with = |pin: &str| serde_json::from_str::<Trust>(&text.replace("8:PIN", pin));
        assert!(with(&format!("0:{}", "ab".repeat(48))).is_ok());
        for pin in [format!("8:{}", "ab".repeat(48)), format!("0:{}", "00".repeat(48)), String::new()] {
            assert!(with(&pin).is_err(), "{pin}");
        }
    }
}
