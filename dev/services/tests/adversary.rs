//! The attacks work. A product that detects one has therefore detected a real attack.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use capelet_dev::adversary::mitm::{self, AnyKey, Sight};
use capelet_dev::adversary::pad;
use capelet_dev::adversary::store::{self, Kind};
use capelet_dev::{Address, Error, Service, Stream};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{PrivatePkcs8KeyDer, ServerName};
use std::fs;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const LABEL: &[u8] = b"EXPORTER-capelet-1-session";

fn local() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn padding_adds_a_byte_to_a_program_that_still_runs() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("true");
    pad(std::path::Path::new("/bin/true"), &copy).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().len(), fs::metadata("/bin/true").unwrap().len() + 1);
    assert!(Command::new(&copy).status().unwrap().success());
    assert!(matches!(pad(&directory.path().join("missing"), &copy), Err(Error::File(..))));
}

#[test]
fn swapping_replaces_the_newest_version_of_one_object_only() {
    let directory = tempfile::tempdir().unwrap();
    let write = |kind: &str, owner: char, id: &str, version: u64, bytes: &[u8]| {
        let folder = directory.path().join(kind).join(owner.to_string().repeat(64));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{id}-{version:016x}"));
        fs::write(&path, bytes).unwrap();
        path
    };
    let (one, two) = ("11".repeat(16), "22".repeat(16));
    let old = write("01", 'a', &one, 1, b"one, old");
    let new = write("01", 'a', &one, 16, b"one, new");
    let other = write("01", 'b', &two, 1, b"two");
    let key = write("02", 'b', &two, 1, b"a key");
    let find = |kind, id: &str| store::find(directory.path(), kind, id);
    assert_eq!(find(Kind::Function, &one).unwrap(), new);
    assert_eq!(find(Kind::Function, "22").unwrap(), other);
    assert_eq!(find(Kind::VaultKey, &two).unwrap(), key);
    assert!(matches!(find(Kind::Function, "33"), Err(Error::NotStored(_))));
    assert!(matches!(find(Kind::Statement, "33"), Err(Error::File(..))));
    store::swap(&new, &other).unwrap();
    assert_eq!(fs::read(&new).unwrap(), b"two");
    assert_eq!((fs::read(&old).unwrap(), fs::read(&other).unwrap()), (b"one, old".to_vec(), b"two".to_vec()));
    assert_eq!(fs::read_dir(new.parent().unwrap()).unwrap().count(), 2);
}

fn crypto() -> Arc<CryptoProvider> {
    let kx_groups = vec![provider::kx_group::X25519MLKEM768];
    Arc::new(CryptoProvider { kx_groups, ..provider::default_provider() })
}

fn read_frame(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut frame).ok()?;
    Some(frame)
}

fn write_frame(to: &mut impl Write, frame: &[u8]) {
    to.write_all(&[&(frame.len() as u32).to_be_bytes(), frame].concat()).unwrap();
    to.flush().unwrap();
}

/// A service that answers like an enclave: TLS with a raw Ed25519 key, and the TLS exporter as the answer to `hello`.
fn enclave() -> Service {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let key = provider::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_ref())).unwrap();
    let key = Arc::new(CertifiedKey::new(vec![key.public_key().unwrap().to_vec().into()], key));
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(key)));
    config.alpn_protocols = vec![b"capelet/1".to_vec()];
    let config = Arc::new(config);
    let serve = move |stream: Stream| {
        let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
        let Some(hello) = read_frame(&mut tls) else { return };
        let exported: [u8; 32] = tls.conn.export_keying_material([0; 32], LABEL, Some(&hello)).unwrap();
        write_frame(&mut tls, &exported);
        if let Some(secret) = read_frame(&mut tls) {
            write_frame(&mut tls, &secret);
        }
    };
    Service::start(local().listen().unwrap(), 8, serve).unwrap()
}

/// Sends `hello`, and with `continues` also a secret. Returns the client's exporter and the enclave's.
fn connect(to: &Address, continues: bool) -> ([u8; 32], Vec<u8>) {
    let mut config = ClientConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"capelet/1".to_vec()];
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("enclave.invalid").unwrap());
    let mut tls = StreamOwned::new(connection.unwrap(), to.connect().unwrap());
    write_frame(&mut tls, b"hello");
    let theirs = read_frame(&mut tls).unwrap();
    assert_eq!(tls.conn.alpn_protocol(), Some(&b"capelet/1"[..]));
    if continues {
        write_frame(&mut tls, b"secret");
        assert_eq!(read_frame(&mut tls).unwrap(), b"secret");
    }
    let ours = tls.conn.export_keying_material([0; 32], LABEL, Some(b"hello")).unwrap();
    (ours, theirs)
}

#[test]
fn only_the_tls_exporter_reveals_a_man_in_the_middle() {
    let (enclave, sight) = (enclave(), Arc::new(Sight::default()));
    let (ours, theirs) = connect(enclave.address(), false);
    assert_eq!(ours.as_slice(), theirs, "without an attack both ends export the same value");
    let middle = mitm::start(local().listen().unwrap(), enclave.address().clone(), sight.clone()).unwrap();
    let (ours, theirs) = connect(middle.address(), false);
    assert_ne!(ours.as_slice(), theirs, "under attack they export different values");
    assert_eq!(sight.clients.load(Ordering::SeqCst), 1);
    assert_eq!(sight.deceived.load(Ordering::SeqCst), 0);
    connect(middle.address(), true);
    assert_eq!(sight.deceived.load(Ordering::SeqCst), 1, "a client that continues is read and gets its answer");
    let bytes = (5 + 36) + (5 + 36 + 10 + 10);
    assert_eq!(sight.bytes.load(Ordering::SeqCst), bytes);
}
