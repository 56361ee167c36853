//! What a document's PCRs are compared with.

use crate::Error;
use crate::document::Pcr;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The PCRs of one build of an image. PCR0 is the build; the others narrow it down (8 its signer, 3 the parent's
/// role, 4 the parent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pcr0: Pcr,
    others: BTreeMap<u8, Pcr>,
}

impl Build {
    /// A build by its PCR0 and, by index, whichever others are to be compared. Zeros are refused: in PCR0–2 they are
    /// debug mode ([`Error::DebugMode`]), in another they pin nothing ([`Error::NoPins`]).
    pub fn new(pcr0: Pcr, others: BTreeMap<u8, Pcr>) -> Result<Self, Error> {
        if pcr0 == [0; 48] {
            return Err(Error::DebugMode);
        }
        match others.iter().find(|(_, value)| **value == [0; 48]) {
            Some((0..=2, _)) => Err(Error::DebugMode),
            Some(_) => Err(Error::NoPins),
            None => Ok(Self { pcr0, others }),
        }
    }

    /// Its PCR0.
    pub fn pcr0(&self) -> &Pcr {
        &self.pcr0
    }

    /// The other PCRs that it pins.
    pub fn others(&self) -> &BTreeMap<u8, Pcr> {
        &self.others
    }

    /// The first index at which `pcrs` are not this build's.
    fn mismatch(&self, pcrs: &BTreeMap<u8, Pcr>) -> Option<u8> {
        let pinned = core::iter::once((&0, &self.pcr0)).chain(&self.others);
        pinned.into_iter().find(|(index, value)| pcrs.get(index) != Some(value)).map(|(index, _)| *index)
    }
}

/// The builds that are trusted, at least one, and those that no longer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    builds: Vec<Build>,
    revoked: Vec<Pcr>,
}

impl Pins {
    /// Pins of these builds, less those whose PCR0 is among `revoked`. None at all is [`Error::NoPins`].
    pub fn new(builds: Vec<Build>, revoked: Vec<Pcr>) -> Result<Self, Error> {
        if builds.is_empty() { Err(Error::NoPins) } else { Ok(Self { builds, revoked }) }
    }

    /// The builds.
    pub fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// Which build `pcrs` are of. Debug mode comes first, for its zeros could be pinned by mistake elsewhere; then
    /// revocation, which a pin does not lift.
    pub(super) fn judge(&self, pcrs: &BTreeMap<u8, Pcr>) -> Result<usize, Error> {
        for index in 0..=2 {
            match pcrs.get(&index) {
                None => return Err(Error::PcrMismatch(index)),
                Some(value) if *value == [0; 48] => return Err(Error::DebugMode),
                Some(_) => {}
            }
        }
        if self.revoked.iter().any(|revoked| pcrs.get(&0) == Some(revoked)) {
            return Err(Error::Revoked);
        }
        let mut furthest = 0;
        for (position, build) in self.builds.iter().enumerate() {
            match build.mismatch(pcrs) {
                None => return Ok(position),
                // The build that came nearest says what is wrong.
                Some(index) => furthest = furthest.max(index),
            }
        }
        Err(Error::PcrMismatch(furthest))
    }
}
