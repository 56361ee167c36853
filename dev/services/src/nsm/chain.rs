//! The certificates between root and document, in the form that AWS has used since 2025: region (20 days), zone (6
//! days), instance (one day), leaf (three hours).

use super::root::Root;
use crate::Error;
use crate::authority::development_name;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, SigningKey, date_time_ymd,
};
use std::sync::Arc;
use std::time::Duration;

/// Durations in milliseconds.
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// The name of the region in certificates.
const REGION: &str = "dev-local-1";

/// The certificates of root, region, zone and instance, and the key that signs leaves.
pub struct Chain {
    cabundle: Vec<Vec<u8>>,
    instance: Issuer<'static, KeyPair>,
    /// The start of its validity, in milliseconds since 1970.
    from: u64,
    /// Whether the chain ends in the root of an impostor.
    impostor: bool,
}

/// A leaf certificate, the certificates above it, and the key that signs one document.
pub struct Leaf<'a> {
    /// The leaf certificate, in DER.
    pub certificate: Vec<u8>,
    /// The certificates above it, root first, in DER.
    pub cabundle: &'a [Vec<u8>],
    key: EcdsaKeyPair,
}

impl Leaf<'_> {
    /// Signs with ES384 (RFC 9053, 2.1). The signature is r ‖ s, 96 bytes.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.sign(&SystemRandom::new(), message).map_err(|_| Error::Key)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl Chain {
    /// Makes a chain that is valid at `now` (milliseconds since 1970). With `impostor` it ends in another root.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn new(root: &Arc<Root>, instance: &str, now: u64, impostor: bool) -> Result<Self, Error> {
        let root = if impostor { Root::impostor()? } else { root.clone() };
        let from = now.saturating_sub(HOUR);
        let region_name = format!("{REGION}.DEVELOPMENT.nitro-enclaves");
        let zone_name = format!("zonal.{region_name}");
        let instance_name = format!("{instance}.{region_name}");
        let all = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let (region, region_der) = authority(&region_name, 2, &all, from, 20 * 24 * HOUR, &root.0.issuer)?;
        let (zone, zone_der) = authority(&zone_name, 1, &all, from, 6 * 24 * HOUR, &region)?;
        let only = [KeyUsagePurpose::KeyCertSign];
        let (issuer, instance_der) = authority(&instance_name, 0, &only, from, 24 * HOUR, &zone)?;
        let cabundle = vec![root.der().to_vec(), region_der, zone_der, instance_der];
        Ok(Self { cabundle, instance: issuer, from, impostor })
    }

    /// Whether the chain is valid for the whole life of a leaf that is made at `now`.
    pub fn serves(&self, now: u64, impostor: bool) -> bool {
        self.impostor == impostor && now >= self.from + MINUTE && now + 4 * HOUR < self.from + 24 * HOUR
    }

    /// Makes a leaf that is valid for three hours, or one that expired an hour before `now`.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Key`].
    pub fn leaf(&self, module: &str, now: u64, expired: bool) -> Result<Leaf<'_>, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = development_name(&format!("{module}.{REGION}.DEVELOPMENT"));
        // A leaf of AWS is valid for three hours and three seconds.
        let from = if expired { now.saturating_sub(4 * HOUR + 3000) } else { now.saturating_sub(1000) };
        validity(&mut params, from, 3 * HOUR + 3000);
        // Encoded by hand, because a leaf of AWS has no key identifier and its keyUsage is not critical (RFC 5280,
        // 4.2.1.9 and 4.2.1.3).
        let mut basic = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
        basic.set_criticality(true);
        let usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 6, 0b1100_0000]);
        params.custom_extensions = vec![basic, usage];
        let certificate = params.signed_by(&key, &self.instance)?.der().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, key.serialized_der());
        Ok(Leaf { certificate, cabundle: &self.cabundle, key: key.map_err(|_| Error::Key)? })
    }
}

/// Makes a certificate that may sign others, with at most `below` further authorities under it.
fn authority(
    common_name: &str,
    below: u8,
    usages: &[KeyUsagePurpose],
    from: u64,
    lasts: u64,
    issuer: &Issuer<'_, impl SigningKey>,
) -> Result<(Issuer<'static, KeyPair>, Vec<u8>), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = development_name(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = usages.to_vec();
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, from, lasts);
    let der = params.signed_by(&key, issuer)?.der().to_vec();
    Ok((Issuer::new(params, key), der))
}

fn validity(params: &mut CertificateParams, from: u64, lasts: u64) {
    let from = date_time_ymd(1970, 1, 1) + Duration::from_secs(from / 1000);
    params.not_before = from;
    params.not_after = from + Duration::from_millis(lasts);
}
