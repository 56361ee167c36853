//! Receipts: this image ran this checksum on this input for this caller and returned this; not that no other run
//! happened.

use crate::cbor::{Reader, Writer};
use crate::claims::{self, SessionClaims};
use crate::identity::{self, SigningKey};
use crate::{Error, Part, digest};
use alloc::vec::Vec;

/// COSE's typ of a receipt; also its first entry.
pub const RECEIPT: &str = "capelet/1/receipt";
/// The most inputs of one run.
pub const MAX_INPUTS: u64 = 64;
/// How long after its session's document a receipt may be signed, in milliseconds.
pub const MAX_AGE: u64 = 3_600_000;

/// Which function ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its owner.
    pub owner: [u8; 32],
    /// Its id.
    pub id: [u8; 16],
    /// Its version.
    pub version: u64,
    /// Its checksum.
    pub checksum: [u8; 32],
}

/// What the enclave vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// SHA-384 of the session's claims.
    pub claims: [u8; 48],
    /// The request's digest.
    pub request: [u8; 48],
    /// The function.
    pub function: Function,
    /// Whoever asked.
    pub caller: [u8; 32],
    /// Commitments to the inputs, in order.
    pub inputs: Vec<[u8; 32]>,
    /// Commitment to the output; none unless the run completed.
    pub output: Option<[u8; 32]>,
    /// The response's status.
    pub status: u64,
    /// When it started and ended, in milliseconds since 1970.
    pub time: [u64; 2],
    /// The verb, 1 to 9.
    pub verb: u64,
}

/// SHA-256("capelet/1/commitment" ‖ 0 ‖ salt ‖ data).
pub fn commitment(salt: &[u8; 32], data: &[u8]) -> [u8; 32] {
    digest::sha256(&[b"capelet/1/commitment\0", salt, data])
}

impl Receipt {
    /// The receipt's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(10).uint(1).text(RECEIPT).uint(2).bytes(&self.claims).uint(3).bytes(&self.request);
        writer.uint(4).array(4).bytes(&self.function.owner).bytes(&self.function.id);
        writer.uint(self.function.version).bytes(&self.function.checksum);
        writer.uint(5).bytes(&self.caller).uint(6).array(self.inputs.len() as u64);
        for input in &self.inputs {
            writer.bytes(input);
        }
        writer.uint(7).nullable(self.output, |writer, output| {
            writer.bytes(&output);
        });
        let [start, end] = self.time;
        writer.uint(8).uint(self.status).uint(9).array(2).uint(start).uint(end).uint(10).uint(self.verb);
        writer.finish()
    }

    /// Reads a receipt.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Receipt)?;
        reader.map(10)?;
        reader.key(1)?;
        reader.literal(RECEIPT)?;
        reader.key(2)?;
        let claims = reader.fixed()?;
        reader.key(3)?;
        let request = reader.fixed()?;
        reader.key(4)?;
        reader.array(4)?;
        let function = Function {
            owner: reader.fixed()?,
            id: reader.fixed()?,
            version: reader.uint()?,
            checksum: reader.fixed()?,
        };
        reader.key(5)?;
        let caller = reader.fixed()?;
        reader.key(6)?;
        let count = reader.any_array()?;
        if count > MAX_INPUTS {
            return Err(Error::TooLarge(Part::Receipt));
        }
        let inputs = (0..count).map(|_| reader.fixed()).collect::<Result<_, _>>()?;
        reader.key(7)?;
        let output = reader.nullable(Reader::fixed)?;
        reader.key(8)?;
        let status = reader.uint()?;
        reader.key(9)?;
        reader.array(2)?;
        let time = [reader.uint()?, reader.uint()?];
        reader.key(10)?;
        let verb = reader.uint()?;
        reader.end()?;
        let [start, end] = time;
        if !(1..=9).contains(&verb) || start > end || (output.is_some() && status != crate::status::DONE) {
            return Err(Error::Malformed(Part::Receipt));
        }
        Ok(Self { claims, request, function, caller, inputs, output, status, time, verb })
    }

    /// Signs as the enclave.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        key.sign1(RECEIPT, &[], &self.encode())
    }
}

