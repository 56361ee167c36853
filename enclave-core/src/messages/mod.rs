//! The conversation inside TLS: hello, requests, responses, and one file for each verb's parameters and result.

mod body;
mod delete;
mod deploy;
mod head;
mod hello;
mod list;
mod policy;
mod request;
mod response;
mod run;
mod run_status;
mod statement;
mod status;
mod vault_attest;
mod vault_confirm;
mod vault_create;

pub use body::{BodyDigest, check_body};
pub use delete::DeleteParams;
pub use deploy::DeployParams;
pub use head::{MAX_HEAD, empty_map, split_head};
pub use hello::{ALPN, Hello, MessagePair, SessionSecrets, VERSION, encode_evidence};
#[cfg(feature = "outside")]
pub use hello::{check_session_claims, parse_evidence};
#[cfg(feature = "outside")]
pub use list::parse_list;
pub use list::{ListParams, MAX_LIST_ENTRIES, encode_list};
pub use policy::{PolicyParams, PolicyTexts};
pub use request::{KeyShares, MAX_KEY_SHARES, Params, REQUEST, Request, Verb, VerifiedRequest, request_digest};
pub use response::Response;
pub use run::{RunInput, RunParams, RunResult};
pub use run_status::{RunFailure, RunStatus};
pub use statement::{StatementParams, StatementResult};
pub use status::Status;
pub use vault_attest::VaultAttestParams;
pub use vault_confirm::VaultConfirmParams;
pub use vault_create::{VaultCreateParams, VaultOffer};
