//! The development KMS: AWS KMS' JSON protocol over TLS, its key policies evaluated, its `Recipient` honoured.
//!
//! Nothing is taken on trust: requests are signed with SigV4, documents are verified against the NSM root that it
//! was started with, and what leaves for a recipient is CMS made by the `openssl` program. Keys lie in its state
//! directory in the clear (0600): this is DEVELOPMENT.

mod attestation;
mod client;
mod cms;
mod grant;
mod http;
mod key;
mod manage;
mod policy;
mod principal;
mod refusal;
mod serve;
mod sigv4;
mod tls;
mod transform;

pub use client::Client;
pub use policy::sealed as sealed_policy;
pub use principal::{ADMINISTRATOR, PARENT, Principal, STRANGER};
pub use refusal::{Refusal, Why};

use crate::authority::make_private_directory;
use crate::{Clock, Error};
use attestation::Attested;
use key::{Key, Keys};
use policy::Context;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A KMS with its keys.
pub struct Kms {
    keys: Mutex<Keys>,
    nsm_roots: Vec<Vec<u8>>,
    sealer: cms::Sealer,
    tls: tls::Tls,
    clock: Clock,
}

/// Who calls, and through which endpoint.
#[derive(Clone, Copy)]
struct Caller<'a> {
    principal: &'static Principal,
    region: &'a str,
}

impl Kms {
    /// The KMS whose keys, TLS root (`kms-root.key`, `kms-root.der`) and so on are in `directory`, made at the first
    /// start. Documents count if they end in one of `nsm_roots` (DER).
    pub fn open(directory: &Path, nsm_roots: Vec<Vec<u8>>) -> Result<Self, Error> {
        Self::with_clock(directory, nsm_roots, Clock::Machine)
    }

    /// The same, with another clock.
    pub fn with_clock(directory: &Path, nsm_roots: Vec<Vec<u8>>, clock: Clock) -> Result<Self, Error> {
        make_private_directory(directory)?;
        for root in &nsm_roots {
            webpki::anchor_from_trusted_cert(&root.as_slice().into()).map_err(|_| Error::NotARoot)?;
        }
        Ok(Self {
            keys: Mutex::new(Keys::load(&directory.join("keys"))?),
            nsm_roots,
            sealer: cms::Sealer::new()?,
            tls: tls::Tls::new(directory)?,
            clock,
        })
    }

    /// The certificate that clients of this KMS trust, as a file in its directory.
    pub fn root_path(directory: &Path) -> PathBuf {
        directory.join("kms-root.der")
    }

    /// Does one operation.
    fn call(&self, caller: Caller<'_>, operation: &str, body: &Map<String, Value>) -> Result<Value, Refusal> {
        match operation {
            "CreateKey" => self.create_key(caller, body),
            "DescribeKey" => self.describe_key(caller, body),
            "GetKeyPolicy" => self.get_key_policy(caller, body),
            "PutKeyPolicy" => self.put_key_policy(caller, body),
            "CreateGrant" => self.create_grant(caller, body),
            "ListGrants" => self.list_grants(caller, body),
            "GenerateDataKey" => self.generate_data_key(caller, body),
            "Encrypt" => self.encrypt(caller, body),
            "Decrypt" => self.decrypt(caller, body),
            _ => Err(Refusal::new(Why::UnknownOperation, "")),
        }
    }

    /// Whether the key's policy or one of its grants lets the caller do this.
    fn authorise(&self, caller: Caller<'_>, key: &Key, call: &Call<'_>) -> Result<(), Refusal> {
        let context = Context {
            principal: caller.principal,
            action: call.action,
            resource: &key.arn,
            pcrs: call.attested.map(|attested| &attested.pcrs),
        };
        let policy = policy::parse(&key.policy).map_err(|()| Refusal::new(Why::Internal, "stored policy"))?;
        let verdict = policy::evaluate(&policy, &context);
        let granted = || key.grants.iter().any(|grant| grant.lets(caller.principal, call.action, call.context));
        if verdict == policy::Verdict::Allowed || (verdict == policy::Verdict::NotAllowed && granted()) {
            return Ok(());
        }
        let because = match verdict {
            policy::Verdict::Denied => "with an explicit deny in a resource-based policy",
            _ => "because no resource-based policy allows the action",
        };
        let (who, action, arn) = (caller.principal.arn, call.action, &key.arn);
        let text = format!("User: {who} is not authorized to perform: kms:{action} on resource: {arn} {because}");
        Err(Refusal::new(Why::AccessDenied, text))
    }

    /// Milliseconds since 1970.
    fn now(&self) -> Result<u64, Refusal> {
        self.clock.now().map_err(|_| Refusal::new(Why::Internal, "clock"))
    }

    /// Seconds since 1970, as KMS writes times.
    fn seconds(&self) -> Result<f64, Refusal> {
        Ok(self.now()? as f64 / 1000.0)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of a key, as its policy and grants see it.
struct Call<'a> {
    action: &'a str,
    attested: Option<&'a Attested>,
    context: &'a Map<String, Value>,
}

impl<'a> Call<'a> {
    /// An operation without document and encryption context.
    fn plain(action: &'a str, nothing: &'a Map<String, Value>) -> Self {
        Self { action, attested: None, context: nothing }
    }
}

/// A member that must be a string of at most `longest` bytes; an absent one is `None`.
fn text<'a>(body: &'a Map<String, Value>, name: &str, longest: usize) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= longest => Ok(Some(text)),
        Some(_) => Err(Refusal::new(Why::Validation, format!("{name} is not a string of 1 to {longest} bytes"))),
    }
}

/// A member that must be there.
fn needed<T>(value: Option<T>, name: &str) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::new(Why::Validation, format!("{name} is missing")))
}

/// Base64, decoded, of 1 to `longest` bytes.
fn blob(body: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let wrong = || Refusal::new(Why::Validation, format!("{name} is not base64 of 1 to {longest} bytes"));
    let Some(text) = text(body, name, longest.div_ceil(3) * 4)? else { return Ok(None) };
    let bytes = data_encoding::BASE64.decode(text.as_bytes()).map_err(|_| wrong())?;
    if bytes.is_empty() || bytes.len() > longest { Err(wrong()) } else { Ok(Some(bytes)) }
}
