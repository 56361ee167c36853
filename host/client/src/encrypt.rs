//! Encrypts data of any length to a vault, in bounded memory and with one thread for each core.

use crate::Crypto;
use crate::error::{Error, Stream};
use crate::random;
use crate::vault_key::VaultKey;
use data_encoding::BASE64URL_NOPAD;
use enclave_core::Checksum;
use enclave_core::crypto::{CHUNK_LEN, SealTicket, Sealer, TAG_LEN};
use enclave_core::encoding::CAPE;
use enclave_core::objects::{CiphertextHeader, begin_encryption};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use zeroize::Zeroizing;

/// The size of a slot, in bytes: a chunk and its tag.
const SLOT: usize = CHUNK_LEN + TAG_LEN;
/// The number of chunks in a piece, which one thread encrypts. A piece has 512 KiB, so that it stays in the cache of one
/// processor core.
const PIECE: usize = 8;
/// The greatest number of threads. More threads would only wait for memory.
const MAX_THREADS: usize = 8;

/// Encrypts all of `input` and returns its length in bytes.
///
/// `checksums` names the functions that may read the data, in any order. `None` allows every function that the vault's
/// owner deploys. `progress` is called with the number of bytes read so far.
///
/// # Errors
/// [`Error::Pipe`] if `input` or `output` fails; [`Error::Local`] for an empty list of checksums, or for too many
/// checksums or too long an input; those of [`random::fill`].
pub fn encrypt(
    vault: &VaultKey,
    checksums: Option<Vec<Checksum>>,
    input: impl Read,
    output: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    let checksums = checksums.map(|mut checksums| {
        checksums.sort_unstable();
        checksums.dedup();
        checksums
    });
    let header = CiphertextHeader { owner: vault.owner, kid: vault.kid, checksums };
    let mut entropy = Zeroizing::new([0; 64]);
    random::fill(entropy.as_mut_slice())?;
    let encryption = begin_encryption(&header, &vault.key, &entropy)?;
    let (sealer, commitment) = encryption.secret.seal::<Crypto>(&encryption.aad)?;
    let mut sealer = Some(sealer);
    let write = |output: &mut dyn Write, bytes: &[u8]| {
        output.write_all(bytes).map_err(|error| Error::pipe(Stream::Output, &error))
    };
    write(output, &encryption.prefix)?;
    write(output, &commitment)?;

    let mut input = BufReader::with_capacity(CHUNK_LEN, input);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    std::thread::scope(|scope| {
        let sealers: Vec<Lane> = (0..threads).map(|_| Lane::start(scope)).collect();
        let mut lanes = sealers.iter().cycle();
        // Pieces are given to the threads in turn and taken back in the same turn, which keeps their order.
        let mut underway = VecDeque::new();
        let mut spare = Vec::new();
        let (mut total, mut ended) = (0u64, false);
        while !ended || !underway.is_empty() {
            if !ended && underway.len() < 2 * threads {
                let mut bytes = spare.pop().unwrap_or_else(|| Zeroizing::new(vec![0; PIECE * SLOT]));
                let (length, last) = fill(&mut input, &mut bytes)?;
                let tickets = if last { last_tickets(&mut sealer, length) } else { full_tickets(&mut sealer, PIECE) }?;
                let lane = lanes.next().ok_or(BROKEN)?;
                lane.to.send(Piece { bytes, length, tickets, last }).map_err(|_| BROKEN)?;
                underway.push_back(lane);
                total = total.saturating_add(length as u64);
                ended = last;
                continue;
            }
            let lane = underway.pop_front().ok_or(BROKEN)?;
            let (bytes, length) = lane.from.recv().map_err(|_| BROKEN)??;
            write(output, bytes.get(..length).unwrap_or_default())?;
            spare.push(bytes);
            progress(total);
        }
        Ok(total)
    })
}

/// The error for a thread that has ended early, because it panicked.
const BROKEN: Error = Error::Pipe { stream: Stream::Output, kind: io::ErrorKind::Other, number: None };

/// The slots of a piece, the length of their plaintext, and one ticket for each chunk. A ticket encrypts one chunk.
struct Piece {
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
    tickets: Vec<SealTicket<Crypto>>,
    last: bool,
}

/// The slots, and the number of their bytes that the encrypted piece uses.
type Sealed = Result<(Zeroizing<Vec<u8>>, usize), Error>;

/// A thread that encrypts pieces, one after the other.
struct Lane {
    to: SyncSender<Piece>,
    from: Receiver<Sealed>,
}

impl Lane {
    /// Starts the thread. It ends when `to` is dropped.
    fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> Self {
        let (to, pieces) = sync_channel::<Piece>(2);
        let (done, from) = sync_channel(2);
        scope.spawn(move || {
            while let Ok(piece) = pieces.recv() {
                if done.send(seal(piece)).is_err() {
                    return;
                }
            }
        });
        Self { to, from }
    }
}

/// Tickets for `count` full chunks.
fn full_tickets(sealer: &mut Option<Sealer<Crypto>>, count: usize) -> Result<Vec<SealTicket<Crypto>>, Error> {
    let sealer = sealer.as_mut().ok_or(BROKEN)?;
    (0..count).map(|_| Ok(sealer.ticket()?)).collect()
}

/// Tickets for the last `length` bytes: for full chunks, and for the final chunk.
fn last_tickets(sealer: &mut Option<Sealer<Crypto>>, length: usize) -> Result<Vec<SealTicket<Crypto>>, Error> {
    let mut tickets = full_tickets(sealer, length.saturating_sub(1) / CHUNK_LEN)?;
    tickets.push(sealer.take().ok_or(BROKEN)?.last()?);
    Ok(tickets)
}

