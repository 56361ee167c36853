//! One client's session: handshake, then requests one after the other, on one thread.

use crate::boot::Boot;
use crate::chunks::{FrameReader, FrameWriter};
use crate::claims::{self, SessionClaims};
use crate::crypto::Crypto;
use crate::error::{Error, Part};
use crate::hello::{self, Hello, Secrets};
use crate::identity::SigningKey;
use crate::message::{self, Request, Response};
use crate::platform::{Connection, Platform, Purpose};
use crate::seal::KemSecret;
use crate::stream::{CHUNK_LEN, Secret};
use crate::verbs::{self, Pending, Reply};
use crate::{digest, frame, keys, shared};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest hello, in bytes.
const MAX_HELLO: usize = 256;

/// The most bytes of a body that are read only to be thrown away: a client that is refused hears it behind them.
const MAX_DISCARDED: u64 = 1 << 30;

/// What verbs see of their session.
pub struct Context<'a, P: Platform> {
    /// The surroundings.
    pub platform: &'a P,
    /// What was settled at boot.
    pub boot: &'a Boot,
    /// The secrets of the session: salts, the digest of its claims.
    pub secrets: &'a Secrets,
    /// The number of the request.
    pub n: u64,
    /// The request's digest.
    pub request_digest: [u8; 48],
    /// A vault key made or attested in this session, until its owner confirms it.
    pub pending: &'a mut Option<Pending>,
}

/// Serves one connection until it ends. An error is how it ended, for the driver's log.
pub fn serve<P: Platform, C: Connection>(platform: &P, boot: &Boot, connection: &mut C) -> Result<(), Error> {
    let mut secrets = handshake(platform, boot, connection)?;
    let mut caller = None;
    let mut pending = None;
    loop {
        exchange(platform, boot, connection, &mut secrets, &mut caller, &mut pending)?;
    }
}

/// Hello in, evidence out, `enc` in. The KEM key lives no longer than this.
fn handshake<P: Platform, C: Connection>(platform: &P, boot: &Boot, connection: &mut C) -> Result<Secrets, Error> {
    let hello = frame::read(connection, MAX_HELLO)?;
    let parsed = Hello::parse(&hello)?;
    if !parsed.suites.contains(&claims::SUITE) {
        return Err(Error::Malformed(Part::Hello));
    }
    let hello_digest = digest::sha384(&[&hello]);
    let exporter = Zeroizing::new(connection.export(claims::EXPORTER, &hello_digest)?);
    let mut seed = Zeroizing::new([0; 32]);
    platform.random(seed.as_mut_slice())?;
    let kem = KemSecret::from_seed(seed.as_slice())?;
    let claims = SessionClaims {
        hello: hello_digest,
        exporter: claims::exporter_claim(&exporter),
        kem_public: kem.public(),
        receipt_key: boot.receipt_key.public(),
        configuration: boot.configuration.clone(),
        kms: keys::configured(platform, boot)?,
    }
    .encode();
    let user_data = claims::session_user_data(&claims);
    let document = platform.document(Purpose::Session { user_data: &user_data, nonce: &parsed.nonce })?;
    frame::write(connection, &hello::encode_evidence(&document, &claims))?;
    let enc = frame::read(connection, hello::ENC_LEN)?;
    Secrets::enclave(&kem, &enc, &claims)
}

/// One request and its answer. A stream that does not open, or a head that nobody signed, ends the connection.
fn exchange<P: Platform, C: Connection>(
    platform: &P,
    boot: &Boot,
    connection: &mut C,
    secrets: &mut Secrets,
    caller: &mut Option<[u8; 32]>,
    pending: &mut Option<Pending>,
) -> Result<(), Error> {
    let pair = secrets.next_pair()?;
    let claims_digest = *secrets.claims_digest();
    let commitment = frame::read(connection, 32)?;
    let mut reader = FrameReader::<P::Crypto>::new(pair.request, &claims_digest, &commitment)?;
    let first = reader.chunk(frame::read(connection, frame::MAX_FRAME)?)?;
    let (head, rest) = message::split_head(&first, Part::Request)?;
    let (request, request_digest) = Request::open(head, pair.n, &claims_digest)?;
    if caller.is_none() {
        connection.admit();
    }
    let caller = *caller.get_or_insert(request.caller);

    let mut body = Body::new(connection, reader, rest, request.body)?;
    let answered = receive(platform, &request, &caller).and_then(|()| {
        let mut context = Context { platform, boot, secrets, n: pair.n, request_digest, pending };
        verbs::dispatch(&mut context, &request, &mut body)
    });
    let mut reply = answered.unwrap_or_else(Reply::failed);
    // Whoever is refused may still be sending: read to the end of it, so that the answer is not lost.
    body.discard()?;
    // What a client does not read stays here for as long as she may be silent: it counts like what comes in.
    let waiting = reply.body.as_ref().map_or(0, |body| body.capacity());
    let held = shared::hold(platform, waiting as u64);
    if let Err(error) = &held {
        reply = Reply::failed(*error);
    }
    answer::<P, C>(body.connection, pair.response, &request, request_digest, reply)
}

