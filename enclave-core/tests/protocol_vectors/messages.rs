//! Sessions, requests, responses, receipts.

use crate::case::{Input, Output, Values, hex, unhex};
use crate::sealed::export;
use crate::statements::trust_mode;
use crate::streams::{Bytes, from_frames, to_frames};
use enclave_core::attestation::{SessionClaims, TrustMode, session_user_data};
use enclave_core::crypto::{KemSecret, Secret, decap, sha384};
use enclave_core::encoding::write_frame;
use enclave_core::messages::{
    BodyDigest, MessagePair, Response, SessionSecrets, VerifiedRequest, check_body, check_session_claims,
    request_digest, split_head,
};
use enclave_core::objects::{Ciphertext, ReceiptBundle};
use enclave_core::parent::StoreKey;
use enclave_core::{ClaimsDigest, Commitment, Error, KeyShare, MessageKind, pcr16};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub fn session(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let (hello, claims) = (input.bytes("hello"), input.bytes("claims"));
    let checked = check_session_claims(&hello, &input.fixed("exporter"), &claims, trust_mode(input))?;
    assert_eq!(checked.encode(), claims);
    let output = Output::default()
        .bytes("hello_sha384", sha384(&[&hello]))
        .bytes("claims_sha384", sha384(&[&claims]))
        .bytes("user_data", session_user_data(&claims))
        .bytes("pcr16", pcr16(&checked.configuration))
        .value("memory", checked.memory);
    match expected {
        Some(expected) if input.has("eseed") => secrets(input, expected, &checked, &claims, output),
        _ => Ok(output),
    }
}

/// `enc` and the secrets of messages, as both sides derive them.
fn secrets(
    input: &Input<'_>,
    expected: &Values,
    checked: &SessionClaims,
    claims: &[u8],
    output: Output,
) -> Result<Output, Error> {
    let key = KemSecret::from_seed(&input.bytes("seed"))?;
    assert_eq!(key.public(), checked.kem_public);
    let eseed = Zeroizing::new(input.fixed("eseed"));
    let (enc, mut client) = SessionSecrets::client(&eseed, &checked.kem_public, claims)?;
    let mut enclave = SessionSecrets::enclave(&key, &enc, claims)?;
    let info = [b"capelet/1/session-info\0".as_slice(), client.claims_digest().as_bytes()].concat();
    let exporter = decap(&key, &enc, &info)?;
    let exporter_secret = expected.fixed("exporter_secret");
    let numbered = |label: &str, n: u64| {
        let context = [label.as_bytes(), &n.to_be_bytes()].concat();
        assert_eq!(export(&exporter_secret, &context), *exporter.export(&context));
        exporter.export(&context)
    };
    let mut messages = Vec::new();
    for message in expected.get("messages").and_then(Value::as_array).expect("messages") {
        let n = message["n"].as_u64().expect("n");
        let (request, response) = (numbered("capelet/1/request-secret", n), numbered("capelet/1/response-secret", n));
        // The salts of the output, of the first input, and of the last possible one.
        let salts = [0, 1, u32::MAX].map(|i| client.salt(n, i));
        assert_eq!(salts, [0, 1, u32::MAX].map(|i| enclave.salt(n, i)));
        // A session returns its secrets in order from 0, and only as streams.
        if n < 300 {
            for pair in [pair_of(&mut client, n)?, pair_of(&mut enclave, n)?] {
                for (given, known) in [(pair.request, &request), (pair.response, &response)] {
                    let frames = to_frames(given, b"aad", b"plain");
                    assert_eq!(&**from_frames(Secret::new(known.clone()), b"aad", &frames)?, b"plain");
                }
            }
        }
        let salts = salts.map(|salt| hex(salt.as_bytes()));
        let of_files = [1, u32::MAX].map(|i| client.ciphertext_salt(n, i));
        assert_eq!(of_files, [1, u32::MAX].map(|i| enclave.ciphertext_salt(n, i)));
        let salts_ct = of_files.map(|salt| hex(salt.as_bytes()));
        let (request, response) = (hex(&*request), hex(&*response));
        messages.push(json!({"n": n, "request": request, "response": response, "salts": salts, "salts_ct": salts_ct}));
    }
    let mut sent = Bytes(Vec::new());
    write_frame(&mut sent, &enc)?;
    Ok(output
        .bytes("info", info)
        .bytes("enc", enc)
        .bytes("exporter_secret", exporter_secret)
        .bytes("frame", sent.0)
        .value("messages", messages))
}

