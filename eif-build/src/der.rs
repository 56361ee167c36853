//! A reader for the subset of DER (X.690) that a certificate and an ECDSA signature need.

use crate::date::days;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const CONTEXT_0: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads values in sequence. Every method returns `None` for malformed bytes.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value's tag.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The content of the next value, whose tag must be `tag`.
    pub(crate) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (head, length) = self.head(tag)?;
        let whole = self.skip(head + length)?;
        whole.get(head..)
    }

    /// The next value with its tag and length. The tag must be `tag`.
    pub(crate) fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (head, length) = self.head(tag)?;
        self.skip(head + length)
    }

    /// A UTCTime or GeneralizedTime in a form that RFC 5280, 4.1.2.5, allows, as Unix time in seconds.
    pub(crate) fn time(&mut self) -> Option<i64> {
        let (year, rest) = match self.peek()? {
            UTC_TIME => {
                let (year, rest) = number(self.value(UTC_TIME)?, 2)?;
                (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
            }
            _ => number(self.value(GENERALIZED_TIME)?, 4)?,
        };
        let (month, rest) = number(rest, 2)?;
        let (day, rest) = number(rest, 2)?;
        let (hour, rest) = number(rest, 2)?;
        let (minute, rest) = number(rest, 2)?;
        let (second, rest) = number(rest, 2)?;
        let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
        if !in_range || rest != b"Z" {
            return None;
        }
        Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
    }

    /// Checks that no bytes follow.
    pub(crate) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// The size of tag and length field, and the length. A length must be definite, in the fewest bytes, at most
    /// 65,535.
    fn head(&self, tag: u8) -> Option<(usize, usize)> {
        match *self.rest {
            [found, length @ 0..=0x7f, ..] if found == tag => Some((2, length.into())),
            [found, 0x81, length @ 0x80..=0xff, ..] if found == tag => Some((3, length.into())),
            [found, 0x82, high @ 1..=0xff, low, ..] if found == tag => {
                Some((4, u16::from_be_bytes([high, low]).into()))
            }
            _ => None,
        }
    }

    fn skip(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }
}

/// A decimal number of `digits` digits, and the bytes after it.
fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let mut value = 0;
    for digit in head {
        value = value * 10 + i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::Reader;

    fn time(tag: u8, text: &str) -> Option<i64> {
        let mut der = vec![tag, text.len() as u8];
        der.extend(text.bytes());
        Reader::new(&der).time()
    }

    /// `date -u -d … +%s` printed the expected values.
    #[test]
    fn reads_valid_times_and_rejects_others() {
        assert_eq!(time(0x17, "700101000000Z"), Some(0));
        assert_eq!(time(0x17, "000229235959Z"), Some(951_868_799));
        assert_eq!(time(0x17, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(0x17, "500101000000Z"), Some(-631_152_000));
        assert_eq!(time(0x18, "20500301000000Z"), Some(2_529_705_600));
        assert_eq!(time(0x18, "99991231235959Z"), Some(253_402_300_799));
        for wrong in [
            "700001000000Z",
            "701301000000Z",
            "700132000000Z",
            "700101240000Z",
            "7001010000Z",
            "700101000000",
            "700101000000+0100",
            "7001010000:0Z",
        ] {
            assert_eq!(time(0x17, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rejects_lengths_that_are_indefinite_or_not_minimal() {
        for wrong in
            [&[0x30, 0x80, 0, 0][..], &[0x30, 0x81, 0x01, 0], &[0x30, 0x82, 0, 0x80], &[0x30, 2, 0], &[0x31, 0], &[]]
        {
            assert_eq!(Reader::new(wrong).value(super::SEQUENCE), None, "{wrong:02x?}");
        }
    }
}
