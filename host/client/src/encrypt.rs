//! Encrypting to a vault: a stream of any length in bounded memory, its chunks by as many threads as there are cores.

use crate::Crypto;
use crate::error::Error;
use crate::random;
use crate::statements::Vault;
use data_encoding::BASE64URL_NOPAD;
use enclave_core::ciphertext::{self, CiphertextHeader};
use enclave_core::stream::{CHUNK_LEN, TAG_LEN, Ticket};
use enclave_core::text;
use std::io::{self, BufRead, BufReader, Read, Write};
use zeroize::Zeroizing;

/// A chunk and its tag, in bytes.
const SLOT: usize = CHUNK_LEN + TAG_LEN;
/// Chunks that are read before they are sealed together: 2 MiB.
const BATCH: usize = 32;
/// More threads than this only wait for memory.
const MAX_THREADS: usize = 8;

/// Encrypts all of `input`. `checksums` names the functions that may read it, in any order; none: whatever the owner
/// of the vault deploys. `progress` is told how many bytes were taken so far. Gives how many there were.
pub fn encrypt(
    vault: &Vault,
    checksums: Option<Vec<[u8; 32]>>,
    input: impl Read,
    output: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    let checksums = checksums.map(|mut checksums| {
        checksums.sort_unstable();
        checksums.dedup();
        checksums
    });
    let header = CiphertextHeader { owner: vault.owner.0, kid: vault.kid, checksums };
    let mut entropy = Zeroizing::new([0; 64]);
    random::fill(entropy.as_mut_slice())?;
    let begun = ciphertext::begin(&header, &vault.key, &entropy)?;
    let (mut sealer, commitment) = begun.secret.seal::<Crypto>(&begun.aad)?;
    let write =
        |output: &mut dyn Write, bytes: &[u8]| output.write_all(bytes).map_err(|error| Error::Pipe(error.kind()));
    write(output, &begun.prefix)?;
    write(output, &commitment)?;

    let mut input = BufReader::with_capacity(CHUNK_LEN, input);
    let mut batch = Zeroizing::new(vec![0; BATCH * SLOT]);
    let mut total = 0u64;
    loop {
        let (bytes, last) = fill(&mut input, &mut batch)?;
        total = total.saturating_add(bytes as u64);
        let full = if last { bytes.saturating_sub(1) / CHUNK_LEN } else { BATCH };
        let mut tickets = (0..full).map(|_| sealer.ticket()).collect::<Result<Vec<_>, _>>()?;
        if last {
            tickets.push(sealer.last()?);
            let length = seal(&mut batch, tickets, bytes - full * CHUNK_LEN)?;
            write(output, batch.get(..length).unwrap_or_default())?;
            progress(total);
            return Ok(total);
        }
        let length = seal(&mut batch, tickets, CHUNK_LEN)?;
        write(output, batch.get(..length).unwrap_or_default())?;
        progress(total);
    }
}

