//! Sentences for the core's errors: what happened and what to do, one for each code.

use crate::clock::date;
use enclave_core::error::{Down, Error, Part};

/// What was judged here: a document, a claim, a file, an answer's form.
pub fn judged(error: Error) -> String {
    match error {
        Error::Malformed(Part::Document) => {
            "this is no attestation document: ask for the bytes as the enclave sent them".into()
        }
        Error::Malformed(Part::Text) => "the text is not of its form: copy it whole, without spaces".into(),
        Error::Malformed(Part::Ciphertext) => "this is no Capelet ciphertext, or it was cut: fetch it again".into(),
        Error::Malformed(Part::Receipt) => "this is no receipt, or it was changed".into(),
        Error::Malformed(Part::Bundle) => "the bundle is not of its form".into(),
        Error::Malformed(part) => format!("what came back is not of its form ({part:?}): trust nothing in it"),
        Error::TooLarge(part) => format!("{part:?} is larger than the protocol allows"),
        Error::BadSignature => "the signature does not verify: the bytes were changed, or were never signed".into(),
        Error::UntrustedRoot => {
            "the certificates do not lead to the pinned root: this is not an enclave that you trust".into()
        }
        Error::Expired { time, now } => format!(
            "the document of {} is too old at {}: look at this machine's clock, or ask for a fresh one",
            date(time),
            date(now)
        ),
        Error::NotYetValid { time, now } => {
            format!("the document of {} lies ahead of {}: set this machine's clock", date(time), date(now))
        }
        Error::DebugMode => "PCRs are zero: the enclave runs in debug mode, and its owner can read its memory".into(),
        Error::NoPins => {
            "there is nothing to compare with, so nothing was trusted: say -p 0:HEX, or `capelet pin` a release".into()
        }
        Error::PcrMismatch(index) => format!(
            "PCR{index} is not the pinned one: other code runs there, and it got nothing. If a new release is out, pin \
             its measurements"
        ),
        Error::Revoked => "this image was revoked: nothing was sent; pin a newer release".into(),
        Error::NonceMismatch => "the document answers another question (nonce): it may be a replay".into(),
        Error::ClaimsMismatch => "the document vouches for other claims than those that came with it".into(),
        Error::ExporterMismatch => {
            "the document speaks of another connection: somebody stands between, and got nothing".into()
        }
        Error::ConfigurationMismatch => "the configuration is not the one that was measured (PCR16)".into(),
        Error::DevelopmentOnly => {
            "this enclave has no configuration or key of its own: only a development root may say so".into()
        }
        Error::WrongOwner => "this belongs to another owner".into(),
        Error::WrongKey => "this is about another key, epoch or checksum than the one asked for".into(),
        Error::Disagrees(Part::Receipt) => {
            "the receipt is about other bytes than these, or does not disclose what to compare".into()
        }
        Error::Disagrees(part) => format!("what came back contradicts itself ({part:?}): trust nothing in it"),
        Error::CannotOpen => "it cannot be opened: a wrong key or passphrase, or bytes that were changed".into(),
        Error::PolicyChanged => {
            "the policy of the KMS key is not the one that was shown a moment ago: look at it, then say the same again"
                .into()
        }
        Error::NotFound => "there is no such thing".into(),
        Error::Exists => "there is such a thing already".into(),
        Error::InputLimit(limit) => format!("larger than {limit} bytes, the most that this enclave takes"),
        other => format!("{other}"),
    }
}

/// What an attested enclave said.
pub fn answered(error: Error) -> String {
    match error {
        Error::Refused => {
            "the enclave refused: it is not yours, it was not encrypted for this code, or you are not on its list".into()
        }
        Error::CannotOpen => {
            "the enclave could not open it: your half, the stored bytes or the KMS key do not fit together".into()
        }
        Error::PolicyChanged => {
            "the policy of the KMS key changed while you looked: nothing was stored; say the same again to see the new one".into()
        }
        Error::Busy => "the enclave is busy, nothing was started: say the same again in a while".into(),
        Error::RequestExpired => "the request came too late for the enclave's clock, nothing was started: say it again".into(),
        Error::NotFound => "the store says that there is no such thing: it was deleted, or is withheld".into(),
        Error::Exists => "the store has such a thing already, and keeps it: say the same again for the next version".into(),
        Error::Disagrees(_) => "the enclave found that request, record and object do not agree: check id and checksum".into(),
        Error::Malformed(Part::Bundle) => "the enclave does not take the bundle".into(),
        Error::Malformed(_) => "the enclave does not take the request: is this capelet older or newer than the enclave?".into(),
        Error::InputLimit(limit) => format!("over the enclave's limit of {limit} bytes"),
        Error::OutputLimit(limit) => format!("the function wrote more than the {limit} bytes that it may"),
        Error::TimeLimit(limit) => format!("the function ran longer than the {limit} ms that it may"),
        Error::MemoryLimit(limit) => format!("the function needed more than the {limit} bytes of memory that it may have"),
        Error::FuelLimit => "the function ran far longer than any may".into(),
        Error::BadModule => "the function is not WebAssembly that runs here: docs/functions.md says what is supported".into(),
        Error::Trapped => "the function trapped: a fault in its code".into(),
        Error::ExitStatus(status) => format!("the function ended with status {status}"),
        Error::WorkerDied => "the function's process was ended by a signal".into(),
        Error::KmsDenied => "KMS refuses its key to this image: does the key's policy name its PCR0?".into(),
        Error::KmsKeyUnusable => "the KMS key is disabled, pending deletion or gone".into(),
        Error::KmsUnavailable => "KMS cannot serve now: say the same again in a while".into(),
        Error::KmsMismatch => "KMS' answer was about another key, and was refused".into(),
        Error::ParentFailed => "the parent of the enclave could not store or fetch it: ask whoever runs it".into(),
        Error::Down(_) => "the enclave could not do it: ask whoever runs it".into(),
        other => format!("the enclave answered {other}"),
    }
}

/// A connection that failed.
pub fn connection(url: &str, down: Down) -> String {
    match down {
        Down::Unreachable => format!("nobody answers at {url}: is the enclave running, and the address right?"),
        Down::Closed => {
            format!("{url} closed the connection in the middle; what was not acknowledged may not have happened")
        }
        Down::Deadline => format!("{url} took too long; what was not acknowledged may not have happened"),
        Down::Failed => format!("the TLS connection to {url} failed: does a capelet enclave answer there?"),
        _ => format!("the connection to {url} failed"),
    }
}
