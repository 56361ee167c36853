//! deploy: seals and stores a function of the caller.

use crate::configuration::MAX_BUNDLE;
use crate::identity::{Deployer, FunctionRecord};
use crate::kms::unchanged_key;
use crate::messages::DeployParams;
use crate::objects::{Bundle, ObjectAd, ObjectContent};
use crate::platform::{Connection, Platform};
use crate::session::body::Body;
use crate::session::context::Context;
use crate::session::handlers::stored;
use crate::session::reply::Reply;
use crate::session::request_error::RequestError;
use crate::types::Checksum;
use crate::{Error, MessageKind};

pub(super) fn deploy<'p, P: Platform, C: Connection>(
    context: &mut Context<'_, 'p, P>,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply<'p, P>, RequestError> {
    let DeployParams { id, version, checksum, key, record } = context.request.params()?;
    let deployer = Deployer::new(context.request, context.boot.deployers.as_ref())?;
    let owner = deployer.caller();

    let function = FunctionRecord::verify(&owner, &record)?;
    let agrees = function.id == id && function.version == version && function.checksum == checksum;
    if !agrees || function.arn != key.arn {
        return Err(Error::Mismatch(MessageKind::Record).into());
    }
    if function.image != context.boot.image {
        return Err(Error::WrongImage.into());
    }
    // For the bundle, the object, and the content that is read back.
    body.check(MAX_BUNDLE as u64)?;
    let _reservation = context.reserve(body.length().saturating_mul(3))?;
    let bundle = body.read(MAX_BUNDLE as u64)?;
    Bundle::parse(&bundle)?;
    if Checksum::of(&bundle) != checksum {
        return Err(Error::Mismatch(MessageKind::Bundle).into());
    }
    unchanged_key(context.platform, context.boot, &key)?;

    let content = ObjectContent::Function(checksum);
    let authorised = deployer.object(id, version, content);
    let (salt, image) = (*stored::random(context.platform)?, function.image);
    let ad = ObjectAd { content, owner, id, version, arn: key.arn, salt, image };
    stored::put(context, &authorised, &ad, &record, &bundle)?;
    Ok(Reply::empty())
}
