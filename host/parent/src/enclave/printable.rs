//! Makes the text of a guest safe to print.

use std::io::{self, Write};

/// Passes bytes on as printable ASCII and line ends.
///
/// No byte that passes through can command a terminal: any other byte becomes `\xNN`. That includes valid UTF-8,
/// because C1 controls and characters that reverse the direction of writing are valid UTF-8 as well. `\r\n` becomes
/// `\n`, which is how a serial line ends a line. A guest can print `\x1b` as four characters: the text is safe, not
/// unambiguous.
pub struct Printable<W> {
    to: W,
    /// Whether the last byte was `\r`, which is passed on once the next byte is known.
    returned: bool,
}

impl<W: Write> Printable<W> {
    pub fn new(to: W) -> Self {
        Self { to, returned: false }
    }

    pub fn into_inner(self) -> W {
        self.to
    }
}

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.returned && byte != b'\n' {
                text.extend(b"\\x0d");
            }
            self.returned = byte == b'\r';
            match byte {
                b'\n' | b' '..=b'~' => text.push(byte),
                b'\r' => {}
                _ => text.extend(format!("\\x{byte:02x}").bytes()),
            }
        }
        self.to.write_all(&text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(parts: &[&[u8]]) -> String {
        let mut printable = Printable::new(Vec::new());
        parts.iter().for_each(|part| printable.write_all(part).unwrap());
        String::from_utf8(printable.into_inner()).unwrap()
    }

    #[test]
    fn escapes_controls_and_all_that_is_not_ascii() {
        assert_eq!(printed(&[b"\x1b]0;title\x07\x1b[31m"]), r"\x1b]0;title\x07\x1b[31m");
        assert_eq!(printed(&[b"a\tb\0\x7f"]), r"a\x09b\x00\x7f");
        // A C1 control, raw and in UTF-8; and U+202E, which reverses the direction of writing.
        assert_eq!(printed(&[b"\x9b1m", "\u{9b}\u{202e}".as_bytes()]), r"\x9b1m\xc2\x9b\xe2\x80\xae");
        let all: Vec<u8> = (0..=255).collect();
        assert!(printed(&[&all]).bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')));
    }

    #[test]
    fn turns_serial_line_ends_into_newlines() {
        assert_eq!(printed(&[b"one\r\ntwo\n"]), "one\ntwo\n");
        assert_eq!(printed(&[b"one\r", b"\ntwo"]), "one\ntwo");
        assert_eq!(printed(&[b"10%\r20%\r", b"\r\n"]), "10%\\x0d20%\\x0d\n");
    }
}
