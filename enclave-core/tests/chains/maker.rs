//! Chains in the shape of AWS's (root, region, zone, instance, leaf) and documents signed by their leaves.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use enclave_core::attestation::{Purpose as _, Root, SessionPurpose};
use enclave_core::encoding::Writer;
use enclave_core::{CONFIGURATION_PCR, Error, Nonce, Pcr, UnixMillis, pcr16};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// 2025-06-01T12:00:00Z.
pub const NOW: UnixMillis = UnixMillis::new(1_748_779_200_000);
pub const NONCE: Nonce = Nonce::new([0x5a; 32]);
pub const CLAIMS: &[u8] = b"whatever the claims are";
pub const CONFIGURATION: &[u8] = b"whatever the configuration is";
pub const PCR0: Pcr = Pcr::new([0xb0; 48]);

/// One certificate before it is signed.
pub struct Level {
    pub params: CertificateParams,
    pub algorithm: &'static SignatureAlgorithm,
}

impl Level {
    /// Levels 0 to 3 are authorities, 4 is the leaf.
    fn new(level: usize) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("level {level}"));
        params.not_before = rcgen::date_time_ymd(2025, 5, 1);
        params.not_after = rcgen::date_time_ymd(2025, 7, 1);
        (params.is_ca, params.key_usages) = match level {
            0 => (IsCa::Ca(BasicConstraints::Unconstrained), vec![KeyUsagePurpose::KeyCertSign]),
            1..=3 => (IsCa::Ca(BasicConstraints::Constrained(3 - level as u8)), vec![KeyUsagePurpose::KeyCertSign]),
            _ => (IsCa::ExplicitNoCa, vec![KeyUsagePurpose::DigitalSignature]),
        };
        Self { params, algorithm: &rcgen::PKCS_ECDSA_P384_SHA384 }
    }
}

/// A chain of certificates, and the leaf's key.
pub struct Chain {
    /// Root first, without the leaf.
    pub bundle: Vec<Vec<u8>>,
    pub leaf: Vec<u8>,
    key: KeyPair,
}

impl Chain {
    /// A chain in which `edit` may change every level, 0 the root, 4 the leaf.
    pub fn new(edit: impl Fn(usize, &mut Level)) -> Self {
        Self::of_levels(5, edit)
    }

    /// A chain without a defect.
    pub fn valid() -> &'static Self {
        static VALID: OnceLock<Chain> = OnceLock::new();
        VALID.get_or_init(|| Self::new(|_, _| {}))
    }

    /// A leaf signed by a leaf. The chain has no other defect.
    pub fn with_leaf_below_leaf() -> Self {
        Self::of_levels(6, |_, _| {})
    }

    fn of_levels(levels: usize, edit: impl Fn(usize, &mut Level)) -> Self {
        let mut bundle = Vec::new();
        let mut issuer: Option<(CertificateParams, KeyPair)> = None;
        for number in 0..levels {
            let mut level = Level::new(number);
            edit(number, &mut level);
            let key = KeyPair::generate_for(level.algorithm).unwrap();
            let certificate = match &issuer {
                None => level.params.self_signed(&key).unwrap(),
                Some((params, by)) => level.params.signed_by(&key, &Issuer::from_params(params, by)).unwrap(),
            };
            bundle.push(certificate.der().to_vec());
            issuer = Some((level.params, key));
        }
        let (leaf, (_, key)) = (bundle.pop().unwrap(), issuer.unwrap());
        Self { bundle, leaf, key }
    }

    pub fn root(&self) -> Result<Root, Error> {
        Root::development(self.bundle[0].clone())
    }

    /// The document of these fields, signed by the leaf's key. If that key is not of P-384, a new key signs.
    pub fn document(&self, fields: &Fields) -> Vec<u8> {
        let payload = fields.payload();
        let mut signed = Writer::new();
        signed.array(4).text("Signature1").bytes(&fields.protected).bytes([]).bytes(&payload);
        let pkcs8 = self.key.serialize_der();
        let other = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &pkcs8)
            .or_else(|_| EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &other()))
            .unwrap();
        let signature = key.sign(&SystemRandom::new(), &signed.finish()).unwrap();
        let mut document = Writer::new();
        document.array(4).bytes(&fields.protected).map(0).bytes(&payload).bytes(signature.as_ref());
        document.finish()
    }
}

