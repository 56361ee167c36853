//! The line that a parent without a free place sends in place of TLS: `capelet/1 busy SECONDS`.
//!
//! Nobody vouches for this line, because no enclave proved anything yet. It is a hint for the user and nothing else.

/// The first bytes that arrived on a connection, as far as they can be the line.
#[derive(Debug, Default)]
pub struct BusyLine(Vec<u8>);

impl BusyLine {
    /// The longest line, in bytes.
    pub const MAX: usize = 32;
    /// The greatest number of seconds.
    const MOST: u16 = 3600;
    const PREFIX: &'static [u8] = b"capelet/1 busy ";

    /// Adds bytes that arrived. Of a longer beginning, one byte more than the longest line is kept.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = (Self::MAX + 1).saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    /// Whether the bytes are the beginning of a line whose end did not arrive yet.
    pub fn may_continue(&self) -> bool {
        let (bytes, prefix) = (self.0.as_slice(), Self::PREFIX);
        bytes.len() < Self::MAX
            && if bytes.len() < prefix.len() { prefix.starts_with(bytes) } else { bytes.starts_with(prefix) }
            && !bytes.contains(&b'\n')
    }

    /// The seconds of a complete line with nothing after it. `None` for other bytes.
    pub fn seconds(&self) -> Option<u16> {
        let digits = self.0.strip_prefix(Self::PREFIX)?.strip_suffix(b"\n")?;
        let decimal = digits.iter().all(u8::is_ascii_digit) && digits.first().is_some_and(|first| *first != b'0');
        let seconds = std::str::from_utf8(digits).ok().filter(|_| decimal)?.parse().ok()?;
        Some(seconds).filter(|seconds| *seconds <= Self::MOST && self.0.len() <= Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(parts: &[&[u8]]) -> BusyLine {
        let mut line = BusyLine::default();
        parts.iter().for_each(|part| line.add(part));
        line
    }

    #[test]
    fn accepts_only_the_exact_line() {
        for (text, seconds) in [("capelet/1 busy 1\n", 1), ("capelet/1 busy 30\n", 30), ("capelet/1 busy 3600\n", 3600)]
        {
            assert_eq!(received(&[text.as_bytes()]).seconds(), Some(seconds));
            let (one, two) = text.split_at(7);
            assert_eq!(received(&[one.as_bytes(), two.as_bytes()]).seconds(), Some(seconds));
        }
        for text in [
            "",
            "capelet/1 busy \n",
            "capelet/1 busy 0\n",
            "capelet/1 busy 01\n",
            "capelet/1 busy +1\n",
            "capelet/1 busy -1\n",
            "capelet/1 busy 3601\n",
            "capelet/1 busy 99999999999\n",
            "capelet/1 busy 1 \n",
            "capelet/1 busy 1\r\n",
            "capelet/1 busy 1\n\n",
            "capelet/1 busy 1\nx",
            "capelet/1 busy 1",
            "capelet/2 busy 1\n",
            "Capelet/1 busy 1\n",
            " capelet/1 busy 1\n",
        ] {
            assert_eq!(received(&[text.as_bytes()]).seconds(), None, "{text:?}");
        }
    }

    #[test]
    fn waits_for_the_rest_of_a_line_only_and_keeps_few_bytes() {
        for (text, more) in [
            ("", true),
            ("capelet/1", true),
            ("capelet/1 busy 36", true),
            ("capelet/1 busy 36\n", false),
            ("HTTP/1.1 400", false),
            ("\u{15}\u{3}\u{3}", false),
        ] {
            assert_eq!(received(&[text.as_bytes()]).may_continue(), more, "{text:?}");
        }
        let endless = received(&[b"capelet/1 busy ", &[b'1'; 1000], b"\n"]);
        assert_eq!((endless.0.len(), endless.may_continue(), endless.seconds()), (BusyLine::MAX + 1, false, None));
    }
}
