//! The targets.

use capelet_job::job::Header;
use capelet_job::outcome::{END_LEN, End, Frame, HEAD_LEN};
use capelet_job::spawn::{Ended, Spawn};
use enclave_core::bundle::{self, Bundle, Form};
use enclave_core::cbor::{Reader, check_integer_keys};
use enclave_core::chunks::{FrameReader, FrameWriter};
use enclave_core::ciphertext::{Ciphertext, CiphertextHeader};
use enclave_core::claims::{Regime, SessionClaims};
use enclave_core::config::{Arn, Configuration, Deployers};
use enclave_core::document::Document;
use enclave_core::hello::{Hello, parse_evidence};
use enclave_core::message::{Request, Response, split_head};
use enclave_core::object::{Head, ObjectAd};
use enclave_core::parent::{Answer, Asked};
use enclave_core::receipt::{Receipt, ReceiptBundle};
use enclave_core::record::FunctionRecord;
use enclave_core::stream::{self, Secret};
use enclave_core::vault::{Statement, VaultClaims, VaultRecord};
use enclave_core::verify::{Build, Pins, Root, judge_bare};
use enclave_core::{Part, cms, text};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A target's name and what it does with the bytes.
pub const ALL: [(&str, fn(&[u8])); 18] = [
    ("bundle", bundle),
    ("cbor", cbor),
    ("ciphertext", ciphertext),
    ("claims", claims),
    ("cms", cms_message),
    ("configuration", configuration),
    ("cpio", cpio),
    ("document", document),
    ("eif", eif),
    ("hello", hello),
    ("job", job),
    ("object", object),
    ("parent", parent),
    ("receipt", receipt),
    ("request", request),
    ("response", response),
    ("statement", statement),
    ("stream", sealed_stream),
];

fn bundle(data: &[u8]) {
    if let Ok(parsed) = Bundle::parse(data) {
        assert_eq!(Bundle::build(&parsed.manifest, parsed.files.clone()).as_deref(), Ok(data));
        assert!(Form::parse(data).is_ok());
    }
    let _ = bundle::checksum(data);
}

fn cbor(data: &[u8]) {
    if let Ok(mut reader) = Reader::new(data, Part::Cbor) {
        assert_eq!(reader.item(), Ok(data));
        assert_eq!(reader.end(), Ok(()));
    } else {
        assert!(check_integer_keys(data).is_err());
    }
}

fn ciphertext(data: &[u8]) {
    if let Ok(header) = CiphertextHeader::parse(data) {
        assert_eq!(header.encode().as_deref(), Ok(data));
    }
    if let Ok(file) = Ciphertext::parse(data) {
        assert_eq!(file.header.encode().as_deref(), Ok(file.header_bytes));
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(bytes) = text::cape_decode(text)
    {
        assert_eq!(text::cape_encode(&bytes), text);
    }
}

fn claims(data: &[u8]) {
    for regime in [Regime::Production, Regime::Development] {
        if let Ok(claims) = SessionClaims::parse(data, regime) {
            assert_eq!(claims.encode(), data);
        }
        if let Ok(claims) = VaultClaims::parse(data, regime) {
            assert_eq!(claims.encode(), data);
        }
    }
}

fn cms_message(data: &[u8]) {
    let _ = cms::Message::parse(data);
}

fn configuration(data: &[u8]) {
    if let Ok(configuration) = Configuration::parse(data) {
        assert_eq!(configuration.encode(), data);
        let listed = Configuration { deployers: Some(enclave_core::digest::sha256(&[data])), ..configuration };
        let _ = Deployers::parse(&listed, Some(data));
    }
    if let Some(arn) = std::str::from_utf8(data).ok().and_then(|text| Arn::parse(text).ok()) {
        assert_eq!(arn.text().as_bytes(), data);
        assert!(arn.kms_host().starts_with("kms.") && arn.account().len() == 12);
    }
}

fn cpio(data: &[u8]) {
    if let Ok(entries) = eif_build::cpio::read(data) {
        assert_eq!(eif_build::cpio::write(&entries).ok().as_deref(), Some(data));
    }
}

fn document(data: &[u8]) {
    let _ = Document::parse(data);
    let build = Build::new([1; 48], BTreeMap::new()).and_then(|build| Pins::new(vec![build], Vec::new()));
    let pins = build.expect("pins");
    // Nobody signs what a fuzzer makes.
    assert!(judge_bare::<AwsLc>(data, &Root::aws(), &pins, None, 1_700_000_000_000, u64::MAX / 2).is_err());
}

fn eif(data: &[u8]) {
    let _ = eif_build::read::Image::parse(data);
}

fn hello(data: &[u8]) {
    if let Ok(hello) = Hello::parse(data) {
        assert_eq!(hello.encode(), data);
    }
    let _ = parse_evidence(data);
}

fn job(data: &[u8]) {
    if let Some(header) = Header::from_bytes(data) {
        assert_eq!(header.to_bytes().and_then(|bytes| bytes.get(4..).map(<[u8]>::to_vec)).as_deref(), Some(data));
    }
    if let Some(spawn) = Spawn::from_bytes(data) {
        assert_eq!(spawn.to_bytes(), data);
    }
    if let Some(ended) = Ended::from_bytes(data) {
        assert_eq!(ended.to_bytes()[..13], data[..13]);
    }
    if let Some((head, rest)) = data.split_first_chunk::<HEAD_LEN>() {
        if let Some((frame, length)) = Frame::parse(*head) {
            assert_eq!(frame.head(length), Some(*head));
        }
        if let Some(end) = rest.first_chunk::<END_LEN>().and_then(|bytes| End::from_bytes(*bytes)) {
            assert_eq!(end.to_bytes(), rest[..END_LEN]);
        }
    }
}

fn object(data: &[u8]) {
    if let Ok(ad) = ObjectAd::parse(data) {
        assert_eq!(ad.encode(), data);
    }
    if let Ok(record) = FunctionRecord::parse(data) {
        assert_eq!(record.encode(), data);
    }
    if let Ok(head) = Head::parse(data) {
        assert_eq!(head.ad.encode(), head.ad_bytes);
        assert!(head.open::<AwsLc>(&[7; 32], &[9; 32]).is_err());
    }
}

fn parent(data: &[u8]) {
    let _ = Asked::decode(data);
    if let Ok(answer) = Answer::decode(data) {
        assert_eq!(answer.encode().0, data);
    }
}

fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::parse(data) {
        assert_eq!(receipt.encode(), data);
    }
    if let Ok(bundle) = ReceiptBundle::parse(data) {
        assert_eq!(bundle.encode(), data);
    }
}

