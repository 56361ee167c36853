//! `capelet verify` with documents in every text form, and with documents that are not an enclave's.

#![allow(clippy::unwrap_used)]

use data_encoding::{BASE64, BASE64_MIME, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use enclave_core::attestation::Document;
use std::fs;
use std::process::Command;

const DOCUMENT: &[u8] = include_bytes!("../../../tests/vectors/attestation/2024-11-30-release.cose");
const PCR0: &str = "ec74bfbe7f7445a6c7610e152935e028276f638042b74797b119648e13f7a3675796b721034c320f140ea001b41aeae2";

/// Verifies a file with this content. Returns the line on standard error; `None` if the document is verified.
fn verify(content: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document");
    fs::write(&file, content).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet"));
    command.arg("verify").arg(&file).args(["-p", &format!("0:{PCR0}"), "--at", "1732983768387"]);
    let output = command.env("CAPELET_HOME", folder.path()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!error.is_empty())), "{error}");
    (!error.is_empty()).then_some(error)
}

/// The document with this payload, under the old signature.
fn with_payload(payload: &[u8]) -> Vec<u8> {
    let (start, end) = (7, DOCUMENT.len() - 98);
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&DOCUMENT[..start], &[0x59], &length, payload, &DOCUMENT[end..]].concat()
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn verifies_documents_in_base64_and_in_hexadecimal_digits() {
    let texts = [HEXLOWER, HEXUPPER, BASE64, BASE64_MIME, BASE64URL_NOPAD].map(|encoding| encoding.encode(DOCUMENT));
    for text in texts {
        assert_eq!(verify(text.as_bytes()), None, "{text}");
        assert_eq!(verify(format!("\n {text}\n").as_bytes()), None, "{text}");
        // The text must be the whole file.
        let digits = text.trim_end().trim_end_matches('=');
        let truncated = digits[..digits.len() - 1].to_owned();
        for other in [format!("document: {text}"), format!("{text} {text}"), truncated] {
            let error = verify(other.as_bytes()).unwrap();
            assert!(error.contains("[not-a-document]") || error.contains("[document-truncated]"), "{error}");
        }
    }
}

#[test]
fn names_the_rule_that_a_document_breaks() {
    let Document { payload, public_key, .. } = Document::parse(DOCUMENT).unwrap();
    let nitro_tpm = with_payload(&replaced(payload, b"\x64pcrs", b"\x6dnitrotpm_pcrs"));
    // The vector's public key has fewer than 256 bytes. X-Wing's has 1,216.
    let short = public_key.unwrap();
    let short = [&b"\x6apublic_key\x58"[..], &[u8::try_from(short.len()).unwrap()], short].concat();
    let long = [&b"\x6apublic_key\x59\x04\xc0"[..], &[7; 0x4c0]].concat();
    for (document, sentence, code) in [
        (nitro_tpm, "it is the document of a NitroTPM", "nitrotpm-document"),
        (
            with_payload(&replaced(payload, &short, &long)),
            "public_key has 1216 bytes, and must have 0 to 1024",
            "document-field-size",
        ),
        (
            with_payload(&replaced(payload, b"\x65nonce", b"\x65n\x1b[2K")),
            "the key \"n\\x1b[2K\" is unknown",
            "document-unknown-key",
        ),
        ([&[0xd2], DOCUMENT].concat(), "a CBOR tag comes before the COSE_Sign1", "document-tag"),
        (DOCUMENT[..100].to_vec(), "it ends within the payload", "document-truncated"),
        ([DOCUMENT, b"\n"].concat(), "bytes follow the end of the COSE_Sign1", "document-trailing-bytes"),
        (b"\x7fELF".to_vec(), "it does not begin as a COSE_Sign1 does", "not-a-document"),
    ] {
        let start = format!("Error: invalid attestation document, because {sentence}");
        for form in [document.clone(), BASE64.encode(&document).into_bytes()] {
            let error = verify(&form).unwrap();
            // What does not begin as a document is not taken out of base64.
            if code != "not-a-document" || form == document {
                assert!(error.starts_with(&start) && error.ends_with(&format!(" [{code}]\n")), "{error}");
            }
        }
    }
}
