//! Whole sessions with a client who has keys and signs whatever the fuzzer wants. No signature and no tag stands
//! between the fuzzer and the parameters and bodies of the verbs.
//!
//! - A session ends with an error. After a script that was answered to its end, this error is a closed connection.
//! - One request has one response, with the number and the digest of the request, and with the digest of its own body.
//! - The result of a request that is done has the form of its verb. The result of any other request contains only the
//!   value of the status, and for a run what the function wrote to stderr. Only run and list have a body.
//! - A run has a receipt exactly if a worker was started for it. Statuses 1 to 16 mean that none was started. Status 0
//!   and statuses 17 to 24 mean that one was.
//! - The commitments of a completed run fit the output. Any other run has no output.
//! - A receipt is signed by the key in the session's claims. It names the request, the status, the function and the
//!   caller. Verbs other than run have no receipt.
//! - The caller does not see the stderr of a run with an encrypted input.
//! - A stranger cannot run the owner's function, and cannot change a stored object.
//! - An offered vault key belongs to the caller.

mod client;
mod fixture;
mod request;
mod response;
mod wire;

use crate::identities::{owner, stranger};
use crate::kms::KmsMode;
use crate::platform::FuzzPlatform;
use client::Client;
use enclave_core::{Error, TransportError, session};
use fixture::FIXTURE;

/// The lowest bit of the first byte selects the caller, the owner or a stranger. The rest is the script: requests, each
/// of a verb, flags, and the parts parameters and body. See [`request`].
pub fn check(data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let caller = if first & 1 == 0 { owner() } else { stranger() };
    let platform = FuzzPlatform::new(KmsMode::Honest, FIXTURE.store.clone());
    let boot = platform.boot();
    let mut client = Client::new(&platform, caller, script);
    let end = session::serve(&platform, &boot, &mut client);
    if client.finished() {
        let closed = Err(Error::Transport(TransportError::Closed));
        assert_eq!(end, closed, "the session did not end when the client closed it");
    }
    assert!(end.is_err());
    if caller.owner() != owner().owner() {
        assert!(platform.still_stores(&FIXTURE.store), "a stranger changed a stored object");
    }
}
