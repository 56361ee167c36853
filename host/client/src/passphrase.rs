//! The passphrase of a new export: its least length, and a generated one.

use crate::error::{Error, PassphraseError};
use crate::random;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The symbols of a generated passphrase: letters and digits without 0, 1, l and o, which look like others. Each is worth
/// five bits.
const SYMBOLS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
/// How many symbols a generated passphrase has: 20 symbols of five bits are 100 bits.
const GENERATED: usize = 20;
/// How many symbols stand between two dashes.
const GROUP: usize = 4;

/// A passphrase that may protect a new export. Every passphrase can be tried for an existing one.
pub struct NewPassphrase(Zeroizing<Vec<u8>>);

impl NewPassphrase {
    /// The least number of characters of a chosen passphrase.
    pub const MIN_CHARACTERS: usize = 12;

    /// A passphrase that the user chose.
    ///
    /// Characters are counted in Unicode's normal form C, so that a letter with an accent is one character, however it was
    /// typed. Bytes that are not UTF-8 count as one character each. The passphrase itself is used as it is.
    ///
    /// # Errors
    /// [`Error::Passphrase`] for fewer than [`NewPassphrase::MIN_CHARACTERS`].
    pub fn chosen(passphrase: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        let characters = str::from_utf8(&passphrase).map_or(passphrase.len(), |text| text.nfc().count());
        if characters < Self::MIN_CHARACTERS {
            return Err(Error::Passphrase(PassphraseError::TooShort(Self::MIN_CHARACTERS)));
        }
        Ok(Self(passphrase))
    }

    /// A random passphrase of 100 bits: five groups of four letters and digits, as in `k7fm-2xqp-9tae-w4hz-6nbr`.
    ///
    /// # Errors
    /// As [`random::fill`].
    pub fn generate() -> Result<Self, Error> {
        let mut random = Zeroizing::new([0; GENERATED]);
        random::fill(random.as_mut_slice())?;
        let mut passphrase = Zeroizing::new(Vec::with_capacity(GENERATED + GENERATED / GROUP));
        for (index, byte) in random.iter().enumerate() {
            if index > 0 && index % GROUP == 0 {
                passphrase.push(b'-');
            }
            // 256 is a multiple of 32, so that all symbols are equally likely.
            passphrase.extend(SYMBOLS.get(usize::from(byte % 32)));
        }
        Ok(Self(passphrase))
    }

    /// The passphrase as bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(passphrase: &[u8]) -> Result<Vec<u8>, &'static str> {
        let chosen = NewPassphrase::chosen(Zeroizing::new(passphrase.to_vec()));
        chosen.map(|chosen| chosen.bytes().to_vec()).map_err(|error| error.code())
    }

    #[test]
    fn a_chosen_passphrase_has_at_least_twelve_characters() {
        for short in ["", "x", "elevencharx", &"é".repeat(11), &"e\u{301}".repeat(11)] {
            assert_eq!(chosen(short.as_bytes()), Err("passphrase"), "{short}");
        }
        for long in ["twelvecharsx", &"é".repeat(12), &"e\u{301}".repeat(12)] {
            assert_eq!(chosen(long.as_bytes()), Ok(long.as_bytes().to_vec()), "{long}");
        }
        assert_eq!((chosen(&[0xff; 11]), chosen(&[0xff; 12])), (Err("passphrase"), Ok(vec![0xff; 12])));
    }

    #[test]
    fn a_generated_passphrase_has_five_groups_of_four_unambiguous_symbols() {
        let generated = || String::from_utf8(NewPassphrase::generate().unwrap().bytes().to_vec()).unwrap();
        let (one, other) = (generated(), generated());
        assert_ne!(one, other);
        let groups: Vec<_> = one.split('-').collect();
        assert!(groups.len() == 5 && groups.iter().all(|group| group.len() == 4), "{one}");
        assert!(one.bytes().all(|byte| byte == b'-' || SYMBOLS.contains(&byte)), "{one}");
        let different: std::collections::BTreeSet<_> = SYMBOLS.iter().collect();
        assert!(different.len() == 32 && !SYMBOLS.iter().any(|symbol| b"01lo".contains(symbol)));
        assert!(chosen(one.as_bytes()).is_ok());
    }
}
