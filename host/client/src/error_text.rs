//! The sentences for errors that `enclave-core` defines. Each sentence says what is wrong and what to do.

use crate::clock::date;
use enclave_core::{Error, MessageKind, TransportError};

/// The text for an error that this client found: in a document, a claim, a file or an answer.
pub fn local(error: Error) -> String {
    match error {
        Error::Malformed(MessageKind::Document) => {
            "invalid attestation document: fetch the document again, as the bytes that the enclave sent".into()
        }
        Error::Malformed(MessageKind::Text) => "invalid text form: copy the whole text, without spaces".into(),
        Error::Malformed(MessageKind::Ciphertext) => "invalid or truncated Capelet ciphertext: fetch it again".into(),
        Error::Malformed(MessageKind::Receipt) => "invalid receipt: it was changed, or it is another kind of file".into(),
        Error::Malformed(MessageKind::Bundle) => "invalid bundle: deploy the function again".into(),
        Error::Malformed(kind) => format!("invalid {}: do not use this data", kind.name()),
        Error::TooLarge(kind) => {
            format!("the {} is larger than the protocol allows: do not use this data", kind.name())
        }
        Error::BadSignature => "invalid signature: the bytes were changed, or were never signed; do not use them".into(),
        Error::UntrustedRoot => "the certificate chain does not lead to the pinned root: this enclave is not trusted; \
            check the address and the pinned root"
            .into(),
        Error::Expired { time, now } => format!(
            "the document of {} is too old at {}: check this machine's clock, or fetch a new document",
            date(time),
            date(now)
        ),
        Error::NotYetValid { time, now } => format!(
            "the document of {} is dated after this machine's time, {}: correct this machine's clock",
            date(time),
            date(now)
        ),
        Error::DebugMode => "a PCR is all zeros: the enclave runs in debug mode, and its operator can read its memory; \
            do not use it"
            .into(),
        Error::NoPins => "no PCR0 to compare with, so the enclave was not trusted: give -p 0:HEX, or pin a release with \
            `capelet pin`"
            .into(),
        Error::PcrMismatch(index) => format!(
            "PCR{index} differs from the pinned value: the enclave runs other code, and received no data; if a new \
             release is out, pin its measurements"
        ),
        Error::Revoked => "this image is revoked, and received no data: pin a newer release".into(),
        Error::NonceMismatch => "the document has another nonce and may be a replay: fetch a new document".into(),
        Error::ClaimsMismatch => "the document attests other claims than those received with it: do not use them".into(),
        Error::ExporterMismatch => "the document attests another connection: another party may have intercepted this \
            one, and received no data"
            .into(),
        Error::ConfigurationMismatch => {
            "the configuration differs from the measured one (PCR16): do not use this enclave".into()
        }
        Error::DevelopmentOnly => "this enclave has no configuration or no KMS key, which is allowed under a development \
            root only: configure the enclave"
            .into(),
        Error::WrongOwner => "this belongs to another owner: check the owner's key".into(),
        Error::WrongKey => "this is for another key, epoch or checksum than requested: do not use it".into(),
        Error::WrongImage => "this names another image than the enclave that attested it: do not use it".into(),
        Error::Mismatch(MessageKind::Receipt) => "the receipt does not match this data, or does not disclose what to compare: \
            check the files, or ask for a receipt that discloses them"
            .into(),
        Error::Mismatch(kind) => format!("the {} contradicts itself: do not use this data", kind.name()),
        Error::CannotOpen => {
            "cannot decrypt: the key or passphrase is wrong, or the bytes were changed; check the passphrase and the file"
                .into()
        }
        Error::PolicyChanged => "the policy or the metadata of the KMS key differs from what was read before: read the \
            policy, then retry"
            .into(),
        Error::NotFound => "not found: check the name or the id".into(),
        Error::Exists => "it already exists: choose another name or version".into(),
        Error::InputLimit(limit) => format!("the input exceeds this enclave's limit of {limit} bytes: use less input"),
        other => format!("the check failed ({})", other.code()),
    }
}

