//! delete: {1 kind, 2 id, 3 version}. Asks the store to forget; whether it did nobody can prove, and the client says so.

use super::{Reply, params};
use crate::error::Error;
use crate::message::{self, Request};
use crate::parent::{Answer, Key, Kind, Operation};
use crate::platform::Platform;
use crate::rights;
use crate::session::Context;

/// See the module.
pub fn delete<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let (kind, id, version) = params(request, |reader| {
        reader.map(3)?;
        reader.key(1)?;
        let kind = Kind::from_number(reader.uint()?).ok_or(Error::Refused)?;
        reader.key(2)?;
        let id = reader.fixed()?;
        reader.key(3)?;
        Ok((kind, id, reader.uint()?))
    })?;
    let authorised = rights::owner(&request.caller, &request.caller)?;
    let key = Key { kind, owner: *authorised.caller(), id, version };
    match context.platform.parent(Operation::Delete(key))? {
        Answer::Done => Ok(Reply::done(message::empty())),
        Answer::NotFound => Err(Error::NotFound),
        _ => Err(Error::ParentFailed),
    }
}
