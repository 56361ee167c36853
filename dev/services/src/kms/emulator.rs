//! The emulator: its state, the dispatch of operations, and the authorization of a call.

use super::attestation::Attested;
use super::key::{Key, Keys};
use super::policy::{Context, Verdict, evaluate, parse};
use super::principal::Principal;
use super::refusal::{Exception, Refusal};
use super::{cms, tls};
use crate::private_files::make_directory;
use crate::{Clock, Error};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A KMS with its keys.
pub struct Kms {
    keys: Mutex<Keys>,
    pub(super) nsm_roots: Vec<Vec<u8>>,
    pub(super) sealer: cms::Sealer,
    pub(super) tls: tls::Tls,
    pub(super) clock: Clock,
}

/// The principal of a call, and the region of the endpoint that it used.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub principal: &'static Principal,
    pub region: &'a str,
}

impl Kms {
    /// Opens the KMS whose state is in `directory`: its keys, and its TLS root in `kms-root.key` and `kms-root.der`.
    ///
    /// The first start makes the directory and the root. A document is accepted if its chain ends in one of `nsm_roots`
    /// (DER).
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotARoot`], [`Error::StoredKey`], [`Error::RootMismatch`], [`Error::Certificate`],
    /// [`Error::Tls`], [`Error::Connection`] if no folder for temporary files can be used.
    pub fn open(directory: &Path, nsm_roots: Vec<Vec<u8>>) -> Result<Self, Error> {
        Self::with_clock(directory, nsm_roots, Clock::Machine)
    }

    /// The same as [`Kms::open`], with another time source.
    ///
    /// # Errors
    /// Those of [`Kms::open`].
    pub fn with_clock(directory: &Path, nsm_roots: Vec<Vec<u8>>, clock: Clock) -> Result<Self, Error> {
        make_directory(directory)?;
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

    /// The file in the state directory with the root certificate that clients of this KMS trust.
    pub fn root_path(directory: &Path) -> PathBuf {
        directory.join("kms-root.der")
    }

    /// Runs one operation.
    ///
    /// # Errors
    /// Every refusal of the operation.
    pub(super) fn call(
        &self,
        caller: Caller<'_>,
        operation: &str,
        body: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
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
            _ => Err(Refusal::new(Exception::UnknownOperation, "")),
        }
    }

    /// Checks that the key's policy or one of its grants allows the call.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) fn authorize(&self, caller: Caller<'_>, key: &Key, call: &Call<'_>) -> Result<(), Refusal> {
        let context = Context {
            principal: caller.principal,
            action: call.action,
            resource: &key.arn,
            pcrs: call.attested.map(|attested| &attested.pcrs),
        };
        let policy = parse(&key.policy).map_err(|()| Refusal::internal("the stored policy of the key is invalid"))?;
        let verdict = evaluate(&policy, &context);
        let granted = || key.grants.iter().any(|grant| grant.allows(caller.principal, call.action, call.context));
        if verdict == Verdict::Allowed || (verdict == Verdict::NotAllowed && granted()) {
            return Ok(());
        }
        let because = match verdict {
            Verdict::Denied => "with an explicit deny in a resource-based policy",
            _ => "because no resource-based policy allows the action",
        };
        let (who, action, arn) = (caller.principal.arn, call.action, &key.arn);
        let text = format!("User: {who} is not authorized to perform: kms:{action} on resource: {arn} {because}");
        Err(Refusal::new(Exception::AccessDenied, text))
    }

    /// The time, in milliseconds since 1970.
    ///
    /// # Errors
    /// `KMSInternalException`.
    pub(super) fn now(&self) -> Result<u64, Refusal> {
        self.clock.now().map_err(|error| Refusal::internal(error.to_string()))
    }

    /// The time in the form of KMS: seconds since 1970, with a fraction.
    ///
    /// # Errors
    /// `KMSInternalException`.
    pub(super) fn seconds(&self) -> Result<f64, Refusal> {
        Ok(self.now()? as f64 / 1000.0)
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The facts about a call that the key's policy and grants depend on.
pub(super) struct Call<'a> {
    /// The operation.
    pub action: &'a str,
    /// The verified document, if there is one.
    pub attested: Option<&'a Attested>,
    /// The encryption context.
    pub context: &'a Map<String, Value>,
}

impl<'a> Call<'a> {
    /// A call without a document. `nothing` is an empty encryption context.
    pub fn plain(action: &'a str, nothing: &'a Map<String, Value>) -> Self {
        Self { action, attested: None, context: nothing }
    }
}
