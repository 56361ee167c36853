//! Random bytes: the kernel's pool and the NSM's, mixed, so that neither alone determines them.

use crate::nsm::{self, Nsm};
use enclave_core::TransportError;
use zeroize::Zeroizing;

/// Fills `out` with the XOR of both sources; fails if either does. They are independent, so the result is as
/// unpredictable as the better one.
pub(crate) fn fill(nsm: &dyn Nsm, out: &mut [u8]) -> Result<(), TransportError> {
    // aws-lc's generator calls getrandom(2) itself. In a static program the crate `getrandom` looks for a function that
    // is not linked, then for /dev/urandom, which an enclave does not have.
    aws_lc_rs::rand::fill(out).map_err(|_| TransportError::Failed)?;
    let mut rest = out;
    while !rest.is_empty() {
        let drawn = Zeroizing::new(nsm::random(nsm)?);
        let (part, after) = rest.split_at_mut(rest.len().min(drawn.len()));
        for (byte, more) in part.iter_mut().zip(drawn.iter()) {
            *byte ^= more;
        }
        rest = after;
    }
    Ok(())
}
