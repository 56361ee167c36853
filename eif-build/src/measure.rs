//! Measurements of an image: the PCRs that the hypervisor computes, and hashes of what no PCR covers.
//!
//! AWS defines the PCRs of an image with E(x) = SHA-384(48 zero bytes ‖ x):
//!
//! | register | value | in the images that this crate reads |
//! |---|---|---|
//! | PCR0 | E(SHA-384(kernel ‖ command line ‖ ramdisks)) | one ramdisk |
//! | PCR1 | E(SHA-384(kernel ‖ command line ‖ first ramdisk)) | equal to PCR0 |
//! | PCR2 | E(SHA-384(ramdisks after the first)) | a constant: there is no second ramdisk |
//! | PCR8 | E(SHA-384(DER of the signer's certificate)) | absent without a signature |
//!
//! PCRs cover neither the header nor the metadata. The SHA-256 of the file covers both.

use sha2::{Digest, Sha256, Sha384};

use crate::error::Error;
use crate::image::Image;
use crate::layout::Section;
use crate::pcr::{Pcr, extend_zeros};

/// The size and the hash of a file, of a section or of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 digest.
    pub sha256: [u8; 32],
}

impl ContentDigest {
    /// Measures these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }
}

/// The measurements of an image.
///
/// A value of this type proves that a signature, if the image has one, is valid for its certificate's key and for this
/// PCR0. It does not prove that the certificate is the expected one or that it has not expired: see [`crate::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurements {
    /// PCR0: kernel, command line and ramdisk. This value identifies a release.
    pub pcr0: Pcr,
    /// PCR1: kernel, command line and first ramdisk. It equals PCR0, because there is one ramdisk.
    pub pcr1: Pcr,
    /// PCR2: the ramdisks after the first. It is a constant, because there are none.
    pub pcr2: Pcr,
    /// PCR8: the signer's certificate. `None` if the image is not signed.
    pub pcr8: Option<Pcr>,
    /// The whole file.
    pub file: ContentDigest,
    /// Each section without its header, in the order of the file.
    pub sections: Vec<(Section, ContentDigest)>,
}

/// Reads and measures a whole .eif file.
///
/// # Errors
/// Every error of [`Image::parse`] and of [`Measurements::of`].
pub fn measure(file: &[u8]) -> Result<Measurements, Error> {
    Measurements::of(&Image::parse(file)?)
}

impl Measurements {
    /// Measures an image. A signature is verified against the PCR0 that this function computes.
    ///
    /// # Errors
    /// [`Error::SignedOtherImage`], [`Error::BadSignature`].
    pub fn of(image: &Image<'_>) -> Result<Self, Error> {
        let pcr0 = pcr0(image);
        let pcr8 = match image.signature() {
            Some(signature) => {
                signature.verify(&pcr0)?;
                Some(extend_zeros(Sha384::new_with_prefix(signature.certificate.der())))
            }
            None => None,
        };
        Ok(Self {
            pcr0,
            pcr1: pcr0,
            pcr2: extend_zeros(Sha384::new()),
            pcr8,
            file: ContentDigest::of(image.file()),
            sections: image
                .sections()
                .into_iter()
                .map(|(section, bytes)| (section, ContentDigest::of(bytes)))
                .collect(),
        })
    }

    /// The PCRs that depend on the image alone, each with its number.
    pub fn pcrs(&self) -> Vec<(u8, &Pcr)> {
        let always = [(0, &self.pcr0), (1, &self.pcr1), (2, &self.pcr2)];
        always.into_iter().chain(self.pcr8.iter().map(|pcr| (8, pcr))).collect()
    }
}

/// The PCR0 of an image.
pub fn pcr0(image: &Image<'_>) -> Pcr {
    let parts = Sha384::new().chain_update(image.kernel()).chain_update(image.command_line());
    extend_zeros(parts.chain_update(image.ramdisk()))
}