/// A receipt with what it takes to check it offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptBundle {
    /// The session's document.
    pub document: Vec<u8>,
    /// The session's claims.
    pub claims: Vec<u8>,
    /// The signed receipt.
    pub receipt: Vec<u8>,
    /// Salts, the output's first, then each input's; none where its owner discloses nothing.
    pub salts: Vec<Option<[u8; 32]>>,
}

impl ReceiptBundle {
    /// The bundle's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(4).bytes(&self.document).bytes(&self.claims).item(&self.receipt);
        writer.array(self.salts.len() as u64);
        for salt in &self.salts {
            writer.nullable(*salt, |writer, salt| {
                writer.bytes(&salt);
            });
        }
        writer.finish()
    }

    /// Reads a bundle; nothing in it is checked yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Receipt)?;
        reader.array(4)?;
        let document = reader.bytes(1, crate::document::MAX_DOCUMENT)?.to_vec();
        let claims = reader.bytes(1, claims::MAX_CLAIMS)?.to_vec();
        let receipt = reader.item()?.to_vec();
        let count = reader.any_array()?;
        if count > MAX_INPUTS + 1 {
            return Err(Error::TooLarge(Part::Receipt));
        }
        let salts = (0..count).map(|_| reader.nullable(Reader::fixed)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { document, claims, receipt, salts })
    }

    /// Checks the receipt against the claims, which the caller must have verified against the document: signature,
    /// session, time, the shape of the salts. `timestamp` is the document's, in milliseconds since 1970.
    pub fn check(&self, claims: &SessionClaims, timestamp: u64) -> Result<Receipt, Error> {
        let receipt = self.check_signature(claims)?;
        let [start, end] = receipt.time;
        // The enclave's clock is refreshed from documents: it may lag behind this one by the refresh, never more.
        if end > timestamp.saturating_add(MAX_AGE) {
            return Err(Error::Expired { time: timestamp, now: end });
        }
        if start.saturating_add(crate::verify::MAX_SKEW) < timestamp {
            return Err(Error::NotYetValid { time: timestamp, now: start });
        }
        Ok(receipt)
    }

    /// Signature by the claims' key, over these claims, and one salt for the output and each input.
    pub fn check_signature(&self, claims: &SessionClaims) -> Result<Receipt, Error> {
        let payload = identity::verify1(&claims.receipt_key, RECEIPT, &[], &self.receipt)?;
        let receipt = Receipt::parse(payload)?;
        if receipt.claims != digest::sha384(&[&self.claims]) {
            return Err(Error::ClaimsMismatch);
        }
        let output_salt = self.salts.first().ok_or(Error::Malformed(Part::Receipt))?;
        if self.salts.len() != receipt.inputs.len() + 1 || (output_salt.is_some() && receipt.output.is_none()) {
            return Err(Error::Malformed(Part::Receipt));
        }
        Ok(receipt)
    }

    /// Whether `data`, as far as given, is what the receipt commits to: the output first, then each input. What is
    /// given but was not disclosed cannot be checked and is an error.
    pub fn check_data(&self, receipt: &Receipt, data: &[Option<&[u8]>]) -> Result<(), Error> {
        let commitments = core::iter::once(receipt.output).chain(receipt.inputs.iter().copied().map(Some));
        if data.len() > self.salts.len() {
            return Err(Error::Disagrees(Part::Receipt));
        }
        for ((salt, commitment_found), data) in self.salts.iter().zip(commitments).zip(data) {
            let Some(data) = data else { continue };
            let (Some(salt), Some(found)) = (salt, commitment_found) else {
                return Err(Error::Disagrees(Part::Receipt));
            };
            if commitment(salt, data) != found {
                return Err(Error::Disagrees(Part::Receipt));
            }
        }
        Ok(())
    }
}
