//! A platform whose KMS gives the answers that a test chooses, in pieces of the length that a test chooses.

use crate::cms::Known;
use enclave_core::encoding::Channel;
use enclave_core::kms::Arn;
use enclave_core::parent::{Answer, Credentials, Operation};
use enclave_core::platform::{DocumentPurpose, Job, Platform, Recipient, RunOutput, WorkError};
use enclave_core::state::SharedState;
use enclave_core::{Error, Pcr, TransportError};
use enclave_core_aws_lc::AwsLc;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

pub const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub const OTHER: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ac";
/// The document that the fake NSM makes.
pub const DOCUMENT: &[u8] = b"a document \xfb\xff\xfe";

pub fn arn() -> Arn {
    Arn::parse(ARN).unwrap()
}

/// The platform.
pub struct Fake {
    /// The answers of KMS, one for each connection.
    pub answers: Mutex<VecDeque<Vec<u8>>>,
    /// The requests to KMS, one for each connection.
    pub requests: Arc<Mutex<Vec<Vec<u8>>>>,
    /// The answer of the parent.
    pub credentials: Mutex<Answer>,
    /// The prepared RSA keys.
    pub recipients: Mutex<Vec<Known>>,
    /// The most bytes that one read returns.
    pub piece: usize,
    /// The public key in the last document.
    pub attested_key: Mutex<Vec<u8>>,
    /// What a read returns after the answer.
    pub end: Result<usize, TransportError>,
}

pub fn credentials(token: &str) -> Answer {
    Answer::Credentials(Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Zeroizing::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
        session_token: token.into(),
    })
}

impl Fake {
    pub fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            requests: Arc::default(),
            credentials: Mutex::new(credentials("TOKEN==")),
            recipients: Mutex::default(),
            piece: usize::MAX,
            attested_key: Mutex::default(),
            end: Ok(0),
        }
    }

    /// The head, line by line, and the body of request number `n`, counted from 0.
    pub fn request(&self, n: usize) -> (Vec<String>, String) {
        let request = String::from_utf8(self.requests.lock().unwrap()[n].clone()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        (head.split("\r\n").map(String::from).collect(), body.into())
    }

    pub fn sent(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// A connection to the fake KMS.
pub struct Pieces {
    answer: VecDeque<u8>,
    piece: usize,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    end: Result<usize, TransportError>,
}

impl Channel for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = buffer.len().min(self.piece).min(self.answer.len());
        for (to, from) in buffer.iter_mut().zip(self.answer.drain(..count)) {
            *to = from;
        }
        if count == 0 { self.end } else { Ok(count) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.requests.lock().unwrap().push(bytes.to_vec());
        Ok(())
    }
}

impl Platform for Fake {
    type Crypto = AwsLc;
    type Kms = Pieces;

    fn random(&self, _: &mut [u8]) -> Result<(), TransportError> {
        Err(TransportError::Failed)
    }

    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError> {
        let DocumentPurpose::Kms { public_key } = purpose else { return Err(TransportError::Failed) };
        *self.attested_key.lock().unwrap() = public_key.to_vec();
        Ok(DOCUMENT.to_vec())
    }

    fn image(&self) -> Result<Pcr, TransportError> {
        Ok(Pcr::new([1; 48]))
    }

    fn pause(&self) {}

    fn elapsed(&self) -> u64 {
        0
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        assert_eq!(operation, Operation::Credentials("eu-central-1"));
        Ok(self.credentials.lock().unwrap().clone())
    }

    fn kms(&self, host: &str) -> Result<Pieces, TransportError> {
        assert_eq!(host, "kms.eu-central-1.amazonaws.com");
        let answer = self.answers.lock().unwrap().pop_front().ok_or(TransportError::Unreachable)?;
        let (piece, requests) = (self.piece, self.requests.clone());
        Ok(Pieces { answer: answer.into(), piece, requests, end: self.end })
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError> {
        Ok(Box::new(self.recipients.lock().unwrap().pop().ok_or(TransportError::Failed)?))
    }

    fn work(&self, _: &Job<'_>, _: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        Err(WorkError::NotStarted(TransportError::Failed.into()))
    }

    fn shared<R>(&self, f: impl FnOnce(&mut SharedState) -> R) -> R {
        f(&mut SharedState::new(0))
    }
}
