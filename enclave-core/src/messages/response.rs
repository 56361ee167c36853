//! Responses: how a request ended, its result, a receipt, a body.

use crate::encoding::Writer;
use crate::messages::body::BodyDigest;
use crate::messages::head::with_length;
use crate::types::RequestDigest;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The request's number.
    pub n: u64,
    /// The request's digest.
    pub request: RequestDigest,
    /// The number of a [`Status`](crate::messages::Status).
    pub status: u64,
    /// The verb's result: a map of unsigned integer keys. It is zeroized, because a function's stderr may be in it.
    pub result: Zeroizing<Vec<u8>>,
    /// A signed receipt.
    pub receipt: Option<Vec<u8>>,
    /// The body.
    pub body: Option<BodyDigest>,
}

impl Response {
    /// u32be length ‖ response. The body follows.
    ///
    /// # Errors
    /// [`Error::TooLarge`] of [`MessageKind::Response`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let entries = 4 + u64::from(self.receipt.is_some()) + u64::from(self.body.is_some());
        // An upper bound of the fields of fixed length.
        let receipt = self.receipt.as_ref().map_or(0, Vec::len);
        let mut writer = Writer::with_capacity(256 + self.result.len() + receipt);
        writer.map(entries).uint(1).uint(self.n).uint(2).bytes(self.request).uint(3).uint(self.status);
        writer.uint(4).item(&self.result);
        if let Some(receipt) = &self.receipt {
            writer.uint(5).item(receipt);
        }
        if let Some(body) = self.body {
            writer.uint(6);
            body.write(&mut writer);
        }
        with_length(&Zeroizing::new(writer.finish()), MessageKind::Response)
    }

    /// Reads the response to request number `n` with this digest. The stream authenticates it; the receipt in it is
    /// *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`]; [`Error::Mismatch`] of [`MessageKind::Response`] if it
    /// answers another request.
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8], n: u64, request: &RequestDigest) -> Result<Self, Error> {
        let mut reader = crate::encoding::Reader::new(bytes, MessageKind::Response)?;
        let (entries, found) = (reader.any_map()?, reader.key(1)?.uint()?);
        let digest: RequestDigest = reader.key(2)?.fixed()?;
        if found != n || digest != *request {
            return Err(Error::Mismatch(MessageKind::Response));
        }
        let status = reader.key(3)?.uint()?;
        let result = Zeroizing::new(super::head::read_map(reader.key(4)?, MessageKind::Response)?);
        let (mut receipt, mut body) = (None, None);
        for _ in 4..entries {
            match reader.uint()? {
                5 if receipt.is_none() && body.is_none() => {
                    let item = reader.item()?;
                    crate::encoding::payload1(item).map_err(|_| Error::Malformed(MessageKind::Response))?;
                    receipt = Some(item.to_vec());
                }
                6 if body.is_none() => body = Some(BodyDigest::read(&mut reader)?),
                _ => return Err(Error::Malformed(MessageKind::Response)),
            }
        }
        reader.end()?;
        Ok(Self { n, request: digest, status, result, receipt, body })
    }
}

redacted!(Response);
