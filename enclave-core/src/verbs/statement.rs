//! statement: {1 owner, 2 kid / null}, open to anybody. Result {1 statement}: what the store holds; it proves itself,
//! and the enclave vouches for nothing.

use super::{Reply, list, params, stored};
use crate::cbor::{Reader, Writer};
use crate::error::{Error, Part};
use crate::message::Request;
use crate::parent::{Key, Kind};
use crate::platform::Platform;
use crate::session::Context;
use crate::vault;

/// The longest statement that is passed on, in bytes: with the response it must fit a head.
const MAX_STATEMENT: u64 = 64_000;

/// See the module.
pub fn statement<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let (owner, kid) = params(request, |reader| {
        reader.map(2)?;
        reader.key(1)?;
        let owner: [u8; 32] = reader.fixed()?;
        reader.key(2)?;
        Ok((owner, reader.nullable(Reader::fixed::<32>)?))
    })?;
    let epoch = match kid {
        Some(kid) => {
            let keys = list::all(context.platform, Kind::VaultKey, &owner)?;
            keys.iter().find(|(id, _)| *id == vault::id(&kid)).map(|(_, epoch)| *epoch)
        }
        None => list::all(context.platform, Kind::Statement, &owner)?.last().map(|(_, epoch)| *epoch),
    };
    let version = epoch.ok_or(Error::NotFound)?;
    let key = Key { kind: Kind::Statement, owner, id: [0; 16], version };
    let admit = &mut |length| if length > MAX_STATEMENT { Err(Error::Malformed(Part::Parent)) } else { Ok(()) };
    let statement = stored::load(context.platform, key, admit)?;
    let mut writer = Writer::new();
    writer.map(1).uint(1).bytes(&statement);
    Ok(Reply::done(writer.finish()))
}
