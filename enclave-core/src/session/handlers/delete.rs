//! delete: asks the store to delete an object of the caller. Whether it did cannot be proved, and the client says so.

use crate::Error;
use crate::identity::OwnerOperation;
use crate::messages::DeleteParams;
use crate::parent::{Answer, Operation};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::session::reply::Reply;

pub(super) fn delete<'p, P: Platform>(context: &mut Context<'_, 'p, P>) -> Result<Reply<'p, P>, Error> {
    let DeleteParams { kind, id, version } = context.request.params()?;
    let key = OwnerOperation::new(context.request)?.key(kind, id, version);
    context.in_time()?;
    match context.platform.parent(Operation::Delete(key))? {
        Answer::Done => Ok(Reply::empty()),
        Answer::NotFound => Err(Error::NotFound),
        _ => Err(Error::ParentFailed),
    }
}
