//! An object that another image sealed: which object, which images, and what to do about it.
//!
//! A key share opens an object only in the image that sealed it. No other image receives one.

use enclave_core::Pcr;
use enclave_core::encoding::hex;
use enclave_core::parent::{StoreKey, StoreKind};

/// The object, and both images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongImage {
    /// The object.
    pub object: StoreKey,
    /// PCR0 of the image that sealed the object, as the catalogue records it.
    pub sealed: Pcr,
    /// PCR0 of the session's image.
    pub session: Pcr,
}

impl WrongImage {
    /// Compares the image that `sealed` an object with the session's.
    ///
    /// # Errors
    /// The value, if they differ.
    pub fn check(object: &StoreKey, sealed: &Pcr, session: &Pcr) -> Result<(), Box<Self>> {
        if sealed == session {
            return Ok(());
        }
        Err(Box::new(Self { object: *object, sealed: *sealed, session: *session }))
    }

    /// What is wrong, and what to do about it.
    pub fn text(&self) -> String {
        let StoreKey { kind, id, version, .. } = &self.object;
        let (object, instead) = match kind {
            StoreKind::Function => {
                (format!("version {version} of the function {}", hex(id.as_bytes())), "deploy the function to this one")
            }
            StoreKind::VaultKey | StoreKind::Statement => (
                format!("your vault key of epoch {version}"),
                "make a key for this one with `capelet key create --next-epoch` and have data encrypted to it",
            ),
        };
        let [sealed, session] = [&self.sealed, &self.session].map(short);
        format!(
            "{object} was sealed by the image with PCR0 {sealed}…, and {session}… answers here, so nothing was sent: \
             connect to an enclave of the sealing image, or {instead}"
        )
    }
}

/// The first 16 digits of a PCR.
pub fn short(pcr: &Pcr) -> String {
    hex(pcr.as_bytes().first_chunk::<8>().map_or(&[], |first| first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::{ObjectId, OwnerKey};

    #[test]
    fn rejects_every_image_but_the_sealing_one() {
        let [one, two] = [1, 2].map(|byte| Pcr::new([byte; 48]));
        let object = |kind| StoreKey { kind, owner: OwnerKey::new([3; 32]), id: ObjectId::new([4; 16]), version: 5 };
        for (kind, named) in [(StoreKind::Function, "0404"), (StoreKind::VaultKey, "epoch 5")] {
            assert_eq!(WrongImage::check(&object(kind), &one, &one), Ok(()));
            let text = WrongImage::check(&object(kind), &one, &two).unwrap_err().text();
            for part in [named, "PCR0 0101010101010101…", "0202020202020202…", "nothing was sent"] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
