//! policy: the texts of a KMS key whose digests the claims contain.

use crate::Error;
use crate::kms::{KeyReading, read_key};
use crate::messages::{PolicyParams, PolicyResult};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::reply::Reply;

pub(super) fn policy<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let PolicyParams { arn } = context.request.params()?;
    let configured = context.boot.parsed.as_ref().map(|configuration| configuration.arn.clone());
    let arn = arn.or(configured).ok_or(Error::NotFound)?;
    let KeyReading { policy, metadata, .. } = read_key(context.platform, &arn)?;
    Ok(Reply::done(PolicyResult { policy, metadata }.encode()))
}