/// The secrets of message `n`. Those before it are dropped.
fn pair_of(secrets: &mut SessionSecrets, n: u64) -> Result<MessagePair, Error> {
    loop {
        let pair = secrets.next_pair()?;
        if pair.n == n {
            return Ok(pair);
        }
    }
}

pub fn request(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let aad = ClaimsDigest::new(sha384(&[&input.bytes("claims")]));
    let plain = input.bytes("plain");
    let secret = || Secret::new(Zeroizing::new([7; 32]));
    // The request is sealed and opened as a stream, as on a connection.
    let received = from_frames(secret(), aad.as_bytes(), &to_frames(secret(), aad.as_bytes(), &plain))?;
    let (head, body) = split_head(&received, MessageKind::Request)?;
    let request = VerifiedRequest::open(head, input.uint("n"), &aad)?;
    check_body(request.body, BodyDigest::of(body), MessageKind::Request)?;
    let output = Output::default()
        .bytes("aad", aad)
        .bytes("request", &*request.encode())
        .bytes("digest", request.digest())
        .bytes("body", body)
        .value("shares", request.key_shares.iter().map(share).collect::<Vec<_>>());
    Ok(with_frames(input, expected, aad.as_bytes(), &plain, output))
}

/// A key share, and what it belongs to.
fn share((key, share): (&StoreKey, &KeyShare)) -> Value {
    let StoreKey { kind, owner, id, version } = key;
    json!([*kind as u64, hex(owner.as_bytes()), hex(id.as_bytes()), version, hex(share.as_bytes())])
}

/// Adds the frames of `plain` under the case's secret.
fn with_frames(input: &Input<'_>, expected: Option<&Values>, aad: &[u8], plain: &[u8], output: Output) -> Output {
    if expected.is_none() || !input.has("secret") {
        return output;
    }
    output.bytes("frames", to_frames(Secret::new(Zeroizing::new(input.fixed("secret"))), aad, plain))
}

pub fn response(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let aad = request_digest(&input.bytes("request"));
    let plain = input.bytes("plain");
    let (head, body) = split_head(&plain, MessageKind::Response)?;
    let response = Response::parse(head, input.uint("n"), &aad)?;
    check_body(response.body, BodyDigest::of(body), MessageKind::Response)?;
    assert_eq!([response.encode()?.as_slice(), body].concat(), plain);
    let output = Output::default().bytes("aad", aad).value("status", response.status).bytes("body", body);
    Ok(with_frames(input, expected, aad.as_bytes(), &plain, output))
}

pub fn receipt(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("bundle");
    let bundle = ReceiptBundle::parse(&bytes)?;
    assert_eq!(bundle.encode(), bytes);
    let claims = SessionClaims::parse(&bundle.claims, TrustMode::Development)?;
    let receipt = bundle.verify_signature(&claims)?;
    let data: Vec<Option<Vec<u8>>> =
        input.value("data").as_array().expect("data").iter().map(|data| data.as_str().map(unhex)).collect();
    let data: Vec<Option<&[u8]>> = data.iter().map(Option::as_deref).collect();
    bundle.check_data(&receipt, &data)?;
    let files = input.value("files").as_array().expect("files").iter().map(|file| file.as_str().map(unhex));
    let mut commitments_ct = Vec::new();
    for (i, file) in files.enumerate() {
        let signed = receipt.inputs.get(i).and_then(|input| input.ciphertext);
        let salt = bundle.ciphertext_salts.get(i).copied().flatten();
        let commitment = match file {
            Some(file) => {
                bundle.check_ciphertext(&receipt, i, &file)?;
                let file = Ciphertext::parse(&file)?;
                salt.map(|salt| Commitment::to_ciphertext(&salt, &file.header.kid, &file.digest()))
            }
            None => signed,
        };
        commitments_ct.push(commitment.map(|commitment| hex(commitment.as_bytes())));
    }
    // The output, then the inputs. A commitment is computed if the data is disclosed; otherwise it is the signed one.
    let signed = std::iter::once(receipt.output).chain(receipt.inputs.iter().map(|input| Some(input.data)));
    let disclosed = bundle.salts.iter().zip(&data);
    let commitments: Vec<Option<String>> = signed
        .zip(disclosed)
        .map(|(signed, (salt, data))| salt.zip(*data).map(|(salt, data)| Commitment::to(&salt, data)).or(signed))
        .map(|commitment| commitment.map(|commitment| hex(commitment.as_bytes())))
        .collect();
    Ok(Output::default()
        .bytes("claims_sha384", sha384(&[&bundle.claims]))
        .bytes("receipt", receipt.encode())
        .value("commitments", commitments)
        .value("commitments_ct", commitments_ct))
}
