//! Streams: a chunk opens only at its own position, and no nonce is used twice under a key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_hostile_bytes::{bit_flips, truncations};
use enclave_core::crypto::{
    CHUNK_LEN, COMMITMENT_LEN, Cipher, Crypto, FrameReader, FrameWriter, MAX_CHUNKS, Secret, TAG_LEN, open_bytes,
    seal_bytes,
};
use enclave_core::encoding::SecretVec;
use enclave_core::{Error, MessageKind};
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use zeroize::Zeroizing;

const AAD: &[u8] = b"aad";

fn secret() -> Secret {
    Secret::new(Zeroizing::new([3; 32]))
}

fn seal(data: &[u8]) -> Vec<u8> {
    seal_bytes::<AwsLc>(secret(), AAD, data).unwrap()
}

fn open(bytes: &[u8]) -> Result<SecretVec, Error> {
    open_bytes::<AwsLc>(secret(), AAD, bytes)
}

/// Every pair of key and nonce that this test process has used to seal.
static SEALED: Mutex<BTreeSet<([u8; 32], [u8; 12])>> = Mutex::new(BTreeSet::new());

/// AES-256-GCM that records each pair of key and nonce, and panics if a pair is used twice.
struct Recording;

struct RecordingCipher([u8; 32], <AwsLc as Crypto>::Cipher);

impl Crypto for Recording {
    type Cipher = RecordingCipher;

    fn aes_256_gcm(key: &[u8; 32]) -> Result<RecordingCipher, Error> {
        Ok(RecordingCipher(*key, AwsLc::aes_256_gcm(key)?))
    }

    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        AwsLc::aes_256_cbc(key, iv, data)
    }
}

impl Cipher for RecordingCipher {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error> {
        assert!(SEALED.lock().unwrap().insert((self.0, *nonce)), "a nonce was used twice");
        self.1.seal(nonce, aad, data)
    }

    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error> {
        self.1.open(nonce, aad, data)
    }
}

#[test]
fn opens_streams_of_every_length_around_a_chunk() {
    for length in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 2 * CHUNK_LEN, 2 * CHUNK_LEN + 7] {
        let data = vec![5; length];
        let sealed = seal(&data);
        let chunks = length.div_ceil(CHUNK_LEN).max(1);
        assert_eq!(sealed.len(), COMMITMENT_LEN + length + chunks * TAG_LEN);
        // A vector that grows leaves its old content in memory.
        assert!(sealed.capacity() <= sealed.len() + TAG_LEN, "{length} bytes: it has grown");
        let opened = open(&sealed).unwrap();
        assert_eq!(opened.capacity(), sealed.len() - COMMITMENT_LEN, "{length} bytes: it has grown");
        assert_eq!(*opened, data);
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_gives_the_same_error() {
    let sealed = seal(b"a short text");
    for flip in bit_flips(&sealed) {
        assert_eq!(open(&flip.bytes), Err(Error::CannotOpen), "{flip}");
    }
    for truncated in truncations(&sealed) {
        assert_eq!(open(truncated), Err(Error::CannotOpen), "{} bytes", truncated.len());
    }
    assert_eq!(open_bytes::<AwsLc>(secret(), b"other", &sealed), Err(Error::CannotOpen));
    let other = Secret::new(Zeroizing::new([4; 32]));
    assert_eq!(open_bytes::<AwsLc>(other, AAD, &sealed), Err(Error::CannotOpen));
}

#[test]
fn rejects_missing_repeated_and_reordered_chunks() {
    let sealed = seal(&[(0..=255).collect::<Vec<u8>>().repeat(600).as_slice()].concat());
    let (commitment, chunks) = sealed.split_at(COMMITMENT_LEN);
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK_LEN + TAG_LEN).collect();
    assert_eq!(chunks.len(), 3);
    for order in [&[0, 1][..], &[0, 2], &[1, 2], &[1, 0, 2], &[0, 1, 2, 2], &[0, 0, 1, 2], &[2], &[]] {
        let pieces: Vec<&[u8]> = order.iter().map(|i| chunks[*i]).collect();
        assert_eq!(open(&[commitment, &pieces.concat()].concat()), Err(Error::CannotOpen), "{order:?}");
    }
}

