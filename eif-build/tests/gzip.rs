//! gzip: deterministic compression, one form of member, bounded memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_hostile_bytes::{bit_flips, truncations};
use common::{member, stored};
use eif_build::Error;
use eif_build::gzip::{compress, expand};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const LIMIT: u64 = 1 << 20;
const HEADER: usize = 10;

fn code(member: &[u8]) -> &'static str {
    expand(member, LIMIT).expect_err("refused").code()
}

/// Text, noise and zeros, so that a stream has literals, near and far matches, and stored blocks.
fn mixture() -> Vec<u8> {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut bytes: Vec<u8> = (0..100_000).map(|_| noise()).collect();
    for n in 0..10_000 {
        bytes.extend(format!("line {n} of {}\n", noise() % 4).bytes());
    }
    bytes.extend([0; 100_000]);
    bytes.extend_from_within(50_000..80_000);
    bytes
}

/// If an update of the compressor changes these bytes, it changes PCR0 of the same sources.
#[test]
fn compresses_to_the_pinned_bytes() {
    let bytes = mixture();
    let compressed = compress(&bytes);
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&compressed));
    assert_eq!(digest, "d9385aa61ec7342e78164c9f83148289f0b9bfedc9b6577a8d362407fc0f7345");
    assert_eq!(expand(&compressed, LIMIT).unwrap(), bytes);
    assert!(compressed.len() < bytes.len() / 2);
}

