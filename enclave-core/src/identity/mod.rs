//! Owners: their secret, what they sign, and what a caller may do.

mod authorization;
#[cfg(feature = "outside")]
mod owner;
mod records;

pub use authorization::{AuthorisedObject, AuthorisedRun, Deployer, FunctionCaller, OwnerOperation};
#[cfg(feature = "outside")]
pub use owner::Identity;
pub use records::{FUNCTION_RECORD, FunctionRecord, VAULT_RECORD, VaultRecord};