/// The text for an error that an attested enclave answered.
pub fn answered(error: Error) -> String {
    match error {
        Error::Refused => {
            "the enclave refused the request: you are not the owner, the data was not encrypted for this \
            function, or you are not on the list of deployers"
                .into()
        }
        Error::CannotOpen => {
            "the enclave cannot decrypt the object: your key share, the stored bytes and the KMS key do \
            not belong together"
                .into()
        }
        Error::WrongImage => {
            "another image sealed the object, and only that image can open it: connect to an enclave of \
            that image, or deploy or make the object anew for this one"
                .into()
        }
        Error::PolicyChanged => {
            "the policy of the KMS key changed meanwhile, and nothing was stored: retry to read the new policy".into()
        }
        Error::Busy => "the enclave is busy, and nothing was started: retry later".into(),
        Error::RequestExpired => {
            "the request expired before it reached the enclave, and nothing was started: retry".into()
        }
        Error::NotFound => {
            "the store answered that this was not found: it was deleted, or the store withholds it".into()
        }
        Error::Exists => "this version already exists in the store and was kept: retry to make the next version".into(),
        Error::Mismatch(_) => {
            "the enclave found that request, record and object do not match: check id and checksum".into()
        }
        Error::Malformed(MessageKind::Bundle) => {
            "the enclave rejected the bundle: check the module and capelet.json".into()
        }
        Error::Malformed(_) => {
            "the enclave rejected the request as invalid: use the capelet version of the enclave's release".into()
        }
        Error::InputLimit(limit) => format!("the input exceeds the enclave's limit of {limit} bytes: use less input"),
        Error::OutputLimit(limit) => {
            format!("the function exceeded its output limit of {limit} bytes: make it write less")
        }
        Error::TimeLimit(limit) => format!("the function exceeded its time limit of {limit} ms: give it less input"),
        Error::MemoryLimit(limit) => {
            format!("the function exceeded its memory limit of {limit} bytes: give it less input")
        }
        Error::FuelLimit => "the function exceeded its fuel limit: check it for an endless loop".into(),
        Error::BadModule => {
            "the module is invalid, or uses an unsupported feature: docs/functions.md lists what is supported".into()
        }
        Error::Trapped => "the function trapped: correct the fault in its code".into(),
        Error::ExitStatus(status) => {
            format!("the function ended with exit status {status}: its documentation says what this means")
        }
        Error::WorkerDied => {
            "the function's process exited without saying how the run ended: check the function".into()
        }
        Error::WorkerKilled => "the enclave's system killed the function's process, for example because memory was \
            short, and the function is not at fault: retry later"
            .into(),
        Error::KmsDenied => {
            "KMS denied this image the use of the key: check that the key's policy names the image's PCR0".into()
        }
        Error::KmsKeyUnusable => "the KMS key is disabled, deleted or pending deletion: restore the key".into(),
        Error::KmsUnavailable => "KMS is unavailable: retry later".into(),
        Error::KmsMismatch => {
            "KMS answered for another key, and the enclave rejected the answer: ask the operator".into()
        }
        Error::ParentFailed => {
            "the enclave's parent could not store or fetch the object: ask the enclave's operator".into()
        }
        Error::Transport(_) => "the enclave lost a service that it needs: ask the enclave's operator".into(),
        other => format!("the enclave answered with the error {}: ask the enclave's operator", other.code()),
    }
}

/// The text for a connection to `url` that failed.
pub fn connection(url: &str, error: TransportError) -> String {
    match error {
        TransportError::Unreachable => {
            format!("cannot connect to {url}: check the address, and that the enclave is running")
        }
        TransportError::Closed => {
            format!("{url} closed the connection early: check whether the request was carried out before you retry")
        }
        TransportError::TimedOut => {
            format!("{url} did not answer in time: check whether the request was carried out before you retry")
        }
        TransportError::Failed => {
            format!("the TLS connection to {url} failed: check that a Capelet enclave listens at this address")
        }
        _ => format!("the connection to {url} failed: retry"),
    }
}