/// Fills each slot of a piece with a chunk, and leaves room for its tag.
///
/// Returns the number of bytes read, and whether the input has ended. Only then can they be fewer than fit.
fn fill(input: &mut impl BufRead, piece: &mut [u8]) -> Result<(usize, bool), Error> {
    let failed = |error: io::Error| Error::pipe(Stream::Input, &error);
    let mut bytes = 0;
    for slot in piece.chunks_exact_mut(SLOT) {
        let mut room = slot.get_mut(..CHUNK_LEN).unwrap_or_default();
        while !room.is_empty() {
            match input.read(room) {
                Ok(0) => return Ok((bytes, true)),
                Ok(count) => {
                    bytes += count;
                    room = room.get_mut(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok((bytes, input.fill_buf().map_err(failed)?.is_empty()))
}

/// Encrypts a piece in place, chunk by chunk.
fn seal(mut piece: Piece) -> Sealed {
    let count = piece.tickets.len();
    let tail = if piece.last { piece.length - count.saturating_sub(1) * CHUNK_LEN } else { CHUNK_LEN };
    for (at, (ticket, slot)) in piece.tickets.into_iter().zip(piece.bytes.chunks_exact_mut(SLOT)).enumerate() {
        let length = if at + 1 == count { tail } else { CHUNK_LEN };
        let (data, tag) = slot.get_mut(..length + TAG_LEN).unwrap_or_default().split_at_mut(length);
        tag.copy_from_slice(&ticket.seal(data)?);
    }
    Ok((piece.bytes, count.saturating_sub(1) * SLOT + tail + TAG_LEN))
}

/// A writer that converts an encrypted file to its text form: `cape:` and base64url.
pub struct TextForm<W: Write> {
    out: W,
    /// Up to two bytes that do not yet make four characters.
    left: Vec<u8>,
}

impl<W: Write> TextForm<W> {
    /// Writes the prefix.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(CAPE.as_bytes())?;
        Ok(Self { out, left: Vec::new() })
    }

    /// Writes the remaining bytes, and returns `out`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        let last = BASE64URL_NOPAD.encode(&self.left);
        self.out.write_all(last.as_bytes())?;
        Ok(self.out)
    }
}

impl<W: Write> Write for TextForm<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left.extend_from_slice(bytes);
        let whole = self.left.len() / 3 * 3;
        let text = BASE64URL_NOPAD.encode(self.left.get(..whole).unwrap_or_default());
        self.out.write_all(text.as_bytes())?;
        self.left.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root_id::RootId;
    use enclave_core::crypto::KemSecret;
    use enclave_core::encoding::cape_decode;
    use enclave_core::kms::Arn;
    use enclave_core::objects::Ciphertext;
    use enclave_core::{Error as CoreError, Kid, MessageKind, OwnerKey, UnixMillis};

    const OWNER: OwnerKey = OwnerKey::new([9; 32]);

    fn vault() -> (VaultKey, KemSecret) {
        let secret = KemSecret::from_seed(&[7; 32]).unwrap();
        let key = secret.public();
        let arn = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
        let vault = VaultKey {
            owner: OWNER,
            epoch: 1,
            kid: Kid::of(&key),
            key,
            attested: UnixMillis::new(0),
            until: UnixMillis::new(1),
            arn: Arn::parse(arn).unwrap(),
            operator_key: true,
            kms: None,
            policy: None,
            key_metadata: None,
            root: RootId::new([0; 32]),
            development: true,
        };
        (vault, secret)
    }

    /// A reader that returns its bytes in pieces of uneven length.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len());
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn decrypts_to_the_input_at_every_length() {
        let (vault, secret) = vault();
        let data: Vec<u8> = (0..PIECE * CHUNK_LEN * 20 + 3).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let edges = [0, CHUNK_LEN, PIECE * CHUNK_LEN, 20 * PIECE * CHUNK_LEN];
        for length in edges.iter().flat_map(|edge| [edge.saturating_sub(1), *edge, edge + 1]) {
            let mut file = Vec::new();
            let mut seen = 0;
            let input = Pieces(&data[..length], 60_001);
            let total = encrypt(&vault, None, input, &mut file, |bytes| seen = bytes).unwrap();
            assert_eq!((total, seen), (length as u64, length as u64));
            let opened = Ciphertext::parse(&file).unwrap().open::<Crypto>(&OWNER, &secret).unwrap();
            assert!(*opened == data[..length], "{length}");
        }
    }

    #[test]
    fn sorts_checksums_and_removes_duplicates() {
        let (vault, _) = vault();
        let mut file = Vec::new();
        let [one, two] = [Checksum::new([1; 32]), Checksum::new([2; 32])];
        let checksums = vec![two, one, two];
        encrypt(&vault, Some(checksums), &b"x"[..], &mut file, |_| ()).unwrap();
        assert_eq!(Ciphertext::parse(&file).unwrap().header.checksums, Some(vec![one, two]));
        let none = encrypt(&vault, Some(Vec::new()), &b"x"[..], &mut Vec::new(), |_| ());
        assert_eq!(none, Err(Error::Local(CoreError::Malformed(MessageKind::Ciphertext))));
    }

    #[test]
    fn text_form_decodes_to_the_file() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (length, step) in [(0, 1), (1, 1), (2, 2), (3, 1), (255, 7), (256, 100)] {
            let mut out = Vec::new();
            let mut form = TextForm::new(&mut out).unwrap();
            for piece in bytes[..length].chunks(step) {
                form.write_all(piece).unwrap();
            }
            form.finish().unwrap();
            assert_eq!(cape_decode(&String::from_utf8(out).unwrap()).unwrap(), bytes[..length]);
        }
    }
}
