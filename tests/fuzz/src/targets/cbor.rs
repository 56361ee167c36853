//! Deterministic CBOR.
//!
//! - What `Reader` accepts, its getters can read to the end, and `Writer` encodes the same bytes.
//! - Every key of every map in it is an integer.

use enclave_core::MessageKind;
use enclave_core::encoding::{Reader, TAG_SIGN1, Writer};
use minicbor::data::Type;

/// The types of integers.
const INTEGERS: [Type; 9] =
    [Type::U8, Type::U16, Type::U32, Type::U64, Type::I8, Type::I16, Type::I32, Type::I64, Type::Int];

/// The input is one CBOR item.
pub fn check(data: &[u8]) {
    let Ok(mut reader) = Reader::new(data, MessageKind::Cbor) else { return };
    let mut writer = Writer::new();
    copy(&mut reader, &mut writer);
    assert!(reader.end().is_ok());
    assert_eq!(writer.finish(), data);
}

/// Reads the next item and writes it.
fn copy(reader: &mut Reader<'_>, writer: &mut Writer) {
    match reader.peek().expect("an item follows") {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => drop(writer.uint(reader.uint().expect("unsigned"))),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => drop(writer.int(reader.int().expect("signed"))),
        // Negative and below the range of i64. No field of the protocol has this type, but an item that is passed on
        // unread may.
        Type::Int => drop(writer.item(reader.item().expect("negative"))),
        Type::Bytes => drop(writer.bytes(reader.bytes(0, usize::MAX).expect("bytes"))),
        Type::String => drop(writer.text(reader.text(0, usize::MAX).expect("text"))),
        Type::Bool => drop(writer.bool(reader.bool().expect("boolean"))),
        Type::Null => {
            assert_eq!(reader.nullable(|_| Ok(())), Ok(None));
            writer.null();
        }
        Type::Tag => {
            reader.tag(TAG_SIGN1).expect("the reader accepts no other tag");
            copy(reader, writer.tag(TAG_SIGN1));
        }
        Type::Array => {
            let count = reader.any_array().expect("array");
            writer.array(count);
            (0..count).for_each(|_| copy(reader, writer));
        }
        Type::Map => {
            let count = reader.any_map().expect("map");
            writer.map(count);
            for _ in 0..count {
                let key = reader.peek().expect("a key follows");
                assert!(INTEGERS.contains(&key), "the reader accepted a key of type {key}");
                copy(reader, writer);
                copy(reader, writer);
            }
        }
        other => panic!("the reader accepted {other}, which the protocol does not use"),
    }
}
