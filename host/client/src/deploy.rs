//! Deploys and deletes functions.
//!
//! The client encrypts the bundle to the enclave inside TLS, and signs a record of it. The enclave encrypts the bundle
//! under KMS's data key and the owner's key share, stores it, and decrypts the stored bytes once before it answers.

use crate::error::Error;
use crate::folder::FunctionBundle;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, DeploymentState, FunctionEntry};
use crate::learn;
use crate::listing::request_list;
use crate::policy::{self, KeyChoice};
use crate::random;
use crate::session::{RequestSpec, Session};
use crate::values::Hex;
use enclave_core::ObjectId;
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, Identity};
use enclave_core::kms::Arn;
use enclave_core::messages::{DeleteParams, DeployParams};
use enclave_core::objects::ObjectKind;
use enclave_core::parent::{StoreKey, StoreKind};

/// The options of a deployment.
pub struct Options<'a> {
    /// The function's name in the catalogue. An existing name gets the next version.
    pub name: &'a str,
    /// The ARN of a KMS key; `None` stands for the key of the enclave's configuration.
    pub key: Option<&'a str>,
    /// The SHA-384 that the key's policy must have, hexadecimal; `None` accepts any policy.
    pub key_policy_checksum: Option<&'a str>,
    /// The exceptions that are accepted, separated by commas.
    pub accept: Option<&'a str>,
}

/// Deploys a function.
///
/// The catalogue records it before it is sent, and confirms it after the enclave has decrypted the stored bytes.
///
/// # Errors
/// [`Error::NotAccepted`] and [`Error::KeyChanged`] for exceptions that are not accepted; [`Error::Local`] for an invalid
/// ARN, or for another policy than the wanted one; [`Error::Answered`] if the enclave refuses; those of [`policy::read`],
/// [`Home::update_of`] and [`Session::send`].
pub fn deploy(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &FunctionBundle,
    options: &Options<'_>,
) -> Result<FunctionEntry, Error> {
    let arn = options.key.map(Arn::parse).transpose()?;
    let choice = arn.as_ref().map_or(KeyChoice::Configured, KeyChoice::Named);
    let key = policy::read(home, session, identity, choice)?;
    policy::check(key.policy, options.key_policy_checksum)?;
    let (owner, root) = (identity.owner(), session.root_id());
    learn::accepted_texts(home, session, identity, key.arn.text())?;
    policy::accept_as_owner(home, session, &owner, &key, options.key.is_some(), options.accept)?;

    let stored = request_list(session, identity, ObjectKind::Function)?;
    let (url, fresh) = (session.url().to_string(), ObjectId::new(random::bytes()?));
    let (checksum, time, image) = (function.checksum, session.now(), *session.image());
    let entry = home.update_of(&owner, |catalogue: &mut Catalogue| {
        let (id, version) = catalogue.next_version(options.name, &url, &root, &stored, fresh);
        let entry = FunctionEntry {
            name: options.name.to_owned(),
            id: Hex(id),
            version,
            checksum: Hex(checksum),
            arn: key.arn.text().to_owned(),
            url,
            root: Hex(root),
            image: Hex(image),
            time,
            state: DeploymentState::Started,
        };
        catalogue.begin(entry.clone())?;
        Ok(entry)
    })?;
    let (id, version) = (entry.id.0, entry.version);

    let arn = key.arn.clone();
    let record = FunctionRecord { owner, id, version, checksum, issued: time, arn, image };
    let record = identity.sign1(FUNCTION_RECORD, &[], &record.encode());
    let object = StoreKey { kind: StoreKind::Function, owner, id, version };
    let key_shares = session.key_shares(identity, &object, &image)?;
    let params = DeployParams { id, version, checksum, key, record };
    let request = RequestSpec::new(&params).with_key_shares(key_shares).with_body(&function.bundle);
    session.send_expect_ok(identity, request)?;

    home.update_of(&owner, |catalogue: &mut Catalogue| {
        catalogue.mark(&id, version, &root, DeploymentState::Confirmed);
        Ok(())
    })?;
    Ok(FunctionEntry { state: DeploymentState::Confirmed, ..entry })
}

/// Asks the store to delete a version of a function, and records the request in the catalogue. The store may ignore it.
///
/// # Errors
/// [`Error::Answered`] if the enclave refuses or the store does not have the function; those of [`Session::send`] and
/// [`Home::update_of`].
pub fn delete(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    id: ObjectId,
    version: u64,
) -> Result<(), Error> {
    let params = DeleteParams { kind: StoreKind::Function, id, version };
    session.send_expect_ok(identity, RequestSpec::new(&params))?;
    let root = session.root_id();
    home.update_of(&identity.owner(), |catalogue: &mut Catalogue| {
        catalogue.mark(&id, version, &root, DeploymentState::Deleted);
        Ok(())
    })
}
