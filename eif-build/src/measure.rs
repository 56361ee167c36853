//! Measurements: what the hypervisor puts into the PCRs, and the hashes that cover the rest.
//!
//! With E(x) = SHA-384(48 zero bytes ‖ x), as AWS defines it: PCR0 = E(SHA-384(kernel ‖ command line ‖
//! ramdisk)); PCR1 the same here, since it covers the first ramdisk and there is one; PCR2 = E(SHA-384 of the
//! ramdisks after the first), here of nothing; PCR8 = E(SHA-384(DER of the signer's certificate)).
//! PCRs cover neither the header nor the metadata; the SHA-256 of the file does.

use sha2::{Digest, Sha256, Sha384};

use crate::error::Error;
use crate::layout::Section;
use crate::read::Image;

/// A PCR's value: SHA-384.
pub type Pcr = [u8; 48];

/// Size and hash of a file or a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// In bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Measured {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }
}

/// What an image measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurements {
    /// The whole image: *the release*.
    pub pcr0: Pcr,
    /// Kernel, command line, first ramdisk: equal to PCR0, there being one.
    pub pcr1: Pcr,
    /// The other ramdisks: the hash of nothing.
    pub pcr2: Pcr,
    /// The signer's certificate; there only if the signature holds.
    pub pcr8: Option<Pcr>,
    /// The whole file.
    pub file: Measured,
    /// Each section without its header, in the order of the file.
    pub sections: Vec<(Section, Measured)>,
}

/// Reads and measures a whole .eif file.
///
/// # Errors
/// Whatever [`Image::parse`] refuses, and a signature that does not hold.
pub fn measure(file: &[u8]) -> Result<Measurements, Error> {
    Measurements::of(&Image::parse(file)?)
}

impl Measurements {
    /// Measures an image, its signature checked against the PCR0 computed here.
    ///
    /// # Errors
    /// [`Error::SignedOtherImage`], [`Error::BadSignature`].
    pub fn of(image: &Image<'_>) -> Result<Self, Error> {
        let pcr0 = pcr0(image);
        let pcr8 = match image.signature() {
            Some(signature) => {
                signature.verify(&pcr0)?;
                Some(extend(Sha384::new_with_prefix(signature.certificate.der())))
            }
            None => None,
        };
        Ok(Self {
            pcr0,
            pcr1: pcr0,
            pcr2: extend(Sha384::new()),
            pcr8,
            file: Measured::of(image.file()),
            sections: image.sections().into_iter().map(|(section, bytes)| (section, Measured::of(bytes))).collect(),
        })
    }

    /// The PCRs that the image decides, by number.
    pub fn pcrs(&self) -> Vec<(u8, &Pcr)> {
        let always = [(0, &self.pcr0), (1, &self.pcr1), (2, &self.pcr2)];
        always.into_iter().chain(self.pcr8.iter().map(|pcr| (8, pcr))).collect()
    }
}

/// PCR0 of an image.
pub fn pcr0(image: &Image<'_>) -> Pcr {
    let parts = Sha384::new().chain_update(image.kernel()).chain_update(image.command_line());
    extend(parts.chain_update(image.ramdisk()))
}

/// One extension of a register that holds zeros, by the digest of what was hashed.
fn extend(hashed: Sha384) -> Pcr {
    Sha384::new_with_prefix([0; 48]).chain_update(hashed.finalize()).finalize().into()
}
