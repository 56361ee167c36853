//! What is expensive to make and equal for every seed: a development root, measurements, and a KMS with one key.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use capelet_dev::Clock;
use capelet_dev::kms::{Kms, sealed_policy};
use capelet_dev::nsm::{self, Measured};
use data_encoding::BASE64;
use enclave_core::attestation::{Build, Pins, Root};
use enclave_core::kms::Arn;
use enclave_core::platform::Recipient;
use enclave_core::{Configuration, Error, Limits, Pcr, UnixMillis};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The time at which every run begins.
pub const BEGIN: UnixMillis = UnixMillis::new(1_800_000_000_000);
/// The key's id. It is fixed, because nothing that a trace shows may be random.
const KEY: &str = "0de00000-0000-4000-8000-00000000000d";
/// The key's account, which is also that of the parent's role.
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

/// See the module. Runs over one world share its clock, so only one of them may run at a time.
pub struct World {
    /// The development root that signs documents.
    pub root: Arc<nsm::Root>,
    /// The same root, as clients pin it.
    pub pinned_root: Root,
    /// The measurements of the enclaves.
    pub measured: Measured,
    /// The measurements of another image, which clients pin too.
    pub other_image: Measured,
    /// The measurements of both, as clients pin them.
    pub pins: Pins,
    /// The KMS.
    pub kms: Kms,
    /// The KMS's only key.
    pub arn: Arn,
    /// The clock of everyone, in milliseconds since 1970.
    pub time: Arc<AtomicU64>,
    _directory: TempDir,
}

impl World {
    /// A new world.
    pub fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("core"), b"the core's code").expect("a writable directory");
        fs::write(path("worker"), b"the worker's code").expect("a writable directory");
        let root = nsm::Root::load_or_make(&path("root")).expect("a new root");
        let measured = Measured::of(&path("core"), &path("worker")).expect("readable programs");
        let others = BTreeMap::from([(1, Pcr::new(measured.pcr1)), (2, Pcr::new(measured.pcr2))]);
        let build = Build::new(Pcr::new(measured.pcr0), others.clone()).expect("PCRs that are not zero");
        let other_image = Measured { pcr0: [0xEE; 48], ..measured.clone() };
        let other_build = Build::new(Pcr::new(other_image.pcr0), others).expect("PCRs that are not zero");
        let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY}");
        let key = json!({
            "id": KEY, "arn": arn, "account": ACCOUNT, "region": REGION, "description": "", "created": 0.0,
            "policy": sealed_policy(&measured.pcr0), "grants": [], "material": BASE64.encode(&[7; 32]),
        });
        fs::create_dir_all(path("kms/keys")).expect("a writable directory");
        let key_file = path("kms/keys").join(format!("{KEY}.json"));
        fs::write(&key_file, key.to_string()).expect("a writable directory");
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).expect("a writable directory");
        let time = Arc::new(AtomicU64::new(BEGIN.get()));
        let roots = vec![root.der().to_vec()];
        let kms = Kms::with_clock(&path("kms"), roots, Clock::Told(time.clone())).expect("a valid key file");
        Arc::new(Self {
            pinned_root: Root::development(root.der().to_vec()).expect("a root that may sign certificates"),
            pins: Pins::new(vec![build, other_build], Vec::new()).expect("two builds"),
            other_image,
            arn: Arn::parse(&arn).expect("a valid ARN"),
            _directory: directory,
            root,
            measured,
            kms,
            time,
        })
    }

    /// The default configuration: this world's key, low limits, and anyone may deploy.
    pub fn configuration(&self) -> Configuration {
        let limits = Limits { run: 1000, memory: 1 << 20, input: 1 << 20, output: 1 << 20 };
        Configuration { arn: self.arn.clone(), limits, deployers: None }
    }

    /// Sets the clock back to [`BEGIN`].
    pub fn rewind(&self) {
        self.time.store(BEGIN.get(), Ordering::SeqCst);
    }
}

/// The number of RSA keys. They are expensive, so the simulation makes them once and reuses them; an enclave does not.
pub const RECIPIENTS: usize = 3;

struct RsaKey {
    key: OaepPrivateDecryptingKey,
    public: Vec<u8>,
}

/// One of the RSA keys.
pub struct ReusedRecipient(&'static RsaKey);

/// The RSA key with this number.
pub fn recipient(number: usize) -> ReusedRecipient {
    static KEYS: OnceLock<Vec<RsaKey>> = OnceLock::new();
    let make = |_| {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a new key");
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().expect("an encodable key");
        let public = public.as_ref().to_vec();
        RsaKey { key: OaepPrivateDecryptingKey::new(key).expect("a key of 2,048 bits"), public }
    };
    ReusedRecipient(&KEYS.get_or_init(|| (0..RECIPIENTS).map(make).collect())[number])
}

impl Recipient for ReusedRecipient {
    fn public_key(&self) -> &[u8] {
        &self.0.public
    }

    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(vec![0; self.0.key.min_output_size()]);
        let opened = self.0.key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None);
        let length = opened.map_err(|_| Error::CannotOpen)?.len();
        out.truncate(length);
        Ok(out)
    }
}
