//! Who may do what: one predicate, default deny.
//!
//! F owns the function, V the vault key of an input, C signs the request. A run is admitted iff
//! - code: C = F;
//! - data: for each ciphertext input C = V;
//! - binding: the function's checksum is in the header's list; a header that names none needs F = V.
//!
//! [`Authorised`] is made here alone, from signed records and never from associated data, and neither vault key nor
//! worker can be had without it.

use crate::Error;
use crate::ciphertext::CiphertextHeader;
use crate::record::FunctionRecord;

/// That a caller may do what it asks.
#[derive(Clone, Copy, Debug)]
pub struct Authorised {
    caller: [u8; 32],
    diagnostics: bool,
}

impl Authorised {
    /// Whoever may.
    pub fn caller(&self) -> &[u8; 32] {
        &self.caller
    }

    /// Whether the caller may see what the function writes to stderr: it is hers, and so is all of the input.
    pub fn diagnostics(&self) -> bool {
        self.diagnostics
    }
}

/// A run: `function` from a record whose signature was checked, `inputs` the headers of the ciphertext inputs.
pub fn run(caller: &[u8; 32], function: &FunctionRecord, inputs: &[CiphertextHeader]) -> Result<Authorised, Error> {
    let owner = &function.owner;
    let code = caller == owner;
    let data = inputs.iter().all(|header| *caller == header.owner);
    let binding = inputs.iter().all(|header| match &header.checksums {
        Some(checksums) => checksums.contains(&function.checksum),
        None => header.owner == *owner,
    });
    if code && data && binding {
        return Ok(Authorised { caller: *caller, diagnostics: inputs.is_empty() });
    }
    Err(Error::Refused)
}

/// What only an owner may ask about what is hers.
pub fn owner(caller: &[u8; 32], owner: &[u8; 32]) -> Result<Authorised, Error> {
    if caller == owner { Ok(Authorised { caller: *caller, diagnostics: true }) } else { Err(Error::Refused) }
}

/// Deploying and making vault keys: whoever stands in the list of the configuration, if there is one.
pub fn deployer(caller: &[u8; 32], deployers: Option<&crate::config::Deployers>) -> Result<Authorised, Error> {
    match deployers {
        Some(list) if !list.allowed(caller) => Err(Error::Refused),
        _ => Ok(Authorised { caller: *caller, diagnostics: true }),
    }
}
