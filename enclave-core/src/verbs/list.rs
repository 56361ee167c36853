//! list: {1 kind: 1 functions, 2 vault keys}. The body is [* [id, version]], ascending, as the store has it: the
//! client compares it with its own catalogue, for nobody else can say what is missing.

use super::{Reply, params};
use crate::cbor::Writer;
use crate::error::{Error, Part};
use crate::message::{self, Request};
use crate::parent::{Answer, Kind, MAX_LISTED, Operation};
use crate::platform::Platform;
use crate::rights;
use crate::session::Context;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The most entries of one list.
const MAX_ENTRIES: usize = 1_000_000;

/// See the module.
pub fn list<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let kind = params(request, |reader| {
        reader.map(1)?;
        reader.key(1)?;
        Kind::from_number(reader.uint()?).filter(|kind| *kind != Kind::Statement).ok_or(Error::Refused)
    })?;
    let authorised = rights::owner(&request.caller, &request.caller)?;
    let entries = all(context.platform, kind, authorised.caller())?;
    let mut writer = Writer::new();
    writer.array(entries.len() as u64);
    for (id, version) in &entries {
        writer.array(2).bytes(id).uint(*version);
    }
    let body = Some(Zeroizing::new(writer.finish()));
    Ok(Reply { body, ..Reply::done(message::empty()) })
}

/// Every entry of an owner; pages that do not ascend are a lie.
pub fn all<P: Platform>(platform: &P, kind: Kind, owner: &[u8; 32]) -> Result<Vec<([u8; 16], u64)>, Error> {
    let mut entries: Vec<([u8; 16], u64)> = Vec::new();
    loop {
        let after = entries.last().copied();
        let Answer::Listed(page) = platform.parent(Operation::List { kind, owner: *owner, after })? else {
            return Err(Error::ParentFailed);
        };
        let ascending = after.iter().chain(&page).zip(after.iter().chain(&page).skip(1)).all(|(a, b)| a < b);
        if !ascending || entries.len() + page.len() > MAX_ENTRIES {
            return Err(Error::Malformed(Part::Parent));
        }
        let full = page.len() == MAX_LISTED;
        entries.extend(page);
        if !full {
            return Ok(entries);
        }
    }
}
