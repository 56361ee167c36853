//! One request and its answer.

use crate::boot::Boot;
use crate::crypto::{COMMITMENT_LEN, FrameReader, Secret};
use crate::encoding::{MAX_FRAME, read_frame};
use crate::messages::{BodyDigest, Response, SessionSecrets, VerifiedRequest, split_head};
use crate::platform::{Connection, Platform};
use crate::session::body::Body;
use crate::session::context::Context;
use crate::session::handlers::handle;
use crate::session::pending::PendingVaultKey;
use crate::session::reply::Reply;
use crate::session::request_error::RequestError;
use crate::session::send::send_message;
use crate::state::{Account, now};
use crate::types::{Deadline, OwnerKey};
use crate::{Error, MessageKind};

/// What lasts from one request to the next.
pub(super) struct Session {
    /// The secrets of the messages.
    pub secrets: SessionSecrets,
    /// After this nothing starts.
    pub ends: Deadline,
    /// The caller of the first request. A session has one caller.
    pub caller: Option<OwnerKey>,
    /// Whether the connection has a place for its caller.
    pub admitted: bool,
    /// A vault key that waits for its owner's record.
    pub pending: Option<PendingVaultKey>,
}

/// Reads one request and answers it.
///
/// # Errors
/// The error that ends the connection: a stream that does not open, a head that is not signed, a broken connection.
pub(super) fn exchange<P: Platform, C: Connection>(
    platform: &P,
    boot: &Boot,
    connection: &mut C,
    session: &mut Session,
) -> Result<(), Error> {
    let pair = session.secrets.next_pair()?;
    let claims_digest = *session.secrets.claims_digest();
    let commitment = read_frame(connection, COMMITMENT_LEN)?;
    connection.transfer(MAX_FRAME as u64);
    let mut reader = FrameReader::<P::Crypto>::new(pair.request, claims_digest.as_bytes(), &commitment)?;
    let first = reader.chunk(read_frame(connection, MAX_FRAME)?)?;
    let (head, rest) = split_head(&first, MessageKind::Request)?;
    let request = VerifiedRequest::open(head, pair.n, &claims_digest)?;
    connection.transfer(request.body.map_or(0, |body| body.length));
    let accepted = accept(platform, boot, connection, session, &request);

    let respond = |body: Body<'_, C, P::Crypto>, reply| answer::<P, C>(body.discard()?, pair.response, &request, reply);
    let mut body = Body::new(connection, reader, rest, request.body)?;
    let (secrets, deadline) = (&session.secrets, request.not_after.min(session.ends));
    let mut handled = |account| {
        let pending = &mut session.pending;
        let mut context = Context { platform, boot, secrets, request: &request, account, deadline, pending };
        handle(&mut context, &mut body)
    };
    match accepted.map_err(RequestError::from).and_then(&mut handled) {
        Ok(reply) => respond(body, reply),
        Err(RequestError::Answerable(error)) => respond(body, Reply::failed(error)),
        Err(RequestError::Connection(error)) => Err(error),
    }
}

/// Accepts a request: its caller is the session's and has a place, it is in time, and its id is new.
fn accept<P: Platform, C: Connection>(
    platform: &P,
    boot: &Boot,
    connection: &mut C,
    session: &mut Session,
    request: &VerifiedRequest,
) -> Result<Account, Error> {
    let caller = *session.caller.get_or_insert(request.caller);
    if request.caller != caller {
        return Err(Error::Refused);
    }
    let account = boot.account(&caller);
    if !session.admitted {
        connection.admit(account)?;
        session.admitted = true;
    }
    let now = now(platform)?;
    session.ends.check(now)?;
    platform.shared(|shared| shared.replay.accept(account, &caller, &request.id, request.not_after, now))?;
    Ok(account)
}

/// Seals and sends a response.
fn answer<P: Platform, C: Connection>(
    connection: &mut C,
    secret: Secret,
    request: &VerifiedRequest,
    reply: Reply<'_, P>,
) -> Result<(), Error> {
    let body = reply.body.as_ref().map(|body| body.bytes.as_slice());
    let response = Response {
        n: request.n,
        request: *request.digest(),
        status: reply.status.number(),
        result: reply.result,
        receipt: reply.receipt,
        body: body.map(BodyDigest::of),
    };
    let head = response.encode()?;
    let body = body.unwrap_or_default();
    connection.transfer((head.len() + body.len()) as u64);
    send_message::<P::Crypto>(connection, secret, request.digest().as_bytes(), &head, body)?;
    connection.rest();
    Ok(())
}
