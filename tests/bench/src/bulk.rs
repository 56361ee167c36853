//! Encrypting and opening in bulk, against AES-256-GCM on one thread over the same chunks.

use crate::measure::{median, row};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use enclave_core::stream::{Secret, open_bytes, seal_bytes};
use enclave_core_aws_lc::AwsLc;
use std::io::Write as _;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

const LENGTH: usize = 64 << 20;
const CHUNK: usize = 65_536;

/// The floor: seal every chunk of a buffer in place.
fn bare(data: &mut [u8]) {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap());
    for (counter, chunk) in (0u64..).zip(data.chunks_mut(CHUNK)) {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&counter.to_be_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let _tag = std::hint::black_box(key.seal_in_place_separate_tag(nonce, Aad::from([0; 48]), chunk).unwrap());
    }
}

pub fn run() {
    let data = vec![7; LENGTH];
    let mut buffer = data.clone();
    let floor = median(5, || bare(&mut buffer));
    let secret = || Secret::new(Zeroizing::new([2; 32]));
    let sealed = seal_bytes::<AwsLc>(secret(), &[0; 48], &data).unwrap();
    let seal = median(5, || drop(seal_bytes::<AwsLc>(secret(), &[0; 48], &data).unwrap()));
    row("seal 64 MiB (core) / bare AES-256-GCM in place", seal, floor, "");
    let open = median(5, || drop(open_bytes::<AwsLc>(secret(), &[0; 48], &sealed).unwrap()));
    row("open 64 MiB (core) / bare AES-256-GCM in place", open, floor, "");
    let vault = crate::session::vault();
    let encrypt = median(5, || {
        let mut out = Sink::default();
        capelet::encrypt::encrypt(&vault, Some(vec![[3; 32]]), data.as_slice(), &mut out, |_| {}).unwrap();
        assert!(out.0 > LENGTH);
    });
    row("encrypt 64 MiB from memory / bare AES-256-GCM", encrypt, floor, "≤ 1.11");
    for peer in ["age", "rage"] {
        if let Some(took) = age(peer, &data) {
            row(&format!("encrypt 64 MiB / {peer} through a pipe"), encrypt, took, "");
        }
    }
}

/// Counts what is written.
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

/// `age`, if it is installed: to a recipient that everybody knows.
fn age(program: &str, data: &[u8]) -> Option<f64> {
    let recipient = "age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm";
    let once = || {
        let mut command = Command::new(program);
        command.args(["-r", recipient]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        child.stdin.take()?.write_all(data).ok()?;
        child.wait().ok().filter(|status| status.success())
    };
    once()?;
    Some(median(3, || assert!(once().is_some())))
}
