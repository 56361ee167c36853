//! Configurations, bundles, vault statements.

use crate::case::{Input, Output, Values};
use enclave_core::bundle::{self, Bundle, Form};
use enclave_core::claims::Regime;
use enclave_core::config::{self, Configuration};
use enclave_core::vault::{Statement, VaultClaims};
use enclave_core::{Error, digest};

pub fn regime(input: &Input<'_>) -> Regime {
    if input.bool("development") { Regime::Development } else { Regime::Production }
}

pub fn configuration(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = input.bytes("data");
    let configuration = Configuration::parse(&data)?;
    assert_eq!(configuration.encode(), data);
    Ok(Output::default().bytes("pcr16", config::pcr16(&data)))
}

pub fn bundle(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("bundle");
    // The vectors are of the form: what stands in one of their manifests is not what the page says of them.
    Form::parse(&bytes)?;
    if let Ok(bundle) = Bundle::parse(&bytes) {
        let built = Bundle::build(&bundle.manifest, bundle.files.iter().rev().copied().collect())?;
        assert_eq!(Bundle::parse(&built), Ok(bundle));
    }
    Ok(Output::default().bytes("checksum", bundle::checksum(&bytes)))
}

pub fn statement(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("statement");
    let statement = Statement::parse(&bytes, regime(input))?;
    assert_eq!(statement.claims.encode(), statement.claims_bytes);
    assert_eq!(VaultClaims::parse(statement.claims_bytes, regime(input)).as_ref(), Ok(&statement.claims));
    Ok(Output::default()
        .bytes("user_data", statement.user_data())
        .bytes("claims_sha384", digest::sha384(&[statement.claims_bytes]))
        .bytes("document_sha384", digest::sha384(&[statement.document]))
        .bytes("owner", statement.claims.owner)
        .value("epoch", statement.claims.epoch)
        .bytes("kid", statement.claims.kid))
}
