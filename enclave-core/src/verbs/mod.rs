//! The verbs, each a straight line: read the parameters, authorise, then do it.
//!
//! Whoever asks about what is not his own gets [`Error::Refused`] before anything is loaded, and so does whoever
//! sends parameters that are not of their form. To an owner errors are precise.

mod delete;
mod deploy;
mod list;
mod policy;
mod run;
mod statement;
mod stored;
mod vault;

pub use vault::Pending;

use crate::cbor::{Reader, Writer};
use crate::config::Arn;
use crate::error::{Error, Part};
use crate::message::{self, Request, Verb};
use crate::platform::{Connection, Platform};
use crate::session::{Body, Context};
use crate::status;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// What a verb gives back.
pub struct Reply {
    /// See `status.rs`.
    pub status: u64,
    /// A map of integer keys.
    pub result: Zeroizing<Vec<u8>>,
    /// A signed receipt.
    pub receipt: Option<Vec<u8>>,
    /// A body.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

impl Reply {
    /// Done, with this result.
    pub fn done(result: Vec<u8>) -> Self {
        Self { status: status::DONE, result: Zeroizing::new(result), receipt: None, body: None }
    }

    /// Failed; the result holds the value of a limit or an exit status under 1.
    pub fn failed(error: Error) -> Self {
        let (number, value) = status::of(error);
        let result = value.map_or_else(message::empty, |value| {
            let mut writer = Writer::new();
            writer.map(1).uint(1).uint(value);
            writer.finish()
        });
        Self { status: number, result: Zeroizing::new(result), receipt: None, body: None }
    }
}

/// Runs the verb that is asked for.
pub fn dispatch<P: Platform, C: Connection>(
    context: &mut Context<'_, P>,
    request: &Request,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply, Error> {
    let takes_body = matches!(request.verb, Verb::Deploy | Verb::Run);
    if !takes_body && request.body.is_some() {
        return Err(Error::Refused);
    }
    match request.verb {
        Verb::Deploy => deploy::deploy(context, request, body),
        Verb::Run => run::run(context, request, body),
        Verb::List => list::list(context, request),
        Verb::Delete => delete::delete(context, request),
        Verb::Statement => statement::statement(context, request),
        Verb::VaultCreate => vault::create(context, request),
        Verb::VaultConfirm => vault::confirm(context, request),
        Verb::VaultAttest => vault::attest(context, request),
        Verb::Policy => policy::policy(context, request),
    }
}

/// Reads the parameters of a request; whatever is not of its form is refused.
fn params<T>(request: &Request, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let mut reader = Reader::new(&request.params, Part::Request)?;
    let params = read(&mut reader).and_then(|params| {
        reader.end()?;
        Ok(params)
    });
    params.map_err(|_| Error::Refused)
}

/// The key that a client judged: ARN and digests, under `first`, `first + 1`, `first + 2`.
struct Judged {
    arn: Arn,
    policy: Option<[u8; 48]>,
    describe: Option<[u8; 48]>,
}

impl Judged {
    fn read(reader: &mut Reader<'_>, first: u64) -> Result<Self, Error> {
        reader.key(first)?;
        let arn = Arn::parse(reader.text(crate::config::ARN_MIN, crate::config::ARN_MAX)?)?;
        reader.key(first + 1)?;
        let policy = reader.nullable(Reader::fixed)?;
        reader.key(first + 2)?;
        Ok(Self { arn, policy, describe: reader.nullable(Reader::fixed)? })
    }
}
