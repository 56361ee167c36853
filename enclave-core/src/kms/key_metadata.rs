//! What a policy does not show of a KMS key: its metadata and its grants.

use crate::encoding::Writer;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest key metadata that are passed on, in bytes: with the policy they must fit into a response's head. A key
/// with more grants counts as one that could not be read.
pub const MAX_METADATA: usize = 28_000;
/// The members of KMS's `KeyMetadata` that the protocol passes on, and the key's grants (AWS KMS API Reference,
/// DescribeKey and ListGrants).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMetadata {
    /// `KeyManager`.
    pub key_manager: String,
    /// `KeySpec`.
    pub key_spec: String,
    /// `KeyUsage`.
    pub key_usage: String,
    /// `KeyState`.
    pub key_state: String,
    /// `Origin`.
    pub origin: String,
    /// `MultiRegion`.
    pub multi_region: bool,
    /// `CustomKeyStoreId`; `None` if the key is in no custom key store.
    pub custom_key_store_id: Option<String>,
    /// The grants, each as the JSON text that KMS sent, in ascending order: KMS promises no order.
    pub grants: Vec<String>,
}

impl KeyMetadata {
    /// {1: KeyManager, 2: KeySpec, 3: KeyUsage, 4: KeyState, 5: Origin, 6: MultiRegion, 7: CustomKeyStoreId / null,
    /// 8: [* grant]}.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(8).uint(1).text(&self.key_manager).uint(2).text(&self.key_spec).uint(3).text(&self.key_usage);
        writer.uint(4).text(&self.key_state).uint(5).text(&self.origin).uint(6).bool(self.multi_region);
        writer.uint(7).nullable(self.custom_key_store_id.as_deref(), |writer, id| {
            writer.text(id);
        });
        writer.uint(8).array(self.grants.len() as u64);
        for grant in &self.grants {
            writer.text(grant);
        }
        writer.finish()
    }

    /// Reads metadata, *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error::Malformed) of [`MessageKind::Kms`](crate::MessageKind::Kms).
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, crate::Error> {
        let mut reader = crate::encoding::Reader::new(bytes, crate::MessageKind::Kms)?;
        let text = |reader: &mut crate::encoding::Reader<'_>| Ok(String::from(reader.text(0, MAX_METADATA)?));
        let key_manager = text(reader.map(8)?.key(1)?)?;
        let key_spec = text(reader.key(2)?)?;
        let key_usage = text(reader.key(3)?)?;
        let key_state = text(reader.key(4)?)?;
        let origin = text(reader.key(5)?)?;
        let (multi_region, custom_key_store_id) = (reader.key(6)?.bool()?, reader.key(7)?.nullable(text)?);
        let grants = (0..reader.key(8)?.any_array()?).map(|_| text(&mut reader)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { key_manager, key_spec, key_usage, key_state, origin, multi_region, custom_key_store_id, grants })
    }
}
