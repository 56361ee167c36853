//! A platform whose KMS says what the test wants, in pieces as small as the test wants.

use crate::cms::Known;
use enclave_core::Error;
use enclave_core::config::Arn;
use enclave_core::error::Down;
use enclave_core::parent::{Answer, Credentials, Operation};
use enclave_core::platform::{Channel, Job, Outcome, Platform, Purpose, Recipient};
use enclave_core::shared::Shared;
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

/// See the module.
pub struct Fake {
    /// What KMS answers, one connection after the other.
    pub answers: Mutex<VecDeque<Vec<u8>>>,
    /// What came to KMS, one connection after the other.
    pub requests: Arc<Mutex<Vec<Vec<u8>>>>,
    /// What the parent answers.
    pub credentials: Mutex<Answer>,
    /// The RSA keys that are ready.
    pub recipients: Mutex<Vec<Known>>,
    /// The most bytes that come at once.
    pub piece: usize,
    /// The key that the last document named.
    pub named: Mutex<Vec<u8>>,
    /// What a connection says when there is no more.
    pub end: Result<usize, Down>,
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
            named: Mutex::default(),
            end: Ok(0),
        }
    }

    /// The head and the body of the request that came as the `n`th.
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
    end: Result<usize, Down>,
}

impl Channel for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        let count = buffer.len().min(self.piece).min(self.answer.len());
        for (to, from) in buffer.iter_mut().zip(self.answer.drain(..count)) {
            *to = from;
        }
        if count == 0 { self.end } else { Ok(count) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        self.requests.lock().unwrap().push(bytes.to_vec());
        Ok(())
    }
}

impl Platform for Fake {
    type Crypto = AwsLc;
    type Kms = Pieces;

    fn random(&self, _: &mut [u8]) -> Result<(), Down> {
        Err(Down::Failed)
    }

    fn document(&self, purpose: Purpose<'_>) -> Result<Vec<u8>, Down> {
        let Purpose::Kms { public_key } = purpose else { return Err(Down::Failed) };
        *self.named.lock().unwrap() = public_key.to_vec();
        Ok(DOCUMENT.to_vec())
    }

    fn elapsed(&self) -> u64 {
        0
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        assert_eq!(operation, Operation::Credentials("eu-central-1"));
        Ok(self.credentials.lock().unwrap().clone())
    }

    fn kms(&self, host: &str) -> Result<Pieces, Down> {
        assert_eq!(host, "kms.eu-central-1.amazonaws.com");
        let answer = self.answers.lock().unwrap().pop_front().ok_or(Down::Unreachable)?;
        let (piece, requests) = (self.piece, self.requests.clone());
        Ok(Pieces { answer: answer.into(), piece, requests, end: self.end })
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, Down> {
        Ok(Box::new(self.recipients.lock().unwrap().pop().ok_or(Down::Failed)?))
    }

    fn work(&self, _: &Job<'_>) -> Result<Outcome, Error> {
        Err(Down::Failed.into())
    }

    fn shared<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        f(&mut Shared::default())
    }
}
