//! The parameters of each verb, the texts of `policy`, the list of deployers, the lengths of frames.

use crate::case::{Input, Output, Values, hex};
use crate::streams::Bytes;
use enclave_core::crypto::{sha256, sha384};
use enclave_core::encoding::{MAX_FRAME, Reader, read_frame};
use enclave_core::kms::AcceptedKey;
use enclave_core::messages::{
    DeleteParams, DeployParams, ListParams, Params, PolicyParams, PolicyTexts, RunInput, RunParams, StatementParams,
    VaultAttestParams, VaultConfirmParams, VaultCreateParams, Verb,
};
use enclave_core::parent::{MAX_BODY_FRAME, MAX_PARENT_HEAD};
use enclave_core::{Configuration, Deployers, Error, Kid, Limits, MessageKind, OwnerKey};
use serde_json::{Value, json};

/// Parameters whose encoding is the bytes that were read.
fn parse<P: Params>(bytes: &[u8]) -> Result<P, Error> {
    let params = P::parse(bytes)?;
    assert_eq!(params.encode(), bytes);
    Ok(params)
}

fn kid(kid: Option<Kid>) -> Value {
    kid.map(|kid| hex(kid.as_bytes())).into()
}

fn key(output: Output, key: &AcceptedKey) -> Output {
    let digest = |digest: Option<[u8; 48]>| digest.map(|digest| hex(&digest));
    output
        .value("arn", key.arn.text())
        .value("policy_sha384", digest(key.policy))
        .value("describe_sha384", digest(key.metadata))
}

pub fn params(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("params");
    let output = Output::default();
    Ok(match Verb::from_number(input.uint("verb")).ok_or(Error::Malformed(MessageKind::Request))? {
        Verb::Deploy => {
            let p: DeployParams = parse(&bytes)?;
            let output = output.bytes("id", p.id).value("version", p.version).bytes("checksum", p.checksum);
            key(output, &p.key).bytes("record", p.record)
        }
        Verb::Run => {
            let p: RunParams = parse(&bytes)?;
            let input = |input: &RunInput| match input.epoch {
                None => json!([0, input.length]),
                Some(epoch) => json!([1, input.length, epoch]),
            };
            let output = output.bytes("owner", p.owner).bytes("id", p.id).value("version", p.version);
            output.bytes("checksum", p.checksum).value("inputs", p.inputs.iter().map(input).collect::<Vec<_>>())
        }
        Verb::List => output.value("kind", parse::<ListParams>(&bytes)?.kind as u64),
        Verb::Delete => {
            let p: DeleteParams = parse(&bytes)?;
            output.value("kind", p.kind as u64).bytes("id", p.id).value("version", p.version)
        }
        Verb::Statement => {
            let p: StatementParams = parse(&bytes)?;
            output.bytes("owner", p.owner).value("kid", kid(p.kid))
        }
        Verb::VaultCreate => {
            let p: VaultCreateParams = parse(&bytes)?;
            let output = output.value("epoch", p.epoch).bytes("nonce", p.nonce).value("previous_kid", kid(p.previous));
            key(output, &p.key)
        }
        Verb::VaultConfirm => output.bytes("record", parse::<VaultConfirmParams>(&bytes)?.record),
        Verb::VaultAttest => {
            let p: VaultAttestParams = parse(&bytes)?;
            let output = output.bytes("kid", p.kid).value("epoch", p.epoch).bytes("nonce", p.nonce);
            output.value("previous_kid", kid(p.previous))
        }
        Verb::Policy => policy_params(&bytes)?,
    })
}

fn policy_params(bytes: &[u8]) -> Result<Output, Error> {
    let output = Output::default();
    Ok(match parse(bytes)? {
        PolicyParams::Configured => output,
        PolicyParams::Key(arn) => output.value("arn", arn.text()),
        PolicyParams::Statement(owner, epoch) => output.bytes("owner", owner).value("epoch", epoch),
    })
}

pub fn policy(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    if input.has("params") {
        return policy_params(&input.bytes("params"));
    }
    let body = input.bytes("body");
    let texts = PolicyTexts::parse(&body)?;
    assert_eq!(texts.encode(), body);
    let digest = |bytes: Option<&[u8]>| bytes.map(|bytes| hex(&sha384(&[bytes])));
    Ok(Output::default()
        .value("policy_sha384", digest(texts.policy.as_deref().map(str::as_bytes)))
        .value("describe_sha384", digest(texts.metadata.as_deref()))
        .value("policy", texts.policy)
        .value("describe", texts.metadata.as_deref().map(hex)))
}

pub fn deployers(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let data = if input.has("count") {
        // Key i is i, big-endian, from 1.
        let key = |i: u64| {
            let mut key = [0; 32];
            key[24..].copy_from_slice(&i.to_be_bytes());
            OwnerKey::new(key)
        };
        Deployers::encode(&input.fixed("salt"), (1..=input.uint("count")).map(key).collect())
    } else {
        input.bytes("data")
    };
    let arn = enclave_core::kms::Arn::parse(
        "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2",
    )?;
    let configuration = Configuration { arn, limits: Limits::MAXIMA, deployers: Some(sha256(&[&data])) };
    let list = Deployers::parse(&configuration, Some(&data))?.expect("a list");
    let mut reader = Reader::new(&data, MessageKind::Configuration)?;
    let count = reader.any_array()?;
    let salt: [u8; 32] = reader.fixed()?;
    let keys = (1..count).map(|_| reader.fixed()).collect::<Result<Vec<OwnerKey>, _>>()?;
    assert!(keys.iter().all(|key| list.allowed(key)));
    assert!(!list.allowed(&OwnerKey::new(salt)));
    assert_eq!(Deployers::encode(&salt, keys.clone()), data);
    let keys: Vec<_> = keys.iter().map(|key| hex(key.as_bytes())).collect();
    Ok(Output::default().bytes("digest", sha256(&[&data])).bytes("salt", salt).value("keys", keys))
}

/// A frame of the announced length, if it may be that long.
pub fn frame(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let most = match input.text("side") {
        "client" => MAX_FRAME,
        "parent" => MAX_PARENT_HEAD,
        "body" => MAX_BODY_FRAME,
        other => panic!("side {other}"),
    };
    let length = input.bytes("length");
    let announced = u32::from_be_bytes(length.as_slice().try_into().expect("four bytes"));
    // What is not allowed is refused before its content arrives.
    let content = vec![0; if announced > 1 << 20 { 0 } else { announced as usize }];
    let content = read_frame(&mut Bytes([length, content].concat()), most)?;
    Ok(Output::default().value("length", content.len()))
}
