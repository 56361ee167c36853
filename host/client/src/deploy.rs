//! Deploying: sealed for the enclave inside TLS, sealed again by it under KMS' half and the owner's, signed by the
//! owner, stored and opened once more before anyone is told.

use crate::error::Error;
use crate::folder;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, Deployed, Function};
use crate::policy;
use crate::random;
use crate::session::{Ask, Session};
use crate::values::Hex;
use enclave_core::cbor::Writer;
use enclave_core::config::Arn;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::object::Kind;
use enclave_core::record::{FUNCTION, FunctionRecord};

/// How to deploy.
pub struct Options<'a> {
    /// Its name in the catalogue: the same again is the next version.
    pub name: &'a str,
    /// A KMS key other than the configuration's.
    pub key: Option<&'a str>,
    /// SHA-384 of the key's policy, hexadecimal, if it must be a certain one.
    pub key_policy_checksum: Option<&'a str>,
    /// Exceptions that are accepted, joined by commas.
    pub accept: Option<&'a str>,
}

/// Deploys a function. It is in the catalogue before it is sent, and confirmed there once the enclave has opened what
/// it stored.
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
    let half = session.half(identity, Kind::Function, &entry.id.0, entry.version);
    let halves = Halves::from([(entry.id.0, half)]);
    let ask = Ask { verb: Verb::Deploy, params: params.finish(), halves, body: Some(&function.bundle) };
    session.demand(identity, ask)?;

    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark(&entry.id, entry.version, &root, Deployed::Confirmed);
        Ok(())
    })?;
    Ok(Function { state: Deployed::Confirmed, ..entry })
}

/// Asks the store to forget a version of a function, and notes that it was asked.
pub fn delete(home: &Home, session: &mut Session, identity: &Identity, id: Hex<16>, version: u64) -> Result<(), Error> {
    let mut params = Writer::new();
    params.map(3).uint(1).uint(Kind::Function as u64).uint(2).bytes(&id.0).uint(3).uint(version);
    let ask = Ask { verb: Verb::Delete, params: params.finish(), halves: Halves::new(), body: None };
    session.demand(identity, ask)?;
    let root = session.root_id();
    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark(&id, version, &root, Deployed::Deleted);
        Ok(())
    })
}
