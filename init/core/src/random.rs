//! Random bytes: the kernel's pool and the NSM's, mixed, so that neither alone decides.

use crate::nsm::{self, Nsm};
use enclave_core::error::Down;
use zeroize::Zeroizing;

/// Fills `out`; fails if either source does. The two are independent, so that their sum is as good as the better.
pub fn fill(nsm: &dyn Nsm, out: &mut [u8]) -> Result<(), Down> {
    // aws-lc's generator, seeded by getrandom(2) itself: the crate of that name looks in a static program for a function
    // that it cannot find, and then for /dev/urandom, which an enclave does not have.
    aws_lc_rs::rand::fill(out).map_err(|_| Down::Failed)?;
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
