//! policy: {? 1 ARN}, open to anybody. Result {1 policy text / null, 2 describe / null}: the texts of which the claims
//! hold digests; the client judges them.

use super::{Reply, params};
use crate::cbor::Writer;
use crate::config::{ARN_MAX, ARN_MIN, Arn};
use crate::error::Error;
use crate::keys;
use crate::message::Request;
use crate::platform::Platform;
use crate::session::Context;

/// See the module.
pub fn policy<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let named = params(request, |reader| match reader.any_map()? {
        0 => Ok(None),
        1 => {
            reader.key(1)?;
            Arn::parse(reader.text(ARN_MIN, ARN_MAX)?).map(Some)
        }
        _ => Err(Error::Refused),
    })?;
    let configured = context.boot.parsed.as_ref().map(|configuration| configuration.arn.clone());
    let arn = named.or(configured).ok_or(Error::NotFound)?;
    let reading = keys::read(context.platform, &arn)?;
    let mut writer = Writer::new();
    writer.map(2).uint(1).nullable(reading.policy.as_deref(), |writer, text| {
        writer.text(text);
    });
    writer.uint(2).nullable(reading.describe.as_deref(), |writer, facts| {
        writer.bytes(facts);
    });
    Ok(Reply::done(writer.finish()))
}