/// Whether a request may be looked at: one caller a session, in time, not seen before.
fn receive<P: Platform>(platform: &P, request: &Request, caller: &[u8; 32]) -> Result<(), Error> {
    if request.caller != *caller {
        return Err(Error::Refused);
    }
    let now = shared::now(platform)?;
    platform.shared(|shared| shared.accept(caller, &request.id, request.not_after, now))
}

/// Seals and sends a response. The secret is spent with its first byte: whoever fails here closes the connection.
fn answer<P: Platform, C: Connection>(
    connection: &mut C,
    secret: Secret,
    request: &Request,
    request_digest: [u8; 48],
    reply: Reply,
) -> Result<(), Error> {
    let response = Response {
        n: request.n,
        request: request_digest,
        status: reply.status,
        result: reply.result,
        receipt: reply.receipt,
        body: reply.body.as_deref().map(|body| message::Described::of(body)),
    };
    let head = response.encode()?;
    let body = reply.body.as_deref().map_or(&[][..], Vec::as_slice);
    send::<P::Crypto>(connection, secret, &request_digest, &head, body)
}

/// Sends head ‖ body as one stream: a frame for the commitment and one for each chunk.
pub fn send<C: Crypto>(
    connection: &mut impl crate::platform::Channel,
    secret: Secret,
    aad: &[u8],
    head: &[u8],
    body: &[u8],
) -> Result<(), Error> {
    let (mut writer, commitment) = FrameWriter::<C>::new(secret, aad)?;
    frame::write(connection, &commitment)?;
    let room = CHUNK_LEN.saturating_sub(head.len());
    let (taken, mut rest) = body.split_at(room.min(body.len()));
    let mut first = Zeroizing::new(Vec::with_capacity(head.len() + taken.len()));
    first.extend_from_slice(head);
    first.extend_from_slice(taken);
    frame::write(connection, &writer.chunk(&first, rest.is_empty())?)?;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(CHUNK_LEN.min(rest.len()));
        frame::write(connection, &writer.chunk(chunk, after.is_empty())?)?;
        rest = after;
    }
    Ok(())
}

/// A request's body, still on its way.
pub struct Body<'a, C: Connection, Y: Crypto> {
    connection: &'a mut C,
    reader: FrameReader<Y>,
    begun: Zeroizing<Vec<u8>>,
    described: Option<message::Described>,
    received: u64,
}

impl<'a, C: Connection, Y: Crypto> Body<'a, C, Y> {
    /// A body that began in the first chunk. One that is longer than announced ends the connection, whoever sends it
    /// and whatever becomes of the request: nobody keeps an enclave reading.
    fn new(
        connection: &'a mut C,
        reader: FrameReader<Y>,
        begun: &[u8],
        described: Option<message::Described>,
    ) -> Result<Self, Error> {
        let begun = Zeroizing::new(begun.to_vec());
        let mut body = Self { connection, reader, received: 0, described, begun };
        body.count(body.begun.len())?;
        Ok(body)
    }

    fn count(&mut self, more: usize) -> Result<(), Error> {
        self.received = self.received.saturating_add(more as u64);
        if self.received > self.length() { Err(Error::Disagrees(Part::Request)) } else { Ok(()) }
    }

    /// Reads the next chunk onto the end of `to`.
    fn chunk(&mut self, to: &mut Vec<u8>) -> Result<(), Error> {
        let start = to.len();
        frame::append(self.connection, to, frame::MAX_FRAME)?;
        self.reader.open(to, start)?;
        self.count(to.len() - start)
    }

    /// How many bytes are announced.
    pub fn length(&self) -> u64 {
        self.described.map_or(0, |described| described.length)
    }

    /// Whether no more than `limit` bytes are announced.
    pub fn check(&self, limit: u64) -> Result<(), Error> {
        if self.length() > limit { Err(Error::InputLimit(limit)) } else { Ok(()) }
    }

    /// Reads all of it, at most `limit` bytes, and checks that it is the one that was described.
    pub fn read(&mut self, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.check(limit)?;
        let announced = usize::try_from(self.length()).map_err(|_| Error::InputLimit(limit))?;
        // All of it at once, and what the last frame may have too much: a vector that grows would leave copies of the
        // plaintext behind.
        let mut body = Zeroizing::new(Vec::with_capacity(announced.saturating_add(frame::MAX_FRAME)));
        body.extend_from_slice(&self.begun);
        let mut hash = digest::Running::default();
        hash.update(&body);
        while !self.reader.ended() {
            let start = body.len();
            self.chunk(&mut body)?;
            hash.update(body.get(start..).unwrap_or_default());
        }
        let found = message::Described { length: body.len() as u64, sha256: hash.finish() };
        message::check_body(self.described, found, Part::Request)?;
        Ok(body)
    }

    /// Reads what is left without keeping it; of a body over [`MAX_DISCARDED`] nothing is read any more.
    fn discard(&mut self) -> Result<(), Error> {
        if !self.reader.ended() {
            self.check(MAX_DISCARDED)?;
        }
        let mut scrap = Zeroizing::new(Vec::new());
        while !self.reader.ended() {
            scrap.clear();
            self.chunk(&mut scrap)?;
        }
        Ok(())
    }
}

/// The key that signs receipts, for whoever has a context.
impl<P: Platform> Context<'_, P> {
    /// See [`Boot::receipt_key`].
    pub fn receipt_key(&self) -> &SigningKey {
        &self.boot.receipt_key
    }
}
