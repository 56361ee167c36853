//! What is dear to make, and the same for every seed: a development root, what is measured, a KMS with one key.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use capelet_dev::Clock;
use capelet_dev::kms::{Kms, sealed_policy};
use capelet_dev::nsm::{Measured, Root};
use data_encoding::BASE64;
use enclave_core::Error;
use enclave_core::config::{Arn, Configuration, Limits};
use enclave_core::platform::Recipient;
use enclave_core::verify::{self, Build, Pins};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// When every run begins, in milliseconds since 1970.
pub const BEGIN: u64 = 1_800_000_000_000;
/// The key's id: the seed is to decide everything that can be seen.
const KEY: &str = "0de00000-0000-4000-8000-00000000000d";
/// Its account: that of the parent's role.
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

/// See the module. Of the runs over one world only one goes on at a time: they share its clock.
pub struct World {
    /// The development root that signs documents.
    pub root: Arc<Root>,
    /// The same, as clients pin it.
    pub trust: verify::Root,
    /// What the enclaves are.
    pub measured: Measured,
    /// The same, as clients pin it.
    pub pins: Pins,
    /// The KMS.
    pub kms: Kms,
    /// Its one key.
    pub arn: Arn,
    /// Everybody's clock.
    pub time: Arc<AtomicU64>,
    _directory: TempDir,
}

impl World {
    /// A world of its own.
    pub fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("core"), b"the core's code").expect("a file");
        fs::write(path("worker"), b"the worker's code").expect("a file");
        let root = Root::load_or_make(&path("root")).expect("a root");
        let measured = Measured::of(&path("core"), &path("worker")).expect("measurements");
        let others = BTreeMap::from([(1, measured.pcr1), (2, measured.pcr2)]);
        let build = Build::new(measured.pcr0, others).expect("a build");
        let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY}");
        let key = json!({
            "id": KEY, "arn": arn, "account": ACCOUNT, "region": REGION, "description": "", "created": 0.0,
            "policy": sealed_policy(&measured.pcr0), "grants": [], "material": BASE64.encode(&[7; 32]),
        });
        fs::create_dir_all(path("kms/keys")).expect("a directory");
        fs::write(path("kms/keys").join(format!("{KEY}.json")), key.to_string()).expect("a file");
        let time = Arc::new(AtomicU64::new(BEGIN));
        let roots = vec![root.der().to_vec()];
        let kms = Kms::with_clock(&path("kms"), roots, Clock::Told(time.clone())).expect("a KMS");
        Arc::new(Self {
            trust: verify::Root::development(root.der().to_vec()).expect("a root"),
            pins: Pins::new(vec![build], Vec::new()).expect("pins"),
            arn: Arn::parse(&arn).expect("an ARN"),
            _directory: directory,
            root,
            measured,
            kms,
            time,
        })
    }

    /// The usual configuration: this world's key, low limits, anybody may deploy.
    pub fn configuration(&self) -> Configuration {
        let limits = Limits { run: 1000, memory: 1 << 20, input: 1 << 20, output: 1 << 20 };
        Configuration { arn: self.arn.clone(), limits, deployers: None }
    }

    /// Back to the beginning of time.
    pub fn rewind(&self) {
        self.time.store(BEGIN, Ordering::SeqCst);
    }
}

/// How many RSA keys there are: made once, for they are dear, and used again and again, in the simulation alone.
pub const RECIPIENTS: usize = 3;

struct Rsa {
    key: OaepPrivateDecryptingKey,
    public: Vec<u8>,
}

/// One of the keys.
pub struct Shared(&'static Rsa);

/// The recipient of this number.
pub fn recipient(number: usize) -> Shared {
    static KEYS: OnceLock<Vec<Rsa>> = OnceLock::new();
    let make = |_| {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key");
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a key");
        let public = public.as_ref().to_vec();
        Rsa { key: OaepPrivateDecryptingKey::new(key).expect("a key"), public }
    };
    Shared(&KEYS.get_or_init(|| (0..RECIPIENTS).map(make).collect())[number])
}

impl Recipient for Shared {
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