#[test]
fn many_threads_never_use_a_nonce_twice() {
    let (mut sealer, commitment) = Secret::new(Zeroizing::new([11; 32])).seal::<Recording>(AAD).unwrap();
    let mut tickets: Vec<_> = (0..40).map(|_| sealer.ticket().unwrap()).collect();
    tickets.push(sealer.last().unwrap());
    let mut sealed: Vec<Vec<u8>> = vec![Vec::new(); tickets.len()];
    std::thread::scope(|scope| {
        for (i, (ticket, slot)) in tickets.into_iter().zip(&mut sealed).enumerate() {
            scope.spawn(move || {
                let mut data = vec![u8::try_from(i).unwrap(); if i == 40 { 9 } else { CHUNK_LEN }];
                let tag = ticket.seal(&mut data).unwrap();
                *slot = [data, tag.to_vec()].concat();
            });
        }
    });
    assert_eq!(SEALED.lock().unwrap().len(), 41);
    // Several threads open the chunks, too.
    let mut opener = Secret::new(Zeroizing::new([11; 32])).open::<AwsLc>(AAD, &commitment).unwrap();
    let tickets: Vec<_> = (0..=40).map(|i| opener.ticket(i == 40).unwrap()).collect();
    assert!(opener.ended() && opener.ticket(true).is_err());
    std::thread::scope(|scope| {
        for (i, (ticket, data)) in tickets.into_iter().zip(&mut sealed).enumerate() {
            scope.spawn(move || assert!(ticket.open(data).unwrap().iter().all(|b| usize::from(*b) == i)));
        }
    });
}

#[test]
fn does_not_seal_a_chunk_of_the_wrong_length() {
    let frame = Err(Error::Malformed(MessageKind::Frame));
    let sealer = || secret().seal::<AwsLc>(AAD).unwrap().0;
    for length in [0, 1, CHUNK_LEN - 1, CHUNK_LEN + 1] {
        assert_eq!(sealer().ticket().unwrap().seal(&mut vec![0; length]), frame);
    }
    assert_eq!(sealer().last().unwrap().seal(&mut vec![0; CHUNK_LEN + 1]), frame);
    let mut second = sealer();
    second.ticket().unwrap().seal(&mut vec![0; CHUNK_LEN]).unwrap();
    assert_eq!(second.last().unwrap().seal(&mut []), frame);
}

#[test]
fn rejects_more_than_2_to_the_24_chunks() {
    let (mut sealer, commitment) = secret().seal::<AwsLc>(AAD).unwrap();
    let mut opener = secret().open::<AwsLc>(AAD, &commitment).unwrap();
    for _ in 0..MAX_CHUNKS {
        assert!(sealer.ticket().is_ok() && opener.ticket(false).is_ok());
    }
    let too_large = Some(Error::TooLarge(MessageKind::Frame));
    assert_eq!(sealer.ticket().err(), too_large);
    assert_eq!(sealer.last().err(), too_large);
    assert_eq!(opener.ticket(true).err(), too_large);
    assert!(!opener.ended());
}

/// The content of the next frame.
fn content(writer: &mut FrameWriter<AwsLc>, chunk: &[u8], last: bool) -> Vec<u8> {
    let (length, content) = writer.frame(&[chunk], last).unwrap().split_first_chunk().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, content.len());
    content.to_vec()
}

#[test]
fn opens_nothing_after_a_failure() {
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret(), AAD).unwrap();
    let frames = [content(&mut writer, &[1; CHUNK_LEN], false), content(&mut writer, b"end", true)];
    assert!(writer.frame(&[b""], true).is_err());
    let mut reader = FrameReader::<AwsLc>::new(secret(), AAD, &commitment).unwrap();
    let mut damaged = frames[0].clone();
    damaged[9] ^= 1;
    assert_eq!(reader.chunk(damaged), Err(Error::CannotOpen));
    assert_eq!(reader.chunk(frames[0].clone()), Err(Error::CannotOpen));
    assert!(!reader.ended());
    let mut reader = FrameReader::<AwsLc>::new(secret(), AAD, &commitment).unwrap();
    assert_eq!(*reader.chunk(frames[0].clone()).unwrap(), [1; CHUNK_LEN]);
    assert!(!reader.ended());
    assert_eq!(*reader.chunk(frames[1].clone()).unwrap(), b"end");
    assert!(reader.ended());
    assert_eq!(reader.chunk(frames[1].clone()), Err(Error::CannotOpen));
}

/// The name of a damage to a chunk or a frame, and how to make it.
type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 3] = [
    ("a flipped bit", |chunk| *chunk.last_mut().unwrap() ^= 1),
    ("a missing byte", |chunk| chunk.truncate(chunk.len() - 1)),
    ("no tag", |chunk| chunk.truncate(TAG_LEN - 1)),
];

