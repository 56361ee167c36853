//! Receipts: this image ran this checksum on these inputs for this caller and returned this. A receipt does not show
//! that no other run happened.

use crate::encoding::{SigningKey, Writer};
use crate::messages::{RunStatus, Verb};
use crate::time::UnixMillis;
use crate::types::{Checksum, ClaimsDigest, Commitment, ObjectId, OwnerKey, RequestDigest};
use alloc::vec::Vec;

/// COSE's `typ` of a receipt; also its first entry.
const RECEIPT: &str = "capelet/1/receipt";
/// The most inputs of one run.
pub const MAX_INPUTS: u64 = capelet_abi::MAX_INPUTS as u64;

/// The function that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptFunction {
    /// Its owner.
    pub owner: OwnerKey,
    /// Its id.
    pub id: ObjectId,
    /// Its version.
    pub version: u64,
    /// Its checksum.
    pub checksum: Checksum,
}

/// What a receipt says of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputCommitments {
    /// To the input as the function saw it.
    pub data: Commitment,
    /// To the encrypted file that it was in; `None` for an input that came as plaintext.
    pub ciphertext: Option<Commitment>,
}

/// What the enclave signs after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The digest of the session's claims.
    pub claims: ClaimsDigest,
    /// The request's digest.
    pub request: RequestDigest,
    /// The function.
    pub function: ReceiptFunction,
    /// The caller.
    pub caller: OwnerKey,
    /// Commitments to the inputs, in order.
    pub inputs: Vec<InputCommitments>,
    /// Commitment to the output; `None` unless the run completed.
    pub output: Option<Commitment>,
    /// How the run ended; also the response's status.
    pub status: RunStatus,
    /// When the run started.
    pub started: UnixMillis,
    /// When the run ended.
    pub ended: UnixMillis,
    /// What was asked for.
    pub verb: Verb,
}

impl Receipt {
    /// The receipt's payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(10).uint(1).text(RECEIPT).uint(2).bytes(self.claims).uint(3).bytes(self.request);
        writer.uint(4).array(4).bytes(self.function.owner).bytes(self.function.id);
        writer.uint(self.function.version).bytes(self.function.checksum);
        writer.uint(5).bytes(self.caller).uint(6).array(self.inputs.len() as u64);
        for input in &self.inputs {
            writer.array(2).bytes(input.data).nullable(input.ciphertext, |writer, ciphertext| {
                writer.bytes(ciphertext);
            });
        }
        writer.uint(7).nullable(self.output, |writer, output| {
            writer.bytes(output);
        });
        writer.uint(8).uint(self.status.number()).uint(9).array(2).uint(self.started.get()).uint(self.ended.get());
        writer.uint(10).uint(self.verb as u64);
        writer.finish()
    }

    /// The receipt, signed as a COSE_Sign1.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        key.sign1(RECEIPT, &[], &self.encode())
    }
}

#[cfg(feature = "outside")]
pub use checking::{MAX_RECEIPT_AGE, ReceiptBundle};

/// The side of those who hold receipts. No enclave reads one.
#[cfg(feature = "outside")]
mod checking {
    use super::{InputCommitments, MAX_INPUTS, RECEIPT, Receipt, ReceiptFunction};
    use crate::attestation::{MAX_CLAIMS, MAX_DOCUMENT, SessionClaims};
    use crate::crypto::sha384;
    use crate::encoding::{Reader, Writer, verify1};
    use crate::messages::{RunStatus, Verb};
    use crate::objects::Ciphertext;
    use crate::state::CLOCK_AGE;
    use crate::time::UnixMillis;
    use crate::types::{Commitment, Salt};
    use crate::{Error, MessageKind};
    use alloc::vec::Vec;

    /// How long after its session's document a receipt may be signed, in milliseconds.
    pub const MAX_RECEIPT_AGE: u64 = 3_600_000;

    const MALFORMED: Error = Error::Malformed(MessageKind::Receipt);

