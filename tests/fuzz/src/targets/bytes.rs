//! Encodings: CBOR, text, frames, the stream.

use super::damaged;
use enclave_core::cbor::{Reader, Writer, check_integer_keys};
use enclave_core::chunks::{FrameReader, FrameWriter};
use enclave_core::error::Down;
use enclave_core::platform::Channel;
use enclave_core::stream::{self as streams, CHUNK_LEN, Secret};
use enclave_core::{Part, frame as frames, text as texts};
use enclave_core_aws_lc::AwsLc;
use minicbor::data::Type;
use zeroize::Zeroizing;

/// What the reader reads, the writer writes again.
pub fn cbor(data: &[u8]) {
    let Ok(mut reader) = Reader::new(data, Part::Cbor) else {
        assert!(check_integer_keys(data).is_err());
        return;
    };
    let mut writer = Writer::new();
    copy(&mut reader, &mut writer);
    assert!(reader.end().is_ok());
    assert_eq!(writer.finish(), data);
}

fn copy(reader: &mut Reader<'_>, writer: &mut Writer) {
    match reader.peek().expect("an item") {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => drop(writer.uint(reader.uint().expect("unsigned"))),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => drop(writer.int(reader.int().expect("signed"))),
        // Below what 64 bits hold: no field of the protocol is read so, but it may lie in what is passed on.
        Type::Int => drop(writer.item(reader.item().expect("negative"))),
        Type::Bytes => drop(writer.bytes(reader.bytes(0, usize::MAX).expect("bytes"))),
        Type::String => drop(writer.text(reader.text(0, usize::MAX).expect("text"))),
        Type::Bool => drop(writer.bool(reader.bool().expect("boolean"))),
        Type::Null => {
            assert_eq!(reader.nullable(|_| Ok(())), Ok(None));
            writer.null();
        }
        Type::Tag => {
            reader.tag(18).expect("the one tag");
            copy(reader, writer.tag(18));
        }
        Type::Array => {
            let count = reader.any_array().expect("array");
            writer.array(count);
            (0..count).for_each(|_| copy(reader, writer));
        }
        Type::Map => {
            let count = reader.any_map().expect("map");
            writer.map(count);
            (0..2 * count).for_each(|_| copy(reader, writer));
        }
        other => panic!("{other:?} is not the protocol's"),
    }
}

pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(bytes) = texts::base64url_decode(text) {
        assert_eq!(texts::base64url_encode(&bytes), text);
    }
    if let Ok(bytes) = texts::cape_decode(text) {
        assert_eq!(texts::cape_encode(&bytes), text);
    }
}

/// Gives its bytes a few at a time, then ends; and keeps what is written.
pub struct Trickle<'a> {
    pub left: &'a [u8],
    piece: usize,
    pub written: Vec<u8>,
}

impl<'a> Trickle<'a> {
    /// At most `piece` bytes at once, of nothing one.
    pub fn new(left: &'a [u8], piece: u8) -> Self {
        Self { left, piece: usize::from(piece).max(1), written: Vec::new() }
    }
}

impl Channel for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        let (given, left) = self.left.split_at(buffer.len().min(self.piece).min(self.left.len()));
        buffer[..given.len()].copy_from_slice(given);
        self.left = left;
        Ok(given.len())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        self.written.extend_from_slice(bytes);
        Ok(())
    }
}

/// Frames one after the other, in pieces: written again they are what was read.
pub fn frame(data: &[u8]) {
    let Some((&piece, data)) = data.split_first() else { return };
    let mut channel = Trickle::new(data, piece);
    while let Ok(content) = frames::read(&mut channel, 1024) {
        assert!(content.len() <= 1024);
        frames::write(&mut channel, &content).expect("written");
        assert_eq!(channel.written, data[..channel.written.len()]);
    }
}

fn secret() -> Secret {
    Secret::new(Zeroizing::new([3; 32]))
}

/// Opens what nobody sealed; then seals the bytes, at lengths around a chunk's, and damages that.
pub fn stream(data: &[u8]) {
    let _ = streams::open_bytes::<AwsLc>(secret(), b"aad", data);
    let Some((front, data)) = data.split_first_chunk::<2>() else { return };
    let padding = match front[0] % 8 {
        0 => CHUNK_LEN - data.len().min(CHUNK_LEN),
        1 => 2 * CHUNK_LEN - data.len().min(CHUNK_LEN),
        _ => 0,
    };
    let plain = [data, &vec![front[1]; padding]].concat();
    let sealed = streams::seal_bytes::<AwsLc>(secret(), b"aad", &plain).expect("sealed");
    let opened = streams::open_bytes::<AwsLc>(secret(), b"aad", &sealed).expect("opened");
    assert_eq!(opened.as_slice(), plain);
    let damage = damaged(&sealed, front);
    assert!(streams::open_bytes::<AwsLc>(secret(), b"aad", &damage).is_err());
    let cut = usize::from(u16::from_be_bytes(*front)) % sealed.len();
    assert!(streams::open_bytes::<AwsLc>(secret(), b"aad", &sealed[..cut]).is_err());
    framed(&plain, front);
}

/// The same as frames, of which one is damaged.
fn framed(plain: &[u8], front: &[u8; 2]) {
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret(), b"aad").expect("begun");
    let mut reader = FrameReader::<AwsLc>::new(secret(), b"aad", &commitment).expect("the commitment holds");
    let mut pieces = plain.chunks(CHUNK_LEN).peekable();
    let mut opened = Vec::new();
    loop {
        let piece = pieces.next().unwrap_or_default();
        let last = pieces.peek().is_none();
        let frame = writer.chunk(piece, last).expect("a chunk");
        let mut damage = FrameReader::<AwsLc>::new(secret(), b"aad", &commitment).expect("the commitment holds");
        assert!(damage.chunk(damaged(&frame, front)).is_err());
        assert!(!reader.ended());
        opened.extend_from_slice(&reader.chunk(frame).expect("a chunk"));
        if last {
            break;
        }
    }
    assert!(reader.ended() && opened == plain);
    assert!(writer.chunk(&[], true).is_err() && reader.chunk(vec![1; 17]).is_err(), "nothing comes behind the last");
}
