//! The pins: what a document's PCRs are compared with.

use crate::Error;
use crate::types::Pcr;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The PCRs of one build of an image. PCR0 is the whole image. The others narrow it down: PCR8 is its signer, PCR3 the
/// parent's role, PCR4 the parent instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pcr0: Pcr,
    others: BTreeMap<u8, Pcr>,
}

impl Build {
    /// A build by its PCR0 and, by index, the other PCRs to compare.
    ///
    /// # Errors
    /// [`Error::DebugMode`] for zeros in PCR0, PCR1 or PCR2, which are debug mode; [`Error::ZeroPin`] for zeros in
    /// another PCR, which pin nothing.
    pub fn new(pcr0: Pcr, others: BTreeMap<u8, Pcr>) -> Result<Self, Error> {
        if pcr0 == Pcr::ZERO {
            return Err(Error::DebugMode);
        }
        match others.iter().find(|(_, value)| **value == Pcr::ZERO) {
            Some((0..=2, _)) => Err(Error::DebugMode),
            Some((index, _)) => Err(Error::ZeroPin(*index)),
            None => Ok(Self { pcr0, others }),
        }
    }

    /// PCR0.
    pub fn pcr0(&self) -> &Pcr {
        &self.pcr0
    }

    /// The other pinned PCRs, by index.
    pub fn others(&self) -> &BTreeMap<u8, Pcr> {
        &self.others
    }

    /// The first index at which `pcrs` differ from this build.
    fn mismatch(&self, pcrs: &BTreeMap<u8, Pcr>) -> Option<u8> {
        let pinned = core::iter::once((&0, &self.pcr0)).chain(&self.others);
        pinned.into_iter().find(|(index, value)| pcrs.get(index) != Some(value)).map(|(index, _)| *index)
    }
}

/// The builds that are trusted, at least one, and the revoked ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    builds: Vec<Build>,
    revoked: Vec<Pcr>,
}

impl Pins {
    /// Pins of these builds. A build whose PCR0 is in `revoked` stays in the list and is rejected at verification, with
    /// [`Error::Revoked`].
    ///
    /// # Errors
    /// [`Error::NoPins`] without a build.
    pub fn new(builds: Vec<Build>, revoked: Vec<Pcr>) -> Result<Self, Error> {
        if builds.is_empty() { Err(Error::NoPins) } else { Ok(Self { builds, revoked }) }
    }

    /// The builds.
    pub fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// The position of the build that `pcrs` belong to. Debug mode is checked first, because its zeros could be pinned
    /// by mistake; then revocation, because a pin does not lift it.
    ///
    /// # Errors
    /// [`Error::DebugMode`], [`Error::Revoked`], [`Error::PcrMismatch`].
    pub(super) fn find(&self, pcrs: &BTreeMap<u8, Pcr>) -> Result<usize, Error> {
        for index in 0..=2 {
            match pcrs.get(&index) {
                None => return Err(Error::PcrMismatch(index)),
                Some(value) if *value == Pcr::ZERO => return Err(Error::DebugMode),
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
                // The build that came nearest names the PCR.
                Some(index) => furthest = furthest.max(index),
            }
        }
        Err(Error::PcrMismatch(furthest))
    }

    /// Checks an image that is known by its PCR0 alone, for example because a vault key's claims name it.
    ///
    /// It proves that the image is pinned and not revoked today. Other PCRs of the build are not compared.
    ///
    /// # Errors
    /// [`Error::DebugMode`], [`Error::Revoked`], [`Error::PcrMismatch`], in this order.
    pub fn check_image(&self, pcr0: &Pcr) -> Result<(), Error> {
        if *pcr0 == Pcr::ZERO {
            return Err(Error::DebugMode);
        }
        if self.revoked.contains(pcr0) {
            return Err(Error::Revoked);
        }
        if self.builds.iter().any(|build| build.pcr0 == *pcr0) { Ok(()) } else { Err(Error::PcrMismatch(0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_must_be_pinned_and_not_revoked() {
        let [one, two, three] = [1, 2, 3].map(|byte| Pcr::new([byte; 48]));
        let build = |pcr0| Build::new(pcr0, BTreeMap::from([(8, Pcr::new([8; 48]))])).unwrap();
        let pins = Pins::new(alloc::vec![build(one), build(two)], alloc::vec![two]).unwrap();
        assert_eq!(pins.builds(), [build(one), build(two)]);
        assert_eq!((pins.builds()[0].pcr0(), pins.builds()[0].others().get(&8)), (&one, Some(&Pcr::new([8; 48]))));
        assert_eq!(pins.check_image(&one), Ok(()));
        assert_eq!(pins.check_image(&two), Err(Error::Revoked));
        assert_eq!(pins.check_image(&three), Err(Error::PcrMismatch(0)));
        assert_eq!(pins.check_image(&Pcr::ZERO), Err(Error::DebugMode));
    }
}
