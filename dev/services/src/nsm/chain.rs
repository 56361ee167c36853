//! The certificates between root and document, in the shape of AWS' since 2025: region (20 days), zone (6 days),
//! instance (a day), and a leaf of three hours.

use super::root::Root;
use crate::Error;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SigningKey, date_time_ymd,
};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const REGION: &str = "dev-local-1";

/// Root, region, zone and instance, ready to sign leaves.
pub struct Chain {
    cabundle: Vec<Vec<u8>>,
    instance: Issuer<'static, KeyPair>,
    from: u64,
    /// Whether it ends in an impostor's root.
    impostor: bool,
}

/// A leaf: its certificate, the bundle above it, and the key that signs one document.
pub struct Leaf<'a> {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Root first.
    pub cabundle: &'a [Vec<u8>],
    key: EcdsaKeyPair,
}

impl Leaf<'_> {
    /// ES384 (RFC 9053, 2.1): r ‖ s, 96 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.sign(&SystemRandom::new(), message).map_err(|_| Error::Key)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl Chain {
    /// A chain that is valid at `now` (milliseconds since 1970); `impostor` puts it under another root.
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

    /// Whether a leaf of `now` would be covered for all of its life.
    pub fn serves(&self, now: u64, impostor: bool) -> bool {
        self.impostor == impostor && now >= self.from + MINUTE && now + 4 * HOUR < self.from + 24 * HOUR
    }

    /// A fresh leaf of three hours, or one that ran out an hour before `now`.
    pub fn leaf(&self, module: &str, now: u64, expired: bool) -> Result<Leaf<'_>, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&format!("{module}.{REGION}.DEVELOPMENT"));
        // Three hours and three seconds, as AWS' leaves.
        let from = if expired { now.saturating_sub(4 * HOUR + 3000) } else { now.saturating_sub(1000) };
        validity(&mut params, from, 3 * HOUR + 3000);
        // By hand, for AWS has no key identifier here, and keyUsage is not critical (RFC 5280, 4.2.1.9 and 4.2.1.3).
        let mut basic = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
        basic.set_criticality(true);
        let usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 6, 0b1100_0000]);
        params.custom_extensions = vec![basic, usage];
        let certificate = params.signed_by(&key, &self.instance)?.der().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, key.serialized_der());
        Ok(Leaf { certificate, cabundle: &self.cabundle, key: key.map_err(|_| Error::Key)? })
    }
}

/// A certificate that may sign others, `below` of them in a row.
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
    params.distinguished_name = name(common_name);
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

/// A name that nobody takes for AWS'.
pub fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "DEVELOPMENT, not AWS");
    name.push(DnType::CommonName, common_name);
    name
}
