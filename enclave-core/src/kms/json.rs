//! JSON (RFC 8259), read strictly: complete, UTF-8, no duplicate name in an object, at most [`MAX_DEPTH`] levels.
//!
//! serde_json without std is five crates and some 40,000 lines to audit, and it takes the last of two members with one
//! name. Here a value is its text, because grants are passed on as text.

use crate::{Error, MessageKind};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// How deep values may be nested; the outermost value counts as 1.
const MAX_DEPTH: u8 = 16;

const MALFORMED: Error = Error::Malformed(MessageKind::Kms);

/// A value: its text, which was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The value of `bytes`, which must be exactly one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let text = core::str::from_utf8(bytes).map_err(|_| MALFORMED)?;
        let mut walk = Walk { text, at: 0 };
        walk.space();
        let value = walk.value(1)?;
        walk.space();
        if walk.at == text.len() { Ok(value) } else { Err(MALFORMED) }
    }

    /// The value as received.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The member of an object; `None` if it has none with this name.
    pub fn member(self, name: &str) -> Result<Option<Self>, Error> {
        let mut found = None;
        Walk { text: self.0, at: 0 }.object(1, |key, value| {
            if key == name {
                found = Some(value);
            }
        })?;
        Ok(found)
    }

    /// The member of an object, which must have it.
    pub fn required(self, name: &str) -> Result<Self, Error> {
        self.member(name)?.ok_or(MALFORMED)
    }

    /// The items of an array.
    pub fn items(self) -> Result<Vec<Self>, Error> {
        let mut items = Vec::new();
        Walk { text: self.0, at: 0 }.array(1, |item| items.push(item))?;
        Ok(items)
    }

    /// A string's content.
    pub fn string(self) -> Result<String, Error> {
        Walk { text: self.0, at: 0 }.string()
    }

    /// A boolean.
    pub fn boolean(self) -> Result<bool, Error> {
        match self.0 {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(MALFORMED),
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }
}

/// `text` as a string value.
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\x1f' => out.push_str(&alloc::format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A walk over a text.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether `byte` comes next; if so, moves past it.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u8) -> Result<Json<'a>, Error> {
        if depth > MAX_DEPTH {
            return Err(MALFORMED);
        }
        let start = self.at;
        match self.peek().ok_or(MALFORMED)? {
            b'{' => self.object(depth, |_, _| {})?,
            b'[' => self.array(depth, |_| {})?,
            b'"' => drop(self.string()?),
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.literal()?,
        }
        self.text.get(start..self.at).map(Json).ok_or(MALFORMED)
    }

    fn literal(&mut self) -> Result<(), Error> {
        let rest = self.text.get(self.at..).ok_or(MALFORMED)?;
        let literal = ["true", "false", "null"].into_iter().find(|literal| rest.starts_with(literal));
        self.at += literal.ok_or(MALFORMED)?.len();
        Ok(())
    }

    fn object(&mut self, depth: u8, mut each: impl FnMut(&str, Json<'a>)) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        self.list(b'{', b'}', |walk| {
            let name = walk.string()?;
            walk.space();
            if !walk.take(b':') {
                return Err(MALFORMED);
            }
            walk.space();
            let value = walk.value(depth + 1)?;
            each(&name, value);
            if names.insert(name) { Ok(()) } else { Err(MALFORMED) }
        })
    }

    fn array(&mut self, depth: u8, mut each: impl FnMut(Json<'a>)) -> Result<(), Error> {
        self.list(b'[', b']', |walk| walk.value(depth + 1).map(&mut each))
    }

    /// The parts between `open` and `close`, separated by commas.
    fn list(&mut self, open: u8, close: u8, mut part: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        if !self.take(open) {
            return Err(MALFORMED);
        }
        self.space();
        if self.take(close) {
            return Ok(());
        }
        loop {
            self.space();
            part(self)?;
            self.space();
            if self.take(close) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(MALFORMED);
            }
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        if !self.take(b'"') {
            return Err(MALFORMED);
        }
        let mut out = String::new();
        loop {
            let character = self.text.get(self.at..).and_then(|rest| rest.chars().next()).ok_or(MALFORMED)?;
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                '\0'..='\x1f' => return Err(MALFORMED),
                _ => out.push(character),
            }
        }
    }

    /// The character that an escape stands for, after its backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let escaped = self.peek().ok_or(MALFORMED)?;
        self.at += 1;
        Ok(match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.unit()?;
                let mut code = high;
                // The first unit of a surrogate pair; the second must follow (RFC 8259, 7).
                if (0xd800..0xdc00).contains(&high) {
                    let low = if self.take(b'\\') && self.take(b'u') { self.unit()? } else { 0 };
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or(MALFORMED)?;
                    code = 0x1_0000 + ((high - 0xd800) << 10 | low);
                }
                char::from_u32(code).ok_or(MALFORMED)?
            }
            _ => return Err(MALFORMED),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Error> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(MALFORMED)?;
        self.at += 4;
        digits.chars().try_fold(0, |unit, digit| Ok(unit << 4 | digit.to_digit(16).ok_or(MALFORMED)?))
    }

    fn number(&mut self) -> Result<(), Error> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(MALFORMED) }
    }
}

#[cfg(test)]
mod tests;
