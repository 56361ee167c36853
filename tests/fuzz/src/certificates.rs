//! A certificate chain of the fuzzer's own, which signs attestation documents.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use enclave_core::attestation::Root;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::sync::LazyLock;

/// A root certificate, a leaf certificate that it issued, and the leaf's key. Both are valid from 1975 to 4096.
pub struct Chain {
    /// The root, as a development root.
    pub root: Root,
    /// The leaf certificate in DER.
    pub leaf: Vec<u8>,
    key: EcdsaKeyPair,
}

impl Chain {
    /// Signs with the leaf's key: ECDSA P-384 with SHA-384, 96 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(&SystemRandom::new(), message).expect("signing succeeds").as_ref().to_vec()
    }
}

/// The chain, with keys that each process generates anew.
pub static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let [root_key, leaf_key] =
        [(); 2].map(|()| KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("key generation succeeds"));
    let mut params = [(); 2].map(|()| CertificateParams::default());
    params[0].is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params[0].key_usages.push(KeyUsagePurpose::KeyCertSign);
    params[1].key_usages.push(KeyUsagePurpose::DigitalSignature);
    let [root, leaf] = params;
    let der = root.self_signed(&root_key).expect("a valid root").der().to_vec();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(root, root_key)).expect("a valid leaf").der().to_vec();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &leaf_key.serialize_der());
    Chain { root: Root::development(der).expect("a valid root"), leaf, key: key.expect("a valid key") }
});
