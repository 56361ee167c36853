//! Deploys and deletes functions.
//!
//! The client encrypts the bundle to the enclave inside TLS, and signs a record of it. The enclave encrypts the bundle
//! under KMS's key share and the owner's, stores it, and decrypts the stored bytes once before it answers.

use crate::error::Error;
use crate::folder;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, Deployed, Function};
use crate::policy;
use crate::random;
use crate::session::{RequestSpec, Session};
use crate::values::Hex;
use enclave_core::cbor::Writer;
use enclave_core::config::Arn;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::object::Kind;
use enclave_core::record::{FUNCTION, FunctionRecord};

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
pub fn deploy(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &folder::Function,
    options: &Options<'_>,
) -> Result<Function, Error> {
    let arn = options.key.map(Arn::parse).transpose()?;
    let key = policy::read(home, session, identity, arn.as_ref())?;
    policy::check(key.policy, options.key_policy_checksum)?;
    policy::accept(&key.exceptions(), options.accept)?;

    let (root, url, fresh) = (session.root_id(), session.url().to_string(), random::bytes()?);
    let time = session.now();
    let entry = home.update(|catalogue: &mut Catalogue| {
        let (id, version) = catalogue.next_version(options.name, &url, &root, fresh);
        let (name, arn, checksum) = (options.name.to_owned(), key.arn.text().to_owned(), function.checksum);
        let entry = Function { name, id, version, checksum, arn, url, root, time, state: Deployed::Started };
        catalogue.begin(entry.clone())?;
        Ok(entry)
    })?;

    let record = FunctionRecord {
        owner: identity.owner(),
        id: entry.id.0,
        version: entry.version,
        checksum: entry.checksum.0,
        issued: time,
        arn: key.arn.clone(),
    };
    let record = identity.sign1(FUNCTION, &[], &record.encode());
    let mut params = Writer::new();
    params.map(7).uint(1).bytes(&entry.id.0).uint(2).uint(entry.version).uint(3).bytes(&entry.checksum.0);
    key.write(&mut params, 4);
    params.uint(7).item(&record);
    let key_share = session.key_share(identity, Kind::Function, &entry.id.0, entry.version);
    let key_shares = Halves::from([(entry.id.0, key_share)]);
    let request = RequestSpec { verb: Verb::Deploy, params: params.finish(), key_shares, body: Some(&function.bundle) };
    session.send_expect_ok(identity, request)?;

    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark(&entry.id, entry.version, &root, Deployed::Confirmed);
        Ok(())
    })?;
    Ok(Function { state: Deployed::Confirmed, ..entry })
}

/// Asks the store to delete a version of a function, and records the request in the catalogue. The store may ignore it.
pub fn delete(home: &Home, session: &mut Session, identity: &Identity, id: Hex<16>, version: u64) -> Result<(), Error> {
    let mut params = Writer::new();
    params.map(3).uint(1).uint(Kind::Function as u64).uint(2).bytes(&id.0).uint(3).uint(version);
    let request = RequestSpec { verb: Verb::Delete, params: params.finish(), key_shares: Halves::new(), body: None };
    session.send_expect_ok(identity, request)?;
    let root = session.root_id();
    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark(&id, version, &root, Deployed::Deleted);
        Ok(())
    })
}
