//! The handlers, one file for each verb. Each reads from top to bottom: parameters, authorization, then the work.
//!
//! A caller who asks about another owner's objects gets [`Error::Refused`] before anything is loaded, and so does one
//! who sends invalid parameters. To an owner, errors are precise.

mod delete;
mod deploy;
mod list;
mod policy;
mod run;
mod statement;
mod stored;
mod vault_attest;
mod vault_confirm;
mod vault_create;
mod vault_offer;

use crate::Error;
use crate::messages::Verb;
use crate::platform::{Connection, Platform};
use crate::session::body::Body;
use crate::session::context::Context;
use crate::session::reply::Reply;
use crate::session::request_error::RequestError;

/// Handles the context's request.
///
/// # Errors
/// [`RequestError`]: with an answer, or ending the connection.
pub(super) fn handle<'p, P: Platform, C: Connection>(
    context: &mut Context<'_, 'p, P>,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply<'p, P>, RequestError> {
    let verb = context.request.verb;
    let takes_body = matches!(verb, Verb::Deploy | Verb::Run);
    if !takes_body && context.request.body.is_some() {
        return Err(Error::Refused.into());
    }
    Ok(match verb {
        Verb::Deploy => deploy::deploy(context, body)?,
        Verb::Run => run::run(context, body)?,
        Verb::List => list::list(context)?,
        Verb::Delete => delete::delete(context)?,
        Verb::Statement => statement::statement(context)?,
        Verb::VaultCreate => vault_create::create(context)?,
        Verb::VaultConfirm => vault_confirm::confirm(context)?,
        Verb::VaultAttest => vault_attest::attest(context)?,
        Verb::Policy => policy::policy(context)?,
    })
}
