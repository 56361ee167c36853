//! Whole sessions with a client who has keys and signs whatever the fuzzer wants. No signature and no tag stands
//! between the fuzzer and the parameters and bodies of the verbs.
//!
//! - A session ends with an error. After a script that was answered to its end, this error is a closed connection.
//! - One request has one response, with the number and the digest of the request, and with the digest of its own body.
//! - The result of a request that is done has the form of its verb. The result of any other request contains only the
//!   value of the status, and for a run what the function wrote to stderr. Only run, list and policy have a body.
//! - A run has a receipt exactly if a worker was started for it. Statuses 1 to 16 mean that none was started. Status 0,
//!   statuses 17 to 24 and status 39 mean that one was.
//! - The commitments of a completed run fit the output. Any other run has no output. The commitments to inputs fit
//!   those that came as plaintext. An encrypted file has a commitment of its own, which fits it; plaintext has none.
//! - A receipt is signed by the key in the session's claims. It names the request, the status, the function and the
//!   caller. Verbs other than run have no receipt.
//! - The caller does not see the stderr of a run with an encrypted input.
//! - No object is sealed or opened without its owner's share for its kind, owner, id and version. The request may
//!   contain the same share for another kind, owner or version.
//! - No object is opened that another image sealed, and none is sealed with a record that names another image. Only
//!   such a request is answered with `wrong-image`.
//! - A stranger cannot run the owner's function, and cannot change a stored object. If there is a list of deployers, a
//!   stranger cannot deploy, make a vault key, or name a key other than the configuration's to ask for its policy.
//! - Nobody can ask for the policy of the key of a statement that its owner did not sign.
//! - An offered vault key belongs to the caller, names the enclave's image alone, and repeats epoch and previous key.
//! - A caller takes one place. Without a place, every request is answered with `busy`.
//! - After each answer the connection is told that the transfer is over.
//! - No memory is reserved after the session.

mod client;
mod fixture;
mod request;
mod response;
mod wire;

use crate::identities::{owner, stranger};
use crate::kms::KmsMode;
use crate::platform::{FuzzPlatform, MEMORY};
use client::Client;
use enclave_core::{Error, TransportError, session};
use fixture::FIXTURE;

/// The first byte: bit 0 selects the caller, the owner or a stranger. Bit 1 is set if the enclave has a configuration
/// and a list of deployers, which contains only the owner. Bit 2 is set if the connection has no place for the caller.
/// Bits 4–7 are how often the memory is halved. The rest is the script: requests, each of a verb, flags, and the parts
/// parameters and body. See [`request`].
pub fn check(data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let caller = if first & 1 == 0 { owner() } else { stranger() };
    let platform = FuzzPlatform::new(KmsMode::Honest, FIXTURE.store.clone()).with_memory(MEMORY >> (first >> 4));
    let platform = if first & 2 == 0 { platform } else { platform.with_deployer(owner().owner()) };
    let boot = platform.boot();
    let mut client = Client::new(&platform, caller, first & 4 == 0, script);
    let end = session::serve(&platform, &boot, &mut client);
    if client.finished() {
        let closed = Err(Error::Transport(TransportError::Closed));
        assert_eq!(end, closed, "the session did not end when the client closed it");
    }
    assert!(end.is_err());
    assert!(platform.all_memory_is_free(), "the session has ended, and memory is still reserved");
    if caller.owner() != owner().owner() {
        assert!(platform.still_stores(&FIXTURE.store), "a stranger changed a stored object");
    }
}