/// The expected fields come from RFC 1952.
#[test]
fn writes_the_constant_header_and_then_crc_and_size() {
    let compressed = compress(b"Capelet");
    assert_eq!(compressed[..HEADER], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    assert_eq!(compressed[compressed.len() - 4..], 7u32.to_le_bytes());
    assert_eq!(compressed[compressed.len() - 8..][..4], crc32fast::hash(b"Capelet").to_le_bytes());
}

#[test]
fn expands_empty_content_but_not_an_empty_member() {
    assert_eq!(expand(&compress(b""), 0).unwrap(), b"");
    assert_eq!(code(b""), "gzip-header");
}

#[test]
fn refuses_every_other_header() {
    let good = compress(b"Capelet");
    let header: [u8; HEADER] = good[..HEADER].try_into().unwrap();
    for flip in bit_flips(&good).filter(|flip| flip.at < HEADER) {
        assert_eq!(code(&flip.bytes), "gzip-header", "{flip}");
    }
    // A name, as gzip(1) writes it, after its flag.
    let mut named = header.to_vec();
    named[3] = 8;
    named.extend(b"capelet\0");
    assert_eq!(code(&[&named, &good[HEADER..]].concat()), "gzip-header");
    assert_eq!(code(b"070701"), "gzip-header");
    assert_eq!(code(&[&[0], &good[..]].concat()), "gzip-header");
}

/// The members have each kind of deflate block.
#[test]
fn refuses_every_truncation_and_every_flip_that_changes_content() {
    let text = b"one byte, two bytes, three bytes, four bytes";
    let blocks = member(&compress(b"")[..HEADER], &stored(true, text), crc32fast::hash(text), text.len() as u32);
    assert_eq!(expand(&blocks, LIMIT).unwrap(), text);
    for good in [blocks, compress(text), compress(&mixture()[120_000..122_000])] {
        let content = expand(&good, LIMIT).unwrap();
        for truncated in truncations(&good) {
            let length = truncated.len();
            let expected = if length < HEADER { "gzip-header" } else { "gzip-stream" };
            let found = code(truncated);
            // In a truncated member arbitrary bytes are read as the size.
            assert!(found == expected || length > HEADER && found == "gzip-too-large", "{length} bytes: {found}");
        }
        for flip in bit_flips(&good).filter(|flip| flip.at >= HEADER) {
            // Bits between the end of a block and the next byte have no meaning.
            if let Ok(expanded) = expand(&flip.bytes, LIMIT) {
                assert_eq!(expanded, content, "{flip}");
            }
        }
        let flipped = |from_end: usize| {
            let mut member = good.clone();
            let at = good.len() - from_end;
            member[at] ^= 1;
            code(&member)
        };
        assert_eq!((flipped(8), flipped(5)), ("gzip-crc", "gzip-crc"));
        assert_eq!((flipped(4), flipped(3)), ("gzip-stream", "gzip-stream"));
        assert_eq!(flipped(1), "gzip-too-large");
    }
}

#[test]
fn refuses_bytes_after_the_member_or_the_stream() {
    let good = compress(b"Capelet");
    let again = compress(b"");
    for behind in [&[0][..], &[0; 4], &good, &again, b"070701\0\0\0\0"] {
        assert_eq!(code(&[&good, behind].concat()), "gzip-stream");
    }
    // Between the stream and the CRC.
    let (stream, end) = good.split_at(good.len() - 8);
    assert_eq!(code(&[stream, &[0], end].concat()), "gzip-stream");
    let two = [&good[HEADER..good.len() - 8], &good[HEADER..good.len() - 8]].concat();
    assert_eq!(
        code(&member(&good[..HEADER], &two, crc32fast::hash(b"CapeletCapelet"), 14)),
        "gzip-stream",
        "two streams in one member"
    );
}

/// These blocks are valid, but this compressor would not write them.
#[test]
fn expands_streams_of_other_compressors() {
    let header = &compress(b"")[..HEADER];
    let stream = [stored(false, b""), stored(false, b"Cape"), stored(true, b"let")].concat();
    let other = member(header, &stream, crc32fast::hash(b"Capelet"), 7);
    assert_eq!(expand(&other, 7).unwrap(), b"Capelet");
    assert_ne!(other, compress(b"Capelet"));
    // A stream without a last block, and a block of an unknown type.
    let open = [stored(false, b"Cape"), stored(false, b"let")].concat();
    assert_eq!(code(&member(header, &open, crc32fast::hash(b"Capelet"), 7)), "gzip-stream");
    assert_eq!(code(&member(header, &[0b111], 0, 0)), "gzip-stream");
}

#[test]
fn unpacks_no_more_than_the_limit_and_the_stated_size() {
    let zeros = vec![0; 4 << 20];
    let bomb = compress(&zeros);
    assert!(bomb.len() < 8 << 10);
    let size = zeros.len() as u64;
    assert_eq!(expand(&bomb, size).unwrap(), zeros);
    assert_eq!(expand(&bomb, size - 1), Err(Error::GzipTooLarge { size, limit: size - 1 }));
    // A member that states a smaller size is unpacked to that size only.
    let stream = &bomb[HEADER..bomb.len() - 8];
    for claimed in [0, 1, 1 << 10, (size as u32) - 1] {
        let crc = crc32fast::hash(&zeros[..claimed as usize]);
        assert_eq!(expand(&member(&bomb[..HEADER], stream, crc, claimed), size), Err(Error::GzipStream), "{claimed}");
    }
    // A stream of this length cannot have so large a size.
    let few = stored(true, b"Capelet");
    for claimed in [8, 10_000, u32::MAX] {
        let member = member(&bomb[..HEADER], &few, crc32fast::hash(b"Capelet"), claimed);
        assert_eq!(expand(&member, u64::MAX), Err(Error::GzipStream), "{claimed}");
    }
}

#[test]
fn refuses_a_distance_before_the_first_byte() {
    let expanded = |distance: &str| {
        // Fixed codes (RFC 1951, 3.2.6): last block, literal `a`, length 3 at this distance, end of block.
        let bits = ["1", "10", "10010001", "0000001", distance, "0000000"].concat();
        let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
        let stream: Vec<u8> = bits.as_bytes().chunks(8).map(byte).collect();
        expand(&member(&compress(b"")[..HEADER], &stream, crc32fast::hash(b"aaaa"), 4), LIMIT)
    };
    assert_eq!(expanded("00000").unwrap(), b"aaaa");
    assert_eq!(expanded("00001"), Err(Error::GzipStream));
}

proptest! {
    #[test]
    fn expands_what_it_compressed(bytes in proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..5000)) {
        let compressed = compress(&bytes);
        prop_assert_eq!(&compressed, &compress(&bytes));
        prop_assert_eq!(expand(&compressed, bytes.len() as u64).unwrap(), bytes);
    }

    /// The header is valid. The stream is arbitrary.
    #[test]
    fn expands_arbitrary_streams_only_to_the_stated_size(stream in proptest::collection::vec(any::<u8>(), 0..200), size in 0u32..300) {
        let member = member(&compress(b"")[..HEADER], &stream, 0, size);
        if let Ok(bytes) = expand(&member, LIMIT) {
            prop_assert_eq!(bytes.len(), size as usize);
            prop_assert_eq!(crc32fast::hash(&bytes), 0);
        }
    }
}