/// Fills the slots of a batch, each with a chunk and room for its tag. Gives the bytes read and whether they are the
/// last: only then may there be fewer than fit.
fn fill(input: &mut impl BufRead, batch: &mut [u8]) -> Result<(usize, bool), Error> {
    let failed = |error: io::Error| Error::Pipe(error.kind());
    let mut bytes = 0;
    for slot in batch.chunks_exact_mut(SLOT) {
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

/// Seals a batch in place: a chunk for each ticket, the last of `last` bytes. Gives the length of the whole.
fn seal(batch: &mut [u8], tickets: Vec<Ticket<Crypto>>, last: usize) -> Result<usize, Error> {
    let count = tickets.len();
    let mut jobs = Vec::with_capacity(count);
    for (at, (ticket, slot)) in tickets.into_iter().zip(batch.chunks_exact_mut(SLOT)).enumerate() {
        let length = if at + 1 == count { last } else { CHUNK_LEN };
        jobs.push((ticket, slot.get_mut(..length + TAG_LEN).unwrap_or_default()));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(count);
    let share = count.div_ceil(threads.max(1));
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        while jobs.len() > share {
            let jobs = jobs.split_off(jobs.len() - share);
            running.push(scope.spawn(|| seal_all(jobs)));
        }
        let mine = seal_all(jobs);
        let others = running.into_iter().map(|thread| thread.join().unwrap_or(Err(Error::Pipe(io::ErrorKind::Other))));
        others.chain([mine]).collect::<Result<Vec<()>, _>>()
    })?;
    Ok(count.saturating_sub(1) * SLOT + last + TAG_LEN)
}

fn seal_all(jobs: Vec<(Ticket<Crypto>, &mut [u8])>) -> Result<(), Error> {
    for (ticket, slot) in jobs {
        let (data, tag) = slot.split_at_mut(slot.len() - TAG_LEN);
        tag.copy_from_slice(&ticket.seal(data)?);
    }
    Ok(())
}

/// Writes the text form of an encrypted file, `cape:` and base64url, as the bytes come.
pub struct TextForm<W: Write> {
    out: W,
    /// Up to two bytes that do not fill four characters yet.
    left: Vec<u8>,
}

impl<W: Write> TextForm<W> {
    /// Begins.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(text::CAPE.as_bytes())?;
        Ok(Self { out, left: Vec::new() })
    }

    /// Writes what is left, and the end of the line.
    pub fn finish(mut self) -> io::Result<()> {
        let last = BASE64URL_NOPAD.encode(&self.left);
        self.out.write_all(last.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.out.flush()
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
    use crate::values::{Hex, Owner};
    use enclave_core::Error as CoreError;
    use enclave_core::ciphertext::Ciphertext;
    use enclave_core::config::Arn;
    use enclave_core::error::Part;
    use enclave_core::seal::KemSecret;

    const OWNER: [u8; 32] = [9; 32];

    fn vault() -> (Vault, KemSecret) {
        let secret = KemSecret::from_seed(&[7; 32]).unwrap();
        let key = secret.public();
        let arn = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
        let vault = Vault {
            owner: Owner(OWNER),
            epoch: 1,
            kid: enclave_core::vault::kid(&key),
            key,
            attested: 0,
            until: 1,
            arn: Arn::parse(arn).unwrap(),
            operator_key: true,
            kms: None,
            policy: None,
            facts: None,
            root: Hex([0; 32]),
            development: true,
        };
        (vault, secret)
    }

    /// Gives its bytes in odd pieces.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len());
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn every_length_opens_again() {
        let (vault, secret) = vault();
        let data: Vec<u8> = (0..BATCH * CHUNK_LEN * 2 + 3).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let edges = [0, CHUNK_LEN, BATCH * CHUNK_LEN, 2 * BATCH * CHUNK_LEN];
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
    fn checksums_are_sorted_and_once_each() {
        let (vault, _) = vault();
        let mut file = Vec::new();
        let checksums = vec![[2; 32], [1; 32], [2; 32]];
        encrypt(&vault, Some(checksums), &b"x"[..], &mut file, |_| ()).unwrap();
        assert_eq!(Ciphertext::parse(&file).unwrap().header.checksums, Some(vec![[1; 32], [2; 32]]));
        let none = encrypt(&vault, Some(Vec::new()), &b"x"[..], &mut Vec::new(), |_| ());
        assert_eq!(none, Err(Error::Judged(CoreError::Malformed(Part::Ciphertext))));
    }

    #[test]
    fn the_text_form_is_the_file() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (length, step) in [(0, 1), (1, 1), (2, 2), (3, 1), (255, 7), (256, 100)] {
            let mut out = Vec::new();
            let mut form = TextForm::new(&mut out).unwrap();
            for piece in bytes[..length].chunks(step) {
                form.write_all(piece).unwrap();
            }
            form.finish().unwrap();
            let line = String::from_utf8(out).unwrap();
            assert_eq!(text::cape_decode(line.trim_end()).unwrap(), bytes[..length]);
        }
    }
}
