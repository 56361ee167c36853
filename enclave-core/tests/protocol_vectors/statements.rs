//! Configurations, bundles, vault statements.

use crate::case::{Input, Output, Values, hex};
use enclave_core::attestation::{TrustMode, VaultClaims};
use enclave_core::crypto::sha384;
use enclave_core::objects::{Bundle, BundleForm, Statement};
use enclave_core::{Checksum, Configuration, Error, pcr16};

pub fn trust_mode(input: &Input<'_>) -> TrustMode {
    if input.bool("development") { TrustMode::Development } else { TrustMode::Production }
}

pub fn configuration(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = input.bytes("data");
    let configuration = Configuration::parse(&data)?;
    assert_eq!(configuration.encode(), data);
    Ok(Output::default().bytes("pcr16", pcr16(&data)))
}

pub fn bundle(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("bundle");
    BundleForm::parse(&bytes)?;
    let bundle = Bundle::parse(&bytes)?;
    let built = Bundle::build(&bundle.manifest, bundle.files.iter().rev().copied().collect())?;
    assert_eq!(Bundle::parse(&built), Ok(bundle));
    Ok(Output::default().bytes("checksum", Checksum::of(&bytes)))
}

pub fn statement(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("statement");
    let statement = Statement::parse(&bytes, trust_mode(input))?;
    assert_eq!(statement.claims.encode(), statement.claims_bytes);
    assert_eq!(VaultClaims::parse(statement.claims_bytes, trust_mode(input)).as_ref(), Ok(&statement.claims));
    Ok(Output::default()
        .bytes("user_data", statement.user_data())
        .bytes("claims_sha384", sha384(&[statement.claims_bytes]))
        .bytes("document_sha384", sha384(&[statement.document]))
        .bytes("owner", statement.claims.owner)
        .value("epoch", statement.claims.epoch)
        .bytes("kid", statement.claims.kid)
        .value("images", statement.claims.images.iter().map(|image| hex(image.as_bytes())).collect::<Vec<_>>())
        .bytes("image", statement.record.image))
}
