//! Streams, in the form of files and in the form of frames.

use crate::case::{Input, Output, Values};
use crate::kdf::expand;
use enclave_core::crypto::{
    CHUNK_LEN, Cipher as _, Crypto as _, FrameReader, FrameWriter, Secret, open_bytes, seal_bytes, sha256,
};
use enclave_core::encoding::{Channel, MAX_FRAME, read_frame, write_frame};
use enclave_core::{Error, TransportError};
use enclave_core_aws_lc::AwsLc;
use zeroize::Zeroizing;

/// A connection that returns what was written to it.
pub struct Bytes(pub Vec<u8>);

impl Channel for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = buffer.len().min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// `plain` as frames.
pub fn to_frames(secret: Secret, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut out = Bytes(Vec::new());
    let (mut writer, commitment) = FrameWriter::<AwsLc>::new(secret, aad).unwrap();
    write_frame(&mut out, &commitment).unwrap();
    let count = plain.len().div_ceil(CHUNK_LEN).max(1);
    for (i, chunk) in (1..=count).zip(plain.chunks(CHUNK_LEN).chain([&[][..]])) {
        // In two parts, as a head and the beginning of a body are.
        let (front, back) = chunk.split_at(chunk.len() / 2);
        out.write(writer.frame(&[front, back], i == count).unwrap()).unwrap();
    }
    out.0
}

/// Opens a stream from its frames. Every frame must be used.
pub fn from_frames(secret: Secret, aad: &[u8], frames: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut connection = Bytes(frames.to_vec());
    let commitment = read_frame(&mut connection, MAX_FRAME)?;
    let mut reader = FrameReader::<AwsLc>::new(secret, aad, &commitment)?;
    let mut plain = Zeroizing::new(Vec::new());
    while !reader.ended() || !connection.0.is_empty() {
        plain.extend_from_slice(&reader.chunk(read_frame(&mut connection, MAX_FRAME)?)?);
    }
    Ok(plain)
}

pub fn stream(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let secret = Zeroizing::new(input.fixed::<32>("secret"));
    let aad = input.bytes("aad");
    let in_frames = match input.text("form") {
        "frames" => true,
        "bytes" => false,
        other => panic!("form {other}"),
    };
    let (key, commitment) = (expand(&secret, &[b"capelet/1/key"]), expand(&secret, &[b"capelet/1/commit"]));
    let data =
        if input.has("chunks") { by_hand(input, &key, &commitment, &aad, in_frames) } else { input.bytes("data") };
    let plain = if in_frames {
        from_frames(Secret::new(secret.clone()), &aad, &data)?
    } else {
        Zeroizing::new(open_bytes::<AwsLc>(Secret::new(secret.clone()), &aad, &data)?.to_vec())
    };
    let sealed = if in_frames {
        to_frames(Secret::new(secret), &aad, &plain)
    } else {
        seal_bytes::<AwsLc>(Secret::new(secret), &aad, &plain)?
    };
    assert_eq!(sealed, data);
    let output = Output::default()
        .bytes("key", key)
        .bytes("commitment", commitment)
        .bytes("data_sha256", sha256(&[&data]))
        .value("plain_length", plain.len())
        .bytes("plain_sha256", sha256(&[&plain]));
    Ok(output.bytes("plain", &*plain))
}

/// A stream made from [length, counter, final flag] of its chunks, valid or not. Byte i of the plaintext is i mod 251.
fn by_hand(input: &Input<'_>, key: &[u8; 32], commitment: &[u8; 32], aad: &[u8], in_frames: bool) -> Vec<u8> {
    let cipher = AwsLc::aes_256_gcm(key).unwrap();
    let mut pattern = (0u64..).map(|i| u8::try_from(i % 251).unwrap());
    let mut out = Vec::new();
    let mut put = |content: &[u8]| {
        if in_frames {
            out.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
        }
        out.extend_from_slice(content);
    };
    put(commitment);
    for chunk in input.value("chunks").as_array().unwrap() {
        let [length, counter, last] = [0, 1, 2].map(|i| chunk[i].as_u64().unwrap());
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&counter.to_be_bytes());
        nonce[11] = u8::try_from(last).unwrap();
        let mut data: Vec<u8> = pattern.by_ref().take(usize::try_from(length).unwrap()).collect();
        let tag = cipher.seal(&nonce, aad, &mut data).unwrap();
        let flag: &[u8] = if in_frames { &nonce[11..] } else { &[] };
        put(&[flag, &data, &tag].concat());
    }
    out
}
