//! The text forms of bytes in files, arguments and output.
//!
//! Digests and ids are hexadecimal, owners' keys base32, all other bytes base64url. Each value has exactly one form in
//! output, so that people can compare texts.

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use enclave_core::OwnerKey;
use enclave_core::encoding::{FixedBytes, base32_encode, base64url_decode, base64url_encode, hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The form of a SHA-384 in arguments, for errors.
pub const SHA384_FORM: &str = "96 hexadecimal digits";

/// Bytes of a fixed length, such as a [`Checksum`](enclave_core::Checksum), written in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex<T>(pub T);

impl<T: FixedBytes> Hex<T> {
    /// Parses hexadecimal digits. Upper case is accepted. `None` if the text is invalid or has another length.
    pub fn parse(text: &str) -> Option<Self> {
        T::from_slice(&HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?).map(Self)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Hex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_ref()))
    }
}

impl<T: AsRef<[u8]>> Serialize for Hex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FixedBytes> Deserialize<'de> for Hex<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("invalid hexadecimal value"))
    }
}

/// An owner's key, written as 52 characters of lower-case base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerText(pub OwnerKey);

impl OwnerText {
    /// Parses an owner's key. `None` if the text is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        OwnerKey::from_slice(&BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?).map(Self)
    }
}

impl fmt::Display for OwnerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32_encode(self.0.as_ref()))
    }
}

impl Serialize for OwnerText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OwnerText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("invalid owner's key"))
    }
}

/// Bytes of any length, written in base64url.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url_encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        base64url_decode(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

/// Times as numbers: milliseconds since 1970. For serde's attribute `with`.
pub(crate) mod unix_millis {
    use enclave_core::UnixMillis;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.get())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        u64::deserialize(deserializer).map(UnixMillis::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_one_form_of_an_owner() {
        let owner = OwnerText(OwnerKey::new([7; 32]));
        let text = owner.to_string();
        assert_eq!(text.len(), 52);
        assert_eq!(OwnerText::parse(&text), Some(owner));
        for other in
            [text.to_uppercase(), format!("{text}a"), text[1..].to_owned(), String::new(), format!("{}b", &text[..51])]
        {
            assert_eq!(OwnerText::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn rejects_hexadecimal_of_another_length() {
        assert_eq!(Hex::<[u8; 2]>::parse("aBcd"), Some(Hex([0xab, 0xcd])));
        for text in ["", "ab", "abcdef", "abcg", "0xab"] {
            assert_eq!(Hex::<[u8; 2]>::parse(text), None, "{text}");
        }
    }
}
