//! The text forms of bytes in files, arguments and output.
//!
//! Digests and ids are hexadecimal, owners' keys base32, all other bytes base64url. Each value has exactly one form in
//! output, so that people can compare texts.

use crate::error::Error;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use enclave_core::{identity, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// `N` bytes, written in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> Hex<N> {
    /// Parses the argument `name`. Upper case is accepted.
    pub fn parse(name: &'static str, text: &str) -> Result<Self, Error> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(Error::Argument { name, want: hex_of(N) })
    }
}

const fn hex_of(bytes: usize) -> &'static str {
    match bytes {
        16 => "32 hexadecimal digits",
        32 => "64 hexadecimal digits",
        48 => "96 hexadecimal digits",
        _ => "hexadecimal digits",
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse("a value", &text).map_err(de::Error::custom)
    }
}

/// An owner's Ed25519 key, written as 52 characters of lower-case base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(pub [u8; 32]);

impl Owner {
    /// Parses an owner's key. `None`: the text is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The fingerprint for people to compare, 32 characters.
    pub fn fingerprint(&self) -> String {
        identity::fingerprint(&self.0)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::base32_encode(&self.0))
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("invalid owner's key"))
    }
}

/// Bytes of any length, written in base64url.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD.decode(text.as_bytes()).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_one_form_of_an_owner() {
        let owner = Owner([7; 32]);
        let text = owner.to_string();
        assert_eq!(text.len(), 52);
        assert_eq!(Owner::parse(&text), Some(owner));
        for other in
            [text.to_uppercase(), format!("{text}a"), text[1..].to_owned(), String::new(), format!("{}b", &text[..51])]
        {
            assert_eq!(Owner::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn rejects_hexadecimal_of_another_length() {
        assert_eq!(Hex::<2>::parse("x", "aBcd"), Ok(Hex([0xab, 0xcd])));
        for text in ["", "ab", "abcdef", "abcg", "0xab"] {
            assert!(Hex::<2>::parse("x", text).is_err(), "{text}");
        }
    }
}
