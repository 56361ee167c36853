//! The sentences for errors that `enclave-core` defines. Each sentence says what is wrong and what to do.

use crate::clock::date;
use enclave_core::attestation::DocumentError;
use enclave_core::{Error, MessageKind, TransportError};
use std::io::{self, ErrorKind};

/// The text for an error that this client found: in a document, a claim, a file or an answer.
pub fn local(error: Error) -> String {
    match error {
        Error::Document(error) => document(error),
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
        Error::CertificateExpired { time, now } => format!(
            "a certificate of the document was valid until {}, before the document's own time, {}: do not use this \
             document, fetch a new one",
            date(time),
            date(now)
        ),
        Error::CertificateNotYetValid { time, now } => format!(
            "a certificate of the document is valid from {}, after the document's own time, {}: do not use this \
             document, fetch a new one",
            date(time),
            date(now)
        ),
        Error::DebugMode => "PCR0, PCR1 or PCR2 is all zeros, which is debug mode: the operator of such an enclave can read its \
            memory; do not use it"
            .into(),
        Error::NoPins => "PCR0 is required and was not given, so nothing was trusted: PCR0 names the image; give -p \
            0:HEX, or pin a release with `capelet pin`"
            .into(),
        Error::ZeroPin(index) => format!(
            "PCR{index} is given as all zeros, which pins nothing, because any enclave can have them: leave PCR{index} \
             out"
        ),
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

/// The text for a document that cannot be read. Nothing in it was verified.
fn document(error: DocumentError) -> String {
    let advice = match error {
        DocumentError::NotADocument => {
            "give the document as the enclave sent it, or the whole of it in base64 or in hexadecimal digits"
        }
        DocumentError::Tag => "remove the tag, the byte d2 at the start",
        DocumentError::NitroTpm => "ask for a document of a Nitro enclave",
        DocumentError::Truncated(_) => "copy the whole document",
        DocumentError::TrailingBytes(_) => "remove them, or fetch the document again",
        DocumentError::FieldSize { field: "public_key" | "user_data" | "nonce", .. } => {
            "Capelet's enclaves ask for less; ask for a document with a shorter field"
        }
        _ => "the NSM of an enclave makes no such document; fetch it again",
    };
    format!("invalid attestation document, because {error}: {advice}")
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
        Error::Busy(seconds) => format!("the enclave is busy, and nothing was started: retry in {seconds} s"),
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

/// The text for a connection to `url` that failed. `sent` says whether a request was sent.
pub fn connection(url: &str, error: TransportError, sent: bool) -> String {
    match (error, sent) {
        (TransportError::Unreachable, _) => {
            format!("cannot connect to {url}: check the address, and that the enclave is running")
        }
        (TransportError::Closed, true) => {
            format!("{url} closed the connection early: check whether the request was carried out before you retry")
        }
        (TransportError::Closed, false) => format!(
            "{url} closed the connection before a request was sent: the enclave may still be starting; retry in a moment"
        ),
        (TransportError::TimedOut, true) => {
            format!("{url} did not answer in time: check whether the request was carried out before you retry")
        }
        (TransportError::TimedOut, false) => {
            format!(
                "{url} did not answer in time, and no request was sent: check that the enclave is running, then retry"
            )
        }
        (TransportError::Failed, _) => {
            format!("the TLS connection to {url} failed: check that a Capelet enclave listens at this address")
        }
        _ => format!("the connection to {url} failed: retry"),
    }
}

/// The text for the standard stream `name` that cannot be used. `to_give` is the advice for a closed one.
pub fn pipe(name: &str, to_give: &str, kind: ErrorKind, number: Option<i32>) -> String {
    match kind {
        _ if number == Some(rustix::io::Errno::BADF.raw_os_error()) => format!("{name} is closed: {to_give}"),
        ErrorKind::BrokenPipe => {
            format!("cannot use {name}: the program at its other end has ended; let that program read everything")
        }
        _ => format!("cannot use {name}: {}", system(kind, number)),
    }
}

/// What the operating system's error means, and what to do about it.
pub fn system(kind: ErrorKind, number: Option<i32>) -> String {
    match kind {
        ErrorKind::NotFound => "it does not exist; check the path".into(),
        ErrorKind::PermissionDenied => "permission is denied; check the rights of the file and of its folder".into(),
        ErrorKind::StorageFull => "the disk is full; free some space, then retry".into(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another folder".into(),
        ErrorKind::IsADirectory => "it is a folder; name a file".into(),
        ErrorKind::NotADirectory => "it, or a part of its path, is not a folder; check the path".into(),
        kind => {
            let text =
                number.map_or_else(|| kind.to_string(), |number| io::Error::from_raw_os_error(number).to_string());
            format!("{text}; check the path and the disk")
        }
    }
}