    impl Receipt {
        /// Reads a receipt's payload, *not verified*.
        ///
        /// # Errors
        /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Receipt`].
        pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
            let mut reader = Reader::new(bytes, MessageKind::Receipt)?;
            reader.map(10)?.key(1)?.literal(RECEIPT)?;
            let (claims, request) = (reader.key(2)?.fixed()?, reader.key(3)?.fixed()?);
            reader.key(4)?.array(4)?;
            let function = ReceiptFunction {
                owner: reader.fixed()?,
                id: reader.fixed()?,
                version: reader.uint()?,
                checksum: reader.fixed()?,
            };
            let (caller, count) = (reader.key(5)?.fixed()?, reader.key(6)?.any_array()?);
            if count > MAX_INPUTS {
                return Err(Error::TooLarge(MessageKind::Receipt));
            }
            let mut inputs = Vec::new();
            for _ in 0..count {
                let (data, ciphertext) = (reader.array(2)?.fixed()?, reader.nullable(Reader::fixed)?);
                inputs.push(InputCommitments { data, ciphertext });
            }
            let output: Option<Commitment> = reader.key(7)?.nullable(Reader::fixed)?;
            let status = RunStatus::from_number(reader.key(8)?.uint()?).ok_or(MALFORMED)?;
            reader.key(9)?.array(2)?;
            let (started, ended) = (UnixMillis::new(reader.uint()?), UnixMillis::new(reader.uint()?));
            let verb = Verb::from_number(reader.key(10)?.uint()?).ok_or(MALFORMED)?;
            reader.end()?;
            if started > ended || output.is_some() != status.is_done() {
                return Err(MALFORMED);
            }
            Ok(Self { claims, request, function, caller, inputs, output, status, started, ended, verb })
        }
    }

    /// A receipt with everything that checking it offline takes.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ReceiptBundle {
        /// The session's document.
        pub document: Vec<u8>,
        /// The session's claims.
        pub claims: Vec<u8>,
        /// The signed receipt.
        pub receipt: Vec<u8>,
        /// The salt of the output, then of each input; `None` where the holder does not disclose it.
        pub salts: Vec<Option<Salt>>,
        /// For each input the salt of the commitment to its encrypted file; `None` where the holder does not disclose
        /// it, or the input came as plaintext.
        pub ciphertext_salts: Vec<Option<Salt>>,
    }

    fn write_salts(writer: &mut Writer, salts: &[Option<Salt>]) {
        writer.array(salts.len() as u64);
        for salt in salts {
            writer.nullable(*salt, |writer, salt| {
                writer.bytes(salt);
            });
        }
    }

    fn read_salts(reader: &mut Reader<'_>) -> Result<Vec<Option<Salt>>, Error> {
        let count = reader.any_array()?;
        if count > MAX_INPUTS + 1 {
            return Err(Error::TooLarge(MessageKind::Receipt));
        }
        (0..count).map(|_| reader.nullable(Reader::fixed)).collect()
    }

    impl ReceiptBundle {
        /// The bundle's bytes.
        pub fn encode(&self) -> Vec<u8> {
            let mut writer = Writer::new();
            writer.array(5).bytes(&self.document).bytes(&self.claims).item(&self.receipt);
            write_salts(&mut writer, &self.salts);
            write_salts(&mut writer, &self.ciphertext_salts);
            writer.finish()
        }

        /// Reads a bundle, *not verified*.
        ///
        /// # Errors
        /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Receipt`].
        pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
            let mut reader = Reader::new(bytes, MessageKind::Receipt)?;
            let document = reader.array(5)?.bytes(1, MAX_DOCUMENT)?.to_vec();
            let (claims, receipt) = (reader.bytes(1, MAX_CLAIMS)?.to_vec(), reader.item()?.to_vec());
            let (salts, ciphertext_salts) = (read_salts(&mut reader)?, read_salts(&mut reader)?);
            reader.end()?;
            Ok(Self { document, claims, receipt, salts, ciphertext_salts })
        }

        /// Verifies the receipt against the claims: signature, session, time, the number of salts.
        ///
        /// The caller must have verified the claims against the document, whose time is `timestamp`.
        ///
        /// ```
        /// use enclave_core::attestation::{Expected, Freshness, Pins, Root, SessionClaims, SessionPurpose, TrustMode, verify};
        /// use enclave_core::objects::{Receipt, ReceiptBundle};
        /// use enclave_core::{Error, UnixMillis};
        /// use enclave_core_aws_lc::AwsLc;
        ///
        /// /// Whether this receipt, under these pins, says that `output` was returned.
        /// fn check(bundle: &[u8], pins: &Pins, now: UnixMillis, output: &[u8]) -> Result<Receipt, Error> {
        ///     let bundle = ReceiptBundle::parse(bundle)?;
        ///     let claims = SessionClaims::parse(&bundle.claims, TrustMode::Production)?;
        ///     let (root, a_year) = (Root::aws(), 365 * 86_400_000);
        ///     let freshness = Freshness::Stored { at: now, max_age: a_year };
        ///     let expected = Expected::<SessionPurpose>::new(&root, pins, freshness, &bundle.claims, &claims.configuration);
        ///     let document = verify::<AwsLc, _>(&bundle.document, &expected)?;
        ///     let receipt = bundle.verify(&claims, document.facts().timestamp)?;
        ///     bundle.check_data(&receipt, &[Some(output)])?;
        ///     Ok(receipt)
        /// }
        /// # let pins = Pins::new(vec![enclave_core::attestation::Build::new(enclave_core::Pcr::new([1; 48]), Default::default())?], vec![])?;
        /// assert!(check(b"not a receipt", &pins, UnixMillis::new(0), b"").is_err());
        /// # Ok::<(), Error>(())
        /// ```
        ///
        /// # Errors
        /// Those of [`Self::verify_signature`]; [`Error::Expired`]; [`Error::NotYetValid`].
        pub fn verify(&self, claims: &SessionClaims, timestamp: UnixMillis) -> Result<Receipt, Error> {
            let receipt = self.verify_signature(claims)?;
            if receipt.ended > timestamp.plus(MAX_RECEIPT_AGE) {
                return Err(Error::Expired { time: timestamp, now: receipt.ended });
            }
            // The enclave's clock may lag behind the document, but only by the age at which it is refreshed.
            if receipt.started.plus(CLOCK_AGE) < timestamp {
                return Err(Error::NotYetValid { time: timestamp, now: receipt.started });
            }
            Ok(receipt)
        }

        /// Verifies the signature by the claims' key over these claims, and that the output and each input have one
        /// entry among the salts.
        ///
        /// # Errors
        /// [`Error::BadSignature`]; [`Error::ClaimsMismatch`]; [`Error::TooLarge`] or [`Error::Malformed`] of
        /// [`MessageKind::Sign1`] or [`MessageKind::Receipt`].
        pub fn verify_signature(&self, claims: &SessionClaims) -> Result<Receipt, Error> {
            let payload = verify1(claims.receipt_key.as_bytes(), RECEIPT, &[], &self.receipt)?;
            let receipt = Receipt::parse(payload)?;
            if *receipt.claims.as_bytes() != sha384(&[&self.claims]) {
                return Err(Error::ClaimsMismatch);
            }
            let output_salt = self.salts.first().ok_or(MALFORMED)?;
            let counts =
                self.salts.len() == receipt.inputs.len() + 1 && self.ciphertext_salts.len() == receipt.inputs.len();
            let mut files = self.ciphertext_salts.iter().zip(&receipt.inputs);
            let plain = files.any(|(salt, input)| salt.is_some() && input.ciphertext.is_none());
            if !counts || plain || (output_salt.is_some() && receipt.output.is_none()) {
                return Err(MALFORMED);
            }
            Ok(receipt)
        }

        /// Compares `data` with the receipt's commitments: the output first, then each input. `None` is not compared.
        ///
        /// # Errors
        /// [`Error::Mismatch`] of [`MessageKind::Receipt`] for other data, or for data whose salt is not disclosed.
        pub fn check_data(&self, receipt: &Receipt, data: &[Option<&[u8]>]) -> Result<(), Error> {
            let inputs = receipt.inputs.iter().map(|input| Some(input.data));
            let commitments = core::iter::once(receipt.output).chain(inputs);
            if data.len() > self.salts.len().min(1 + receipt.inputs.len()) {
                return Err(Error::Mismatch(MessageKind::Receipt));
            }
            for ((salt, commitment), data) in self.salts.iter().zip(commitments).zip(data) {
                let Some(data) = data else { continue };
                let (Some(salt), Some(commitment)) = (salt, commitment) else {
                    return Err(Error::Mismatch(MessageKind::Receipt));
                };
                if Commitment::to(salt, data) != commitment {
                    return Err(Error::Mismatch(MessageKind::Receipt));
                }
            }
            Ok(())
        }

        /// Compares an encrypted file with the commitment to the one of input `index`, from 0.
        ///
        /// # Errors
        /// [`Error::Mismatch`] of [`MessageKind::Receipt`] for another file, and if the salt is not disclosed; those of
        /// [`Ciphertext::parse`].
        pub fn check_ciphertext(&self, receipt: &Receipt, index: usize, file: &[u8]) -> Result<(), Error> {
            let file = Ciphertext::parse(file)?;
            let salt = self.ciphertext_salts.get(index).copied().flatten();
            let expected = salt.map(|salt| Commitment::to_ciphertext(&salt, &file.header.kid, &file.digest()));
            let named = receipt.inputs.get(index).and_then(|input| input.ciphertext);
            if expected.is_some() && expected == named { Ok(()) } else { Err(Error::Mismatch(MessageKind::Receipt)) }
        }
    }
}