fn request(data: &[u8]) {
    let _ = split_head(data, Part::Request);
    let _ = Request::open(data, 0, &[0; 48]);
    if let Ok(request) = Request::parse(data) {
        assert_eq!(request.encode().as_slice(), data);
    }
}

fn response(data: &[u8]) {
    let _ = Response::parse(data, 1, &[0; 48]);
    // The digest as the bytes have it, so that what is behind it is reached.
    if let Some(digest) = data.get(6..54).and_then(|bytes| bytes.try_into().ok())
        && let Ok(response) = Response::parse(data, 1, digest)
    {
        assert_eq!(response.encode().ok().and_then(|bytes| bytes.get(4..).map(<[u8]>::to_vec)).as_deref(), Some(data));
    }
}

fn statement(data: &[u8]) {
    for regime in [Regime::Production, Regime::Development] {
        if let Ok(statement) = Statement::parse(data, regime) {
            assert_eq!(statement.claims.encode(), statement.claims_bytes);
        }
    }
    if let Ok(record) = VaultRecord::parse(data) {
        assert_eq!(record.encode(), data);
    }
}

/// A secret of the fuzzer's own, so that it gets past the tags: the first byte says where the stream is damaged.
fn sealed_stream(data: &[u8]) {
    let secret = || Secret::new(Zeroizing::new([3; 32]));
    let _ = stream::open_bytes::<AwsLc>(secret(), b"aad", data);
    let Some((at, plain)) = data.split_first() else { return };
    let Ok(mut sealed) = stream::seal_bytes::<AwsLc>(secret(), b"aad", plain) else { return };
    let opened = stream::open_bytes::<AwsLc>(secret(), b"aad", &sealed);
    assert_eq!(opened.as_deref().map(Vec::as_slice), Ok(plain));
    let at = usize::from(*at) % sealed.len();
    sealed[at] ^= 1;
    assert!(stream::open_bytes::<AwsLc>(secret(), b"aad", &sealed).is_err());

    let Ok((mut writer, commitment)) = FrameWriter::<AwsLc>::new(secret(), b"aad") else { return };
    let Ok(mut reader) = FrameReader::<AwsLc>::new(secret(), b"aad", &commitment) else { panic!("commitment") };
    let frame = writer.chunk(plain, true).expect("one chunk");
    assert_eq!(reader.chunk(frame).as_deref().map(Vec::as_slice), Ok(plain));
    assert!(reader.ended());
    assert!(reader.chunk(plain.to_vec()).is_err(), "nothing comes behind the last");
}
