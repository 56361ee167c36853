//! deploy: {1 id, 2 version, 3 checksum, 4 ARN, 5 and 6 the digests judged, 7 function-record}; the body is the
//! bundle. Result: nothing. The function is stored, read back and opened before the answer.

use super::{Judged, Reply, params, stored};
use crate::bundle;
use crate::config;
use crate::error::{Error, Part};
use crate::message::{self, Request};
use crate::object::{FunctionRecord, Kind, ObjectAd};
use crate::platform::{Connection, Platform};
use crate::session::{Body, Context};
use crate::{keys, rights, shared};

/// See the module.
pub fn deploy<P: Platform, C: Connection>(
    context: &mut Context<'_, P>,
    request: &Request,
    body: &mut Body<'_, C, P::Crypto>,
) -> Result<Reply, Error> {
    let (id, version, checksum, judged, record) = params(request, |reader| {
        reader.map(7)?;
        reader.key(1)?;
        let id: [u8; 16] = reader.fixed()?;
        reader.key(2)?;
        let version = reader.uint()?;
        reader.key(3)?;
        let checksum: [u8; 32] = reader.fixed()?;
        let judged = Judged::read(reader, 4)?;
        reader.key(7)?;
        Ok((id, version, checksum, judged, reader.item()?.to_vec()))
    })?;
    let authorised = rights::deployer(&request.caller, context.boot.deployers.as_ref())?;
    let owner = *authorised.caller();

    let function = FunctionRecord::verify(&owner, &record)?;
    let agrees = function.id == id && function.version == version && function.checksum == checksum;
    if !agrees || function.arn != judged.arn {
        return Err(Error::Disagrees(Part::Record));
    }
    // The bundle, the object, and what was in it when it is read back.
    body.check(config::MAX_BUNDLE as u64)?;
    let _held = shared::hold(context.platform, body.length().saturating_mul(3))?;
    let bundle = body.read(config::MAX_BUNDLE as u64)?;
    bundle::Bundle::parse(&bundle)?;
    if bundle::checksum(&bundle) != checksum {
        return Err(Error::Disagrees(Part::Bundle));
    }
    keys::unchanged(context.platform, &judged.arn, judged.policy, judged.describe)?;

    let salt = stored::random(context.platform)?;
    let ad = ObjectAd { kind: Kind::Function, owner, id, version, content: checksum, arn: judged.arn, salt: *salt };
    stored::put(context.platform, &authorised, &ad, &record, &bundle, &request.halves)?;
    Ok(Reply::done(message::empty()))
}
