//! Sessions, requests, responses, receipts.

use crate::case::{Input, Output, Values, hex, unhex};
use crate::sealed::export;
use crate::statements::regime;
use crate::streams::{Bytes, from_frames, to_frames};
use enclave_core::claims::{self, SessionClaims};
use enclave_core::config;
use enclave_core::hello::{self, Pair, Secrets};
use enclave_core::message::{self, Described, Request, Response};
use enclave_core::receipt::{self, ReceiptBundle};
use enclave_core::seal::{self, KemSecret};
use enclave_core::stream::Secret;
use enclave_core::{Error, Part, digest, frame};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub fn session(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let (hello, claims) = (input.bytes("hello"), input.bytes("claims"));
    let checked = hello::check_claims(&hello, &input.fixed("exporter"), &claims, regime(input))?;
    assert_eq!(checked.encode(), claims);
    let output = Output::default()
        .bytes("hello_sha384", digest::sha384(&[&hello]))
        .bytes("claims_sha384", digest::sha384(&[&claims]))
        .bytes("user_data", claims::session_user_data(&claims))
        .bytes("pcr16", config::pcr16(&checked.configuration));
    match expected {
        Some(expected) if input.has("eseed") => secrets(input, expected, &checked, &claims, output),
        _ => Ok(output),
    }
}

/// `enc` and the secrets of messages, on both sides.
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
    let (enc, mut client) = Secrets::client(&eseed, &checked.kem_public, claims)?;
    let mut enclave = Secrets::enclave(&key, &enc, claims)?;
    let info = [b"capelet/1/session-info\0".as_slice(), client.claims_digest()].concat();
    let exporter = seal::receive(&key, &enc, &info)?;
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
        // Of the output, the first input, and the last that could be.
        let salts = [0, 1, u32::MAX].map(|i| client.salt(n, i));
        assert_eq!(salts, [0, 1, u32::MAX].map(|i| enclave.salt(n, i)));
        // A session gives out its secrets in order, from 0, and only as streams.
        if n < 300 {
            for pair in [pair_of(&mut client, n)?, pair_of(&mut enclave, n)?] {
                for (given, known) in [(pair.request, &request), (pair.response, &response)] {
                    let frames = to_frames(given, b"aad", b"plain");
                    assert_eq!(&**from_frames(Secret::new(known.clone()), b"aad", &frames)?, b"plain");
                }
            }
        }
        let salts = salts.map(|salt| hex(&salt));
        messages.push(json!({"n": n, "request": hex(&*request), "response": hex(&*response), "salts": salts}));
    }
    let mut sent = Bytes(Vec::new());
    frame::write(&mut sent, &enc)?;
    Ok(output
        .bytes("info", info)
        .bytes("enc", enc)
        .bytes("exporter_secret", exporter_secret)
        .bytes("frame", sent.0)
        .value("messages", messages))
}

/// The secrets of message `n`, those before it thrown away.
fn pair_of(secrets: &mut Secrets, n: u64) -> Result<Pair, Error> {
    loop {
        let pair = secrets.next_pair()?;
        if pair.n == n {
            return Ok(pair);
        }
    }
}

pub fn request(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let aad = digest::sha384(&[&input.bytes("claims")]);
    let plain = input.bytes("plain");
    let secret = || Secret::new(Zeroizing::new([7; 32]));
    // Through a stream, as it travels.
    let received = from_frames(secret(), &aad, &to_frames(secret(), &aad, &plain))?;
    let (head, body) = message::split_head(&received, Part::Request)?;
    let (request, digest) = Request::open(head, input.uint("n"), &aad)?;
    message::check_body(request.body, Described::of(body), Part::Request)?;
    let output = Output::default()
        .bytes("aad", aad)
        .bytes("request", &*request.encode())
        .bytes("digest", digest)
        .bytes("body", body);
    Ok(with_frames(input, expected, &aad, &plain, output))
}

/// The frames that a case's own secret gives.
fn with_frames(input: &Input<'_>, expected: Option<&Values>, aad: &[u8], plain: &[u8], output: Output) -> Output {
    if expected.is_none() {
        return output;
    }
    output.bytes("frames", to_frames(Secret::new(Zeroizing::new(input.fixed("secret"))), aad, plain))
}

pub fn response(input: &Input<'_>, expected: Option<&Values>) -> Result<Output, Error> {
    let aad = message::request_digest(&input.bytes("request"));
    let plain = input.bytes("plain");
    let (head, body) = message::split_head(&plain, Part::Response)?;
    let response = Response::parse(head, input.uint("n"), &aad)?;
    message::check_body(response.body, Described::of(body), Part::Response)?;
    assert_eq!([response.encode()?.as_slice(), body].concat(), plain);
    let output = Output::default().bytes("aad", aad).value("status", response.status).bytes("body", body);
    Ok(with_frames(input, expected, &aad, &plain, output))
}

pub fn receipt(input: &Input<'_>, _: Option<&Values>) -> Result<Output, Error> {
    let bytes = input.bytes("bundle");
    let bundle = ReceiptBundle::parse(&bytes)?;
    assert_eq!(bundle.encode(), bytes);
    let claims = SessionClaims::parse(&bundle.claims, claims::Regime::Development)?;
    let receipt = bundle.check_signature(&claims)?;
    let data: Vec<Option<Vec<u8>>> =
        input.value("data").as_array().expect("data").iter().map(|data| data.as_str().map(unhex)).collect();
    let data: Vec<Option<&[u8]>> = data.iter().map(Option::as_deref).collect();
    bundle.check_data(&receipt, &data)?;
    // Output first, then inputs: computed from what is disclosed, as signed where nothing is.
    let signed = std::iter::once(receipt.output).chain(receipt.inputs.iter().copied().map(Some));
    let disclosed = bundle.salts.iter().zip(&data);
    let commitments: Vec<Option<String>> = signed
        .zip(disclosed)
        .map(|(signed, (salt, data))| salt.zip(*data).map(|(salt, data)| receipt::commitment(&salt, data)).or(signed))
        .map(|commitment| commitment.map(|commitment| hex(&commitment)))
        .collect();
    Ok(Output::default()
        .bytes("claims_sha384", digest::sha384(&[&bundle.claims]))
        .bytes("receipt", receipt.encode())
        .value("commitments", commitments))
}