/// The later chunks are valid at their own positions. A reader that went on would open them.
#[test]
fn opens_no_valid_chunk_after_one_that_failed() {
    let sealed = seal(&[7; 2 * CHUNK_LEN + 1]);
    let (commitment, chunks) = sealed.split_first_chunk().unwrap();
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK_LEN + TAG_LEN).collect();
    for failing in [0, 1] {
        for (name, damage) in DAMAGES {
            let mut opener = secret().open::<AwsLc>(AAD, commitment).unwrap();
            for (at, chunk) in chunks.iter().enumerate() {
                let mut chunk = chunk.to_vec();
                if at == failing {
                    damage(&mut chunk);
                }
                let opened = opener.open(&mut chunk, at == 2).map(|_| ());
                let expected = if at < failing { Ok(()) } else { Err(Error::CannotOpen) };
                assert_eq!(opened, expected, "chunk {at} after {name} in chunk {failing}");
                assert!(!opener.ended(), "chunk {at} after {name} in chunk {failing}");
            }
            assert_eq!(opener.ticket(false).err(), Some(Error::CannotOpen));
        }
    }
    // A chunk that is not the last, opened as the last.
    let mut opener = secret().open::<AwsLc>(AAD, commitment).unwrap();
    assert_eq!(opener.open(&mut chunks[0].to_vec(), true), Err(Error::CannotOpen));
    assert_eq!(opener.open(&mut chunks[1].to_vec(), false), Err(Error::CannotOpen));
    assert!(!opener.ended());
}

#[test]
fn opens_no_valid_frame_after_one_that_failed() {
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret(), AAD).unwrap();
    let mut frame = |data: &[u8], last| content(&mut writer, data, last);
    let frames = [frame(&[7; CHUNK_LEN], false), frame(&[7; CHUNK_LEN], false), frame(b"end", true)];
    for failing in [0, 1] {
        for (name, damage) in DAMAGES {
            let mut reader = FrameReader::<AwsLc>::new(secret(), AAD, &commitment).unwrap();
            for (at, frame) in frames.iter().enumerate() {
                let mut frame = frame.clone();
                if at == failing {
                    damage(&mut frame);
                }
                let opened = reader.chunk(frame).map(|_| ());
                let expected = if at < failing { Ok(()) } else { Err(Error::CannotOpen) };
                assert_eq!(opened, expected, "frame {at} after {name} in frame {failing}");
                assert!(!reader.ended(), "frame {at} after {name} in frame {failing}");
            }
        }
    }
}

#[test]
fn opens_nothing_after_a_frame_without_a_valid_first_byte() {
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret(), AAD).unwrap();
    let frame = content(&mut writer, b"data", true);
    for invalid in [&[][..], &[2], &[255; 40]] {
        let mut reader = FrameReader::<AwsLc>::new(secret(), AAD, &commitment).unwrap();
        assert_eq!(reader.chunk(invalid.to_vec()).err(), Some(Error::Malformed(MessageKind::Frame)));
        assert_eq!(reader.chunk(frame.clone()).err(), Some(Error::CannotOpen));
        assert!(!reader.ended());
    }
}

/// A vector that grows would leave a copy of the plaintext in freed memory.
#[test]
fn all_frames_are_made_in_the_memory_of_the_first_one() {
    let (mut writer, _) = FrameWriter::<AwsLc>::new(secret(), AAD).unwrap();
    let mut place = |data: &[u8], last| writer.frame(&[data], last).unwrap().as_ptr();
    let first = place(&[7; CHUNK_LEN], false);
    assert_eq!([place(&[7; CHUNK_LEN], false), place(b"end", true)], [first; 2]);
}

#[test]
fn rejects_another_commitment_before_any_chunk() {
    assert_eq!(secret().open::<AwsLc>(AAD, &[0; COMMITMENT_LEN]).err(), Some(Error::CannotOpen));
    let (_, commitment) = Secret::new(Zeroizing::new([4; 32])).seal::<AwsLc>(AAD).unwrap();
    assert_eq!(secret().open::<AwsLc>(AAD, &commitment).err(), Some(Error::CannotOpen), "another secret's");
    assert_eq!(FrameReader::<AwsLc>::new(secret(), AAD, &[0; 31]).err(), Some(Error::Malformed(MessageKind::Frame)));
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", secret()), "Secret([redacted])");
}

proptest! {
    #[test]
    fn opens_what_it_seals(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(&*open(&seal(&data)).unwrap(), &data);
    }

    #[test]
    fn does_not_open_noise(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(open(&noise), Err(Error::CannotOpen));
        let (_, commitment) = secret().seal::<AwsLc>(AAD).unwrap();
        let mut reader = FrameReader::<AwsLc>::new(secret(), AAD, &commitment).unwrap();
        prop_assert!(reader.chunk(noise).is_err());
    }
}