/// A payload before it is encoded.
#[derive(Clone)]
pub struct Fields {
    pub protected: Vec<u8>,
    pub indefinite: bool,
    pub module_id: String,
    pub digest: String,
    pub timestamp: UnixMillis,
    pub pcrs: BTreeMap<u64, Vec<u8>>,
    pub certificate: Vec<u8>,
    pub cabundle: Vec<Vec<u8>>,
    pub public_key: Option<Vec<u8>>,
    pub user_data: Option<Vec<u8>>,
    pub nonce: Option<Vec<u8>>,
    /// Additional entries.
    pub also: Vec<(&'static str, Vec<u8>)>,
    /// The entry to leave out.
    pub without: &'static str,
}

impl Fields {
    /// The fields of a session's document.
    pub fn of(chain: &Chain) -> Self {
        let mut pcrs: BTreeMap<_, _> = (0..16).map(|index| (index, vec![index as u8; 48])).collect();
        pcrs.insert(0, PCR0.as_bytes().to_vec());
        pcrs.insert(CONFIGURATION_PCR.into(), pcr16(CONFIGURATION).as_bytes().to_vec());
        Self {
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            indefinite: false,
            module_id: "i-0123456789abcdef0-enc0123456789abcdef".into(),
            digest: "SHA384".into(),
            timestamp: NOW,
            pcrs,
            certificate: chain.leaf.clone(),
            cabundle: chain.bundle.clone(),
            public_key: None,
            user_data: Some(SessionPurpose::user_data(CLAIMS).to_vec()),
            nonce: Some(NONCE.as_bytes().to_vec()),
            also: Vec::new(),
            without: "",
        }
    }

    fn payload(&self) -> Vec<u8> {
        fn encode(write: impl Fn(&mut Writer) -> &mut Writer) -> Vec<u8> {
            let mut writer = Writer::new();
            write(&mut writer);
            writer.finish()
        }
        let optional = |field: &Option<Vec<u8>>| {
            encode(|writer| {
                writer.nullable(field.as_deref(), |writer, bytes| {
                    writer.bytes(bytes);
                })
            })
        };
        let mut entries = vec![
            ("module_id", encode(|writer| writer.text(&self.module_id))),
            ("digest", encode(|writer| writer.text(&self.digest))),
            ("timestamp", encode(|writer| writer.uint(self.timestamp.get()))),
            (
                "pcrs",
                encode(|writer| {
                    writer.map(self.pcrs.len() as u64);
                    self.pcrs.iter().fold(writer, |writer, (index, value)| writer.uint(*index).bytes(value))
                }),
            ),
            ("certificate", encode(|writer| writer.bytes(&self.certificate))),
            (
                "cabundle",
                encode(|writer| {
                    writer.array(self.cabundle.len() as u64);
                    self.cabundle.iter().fold(writer, |writer, certificate| writer.bytes(certificate))
                }),
            ),
            ("public_key", optional(&self.public_key)),
            ("user_data", optional(&self.user_data)),
            ("nonce", optional(&self.nonce)),
        ];
        entries.retain(|(key, _)| *key != self.without);
        entries.extend(self.also.iter().cloned());

        let mut writer = Writer::new();
        if self.indefinite {
            writer.item(&[0xbf]);
        } else {
            writer.map(entries.len() as u64);
        }
        for (key, value) in &entries {
            writer.text(key).item(value);
        }
        if self.indefinite {
            writer.item(&[0xff]);
        }
        writer.finish()
    }
}
