//! The escape of text that another party chose: an enclave, a parent, the maker of a file or of its name.
//!
//! Terminals obey control characters, and a line end would begin a line that looks like this program's own. Characters
//! without a glyph, and those that reverse the direction of writing, make one text look like another.

use std::borrow::Cow;

/// The text as one line: control characters, line ends and invisible characters become `\n`, `\u{1b}` and the like.
///
/// A backslash is not escaped. The text is therefore safe to print, but two texts may look the same.
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) { Cow::Borrowed(text) } else { Cow::Owned(escape(text, |_| false)) }
}

/// The bytes as lines: like [`line()`], but line ends and tabs stay. Bytes that are not UTF-8 become `\xNN`.
pub fn lines(bytes: &[u8]) -> String {
    let mut lines = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        lines += &escape(chunk.valid(), |character| matches!(character, '\n' | '\t'));
        lines.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    lines
}

/// The text of a JSON value with everything but printable ASCII and line ends escaped. `serde_json` escapes the controls
/// of ASCII only: others, and characters that reverse the direction of writing, could command a terminal.
pub fn ascii_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, '\n' | ' '..='~') {
            text.push(character);
        } else {
            text += &json_escape(character);
        }
    }
    text
}

/// A character inside a string of a JSON text as `\uNNNN`, or two of them (RFC 8259, section 7).
pub fn json_escape(character: char) -> String {
    character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if stays(character) || is_plain(character) {
            escaped.push(character);
        } else {
            escaped.extend(character.escape_debug());
        }
    }
    escaped
}

/// Whether a terminal shows the character and does nothing else.
pub fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // `str::escape_debug` escapes what is invisible. It escapes a combining mark at the start of a text only.
    let mut buffer = [b'a'; 5];
    let length = 1 + character.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
    text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_commands_a_terminal_or_hides() {
        for (text, shown) in [
            ("plain 'text' \"with\" \\ all", "plain 'text' \"with\" \\ all"),
            ("é e\u{301} हिन्दी 漢字 ➜", "é e\u{301} हिन्दी 漢字 ➜"),
            ("a\nRoot ➜  Amazon's", "a\\nRoot ➜  Amazon's"),
            ("\u{1b}[2K\r", "\\u{1b}[2K\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("\u{2028}\u{85}\0\u{7f}", "\\u{2028}\\u{85}\\0\\u{7f}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn keeps_line_ends_and_tabs_of_several_lines() {
        assert_eq!(lines(b"a\tb\nc\r\n\xff\x1b"), "a\tb\nc\\r\n\\xff\\u{1b}");
    }

    #[test]
    fn prints_json_that_could_command_a_terminal_in_ascii() {
        let json = "{\n  \"a\": \"\u{9b}\u{202e}\u{1f600}\\u001b\"\n}";
        assert_eq!(ascii_json(json), "{\n  \"a\": \"\\u009b\\u202e\\ud83d\\ude00\\u001b\"\n}");
    }
}
