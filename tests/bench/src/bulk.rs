//! Encrypting and opening in bulk, compared with AES-256-GCM on one thread over the same chunks.

use crate::measure::{median, pair, row};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use enclave_core::Checksum;
use enclave_core::crypto::{CHUNK_LEN, Secret, open_bytes, seal_bytes};
use enclave_core_aws_lc::AwsLc;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

const LENGTH: usize = 64 << 20;

/// AES-256-GCM of aws-lc-rs, one chunk after the other.
struct Bare(LessSafeKey);

impl Bare {
    fn new() -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap()))
    }

    fn seal(&self, counter: u64, chunk: &mut [u8]) {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&counter.to_be_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let _tag = black_box(self.0.seal_in_place_separate_tag(nonce, Aad::from([0; 48]), chunk).unwrap());
    }

    /// Seals every chunk of a buffer in place.
    fn in_place(&self, data: &mut [u8]) {
        (0u64..).zip(data.chunks_mut(CHUNK_LEN)).for_each(|(counter, chunk)| self.seal(counter, chunk));
    }

    /// Copies every chunk out of a source first, as a reader of a stream must.
    fn copying(&self, data: &[u8]) {
        let mut buffer = [0; CHUNK_LEN];
        for (counter, chunk) in (0u64..).zip(data.chunks_exact(CHUNK_LEN)) {
            buffer.copy_from_slice(chunk);
            self.seal(counter, &mut buffer);
            black_box(&buffer);
        }
    }
}

/// Seals by the core's tickets, which never use a (key, nonce) pair twice.
fn by_tickets(data: &mut [u8]) {
    let (mut sealer, _) = Secret::new(Zeroizing::new([2; 32])).seal::<AwsLc>(&[0; 48]).unwrap();
    for chunk in data.chunks_exact_mut(CHUNK_LEN) {
        let _tag = black_box(sealer.ticket().unwrap().seal(chunk).unwrap());
    }
}

pub fn run() {
    let data = vec![7; LENGTH];
    let (mut buffer, mut other) = (data.clone(), data.clone());
    let bare = Bare::new();
    let (ours, floor) = pair(11, || by_tickets(&mut other), || bare.in_place(&mut buffer));
    row("seal 64 MiB in place / AES-256-GCM in place", ours, floor, "≤ 1.11");
    let secret = || Secret::new(Zeroizing::new([2; 32]));
    let sealed = seal_bytes::<AwsLc>(secret(), &[0; 48], &data).unwrap();
    let floor = median(5, || bare.copying(&data));
    let seal = median(5, || drop(seal_bytes::<AwsLc>(secret(), &[0; 48], &data).unwrap()));
    row("seal 64 MiB into a new object / read + seal", seal, floor, "");
    let open = median(5, || drop(open_bytes::<AwsLc>(secret(), &[0; 48], &sealed).unwrap()));
    row("open 64 MiB into a new buffer / read + seal", open, floor, "");
    let vault = crate::session::vault();
    let encrypt = median(5, || {
        let mut out = Sink::default();
        capelet::encrypt::encrypt(&vault, Some(vec![Checksum::new([3; 32])]), data.as_slice(), &mut out, |_| {})
            .unwrap();
        assert!(out.0 > LENGTH);
    });
    row("encrypt 64 MiB from memory / read + seal", encrypt, floor, "≤ 1.11");
    for peer in ["age", "rage"] {
        if let Some(took) = age(peer, &data) {
            row(&format!("encrypt 64 MiB / {peer} through a pipe"), encrypt, took, "");
        }
    }
}

/// Counts the bytes that are written.
#[derive(Default)]
struct Sink(usize);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A public test key of age.
pub const RECIPIENT: &str = "age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm";

/// The time that `program` takes, in microseconds; `None` if it is not installed.
fn age(program: &str, data: &[u8]) -> Option<f64> {
    let once = || {
        let mut command = Command::new(program);
        command.args(["-r", RECIPIENT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        child.stdin.take()?.write_all(data).ok()?;
        child.wait().ok().filter(|status| status.success())
    };
    once()?;
    Some(median(3, || assert!(once().is_some())))
}
