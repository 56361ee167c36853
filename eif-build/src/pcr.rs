//! A platform configuration register (PCR): its value, and how the hypervisor fills it.

use sha2::{Digest, Sha384};

/// The value of a PCR: a SHA-384 digest of 48 bytes.
pub type Pcr = [u8; 48];

/// The value of a register that held zeros and was extended once.
///
/// AWS defines it as E(x) = SHA-384(48 zero bytes ‖ x), where x is the digest of what `measured` has hashed.
pub(crate) fn extend_zeros(measured: Sha384) -> Pcr {
    Sha384::new_with_prefix([0; 48]).chain_update(measured.finalize()).finalize().into()
}
