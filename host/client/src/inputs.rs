//! The inputs of a run, each as data in the clear or as a ciphertext, and the text form of a ciphertext.
//!
//! The inputs may be as large as an enclave accepts. All are read into one buffer, which is the body of the request, and
//! a text form is decoded in this buffer.

use crate::error::Error;
use crate::files::Source;
use crate::large_buffer::LargeBuffer;
use data_encoding::BASE64URL_NOPAD;
use enclave_core::encoding::CAPE;
use enclave_core::objects::Ciphertext;
use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::Path;

/// How it is decided whether an input is a ciphertext.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// By its beginning. A ciphertext begins with `CPLT`, its text form with `cape:`. What begins so and is no
    /// ciphertext is an error.
    #[default]
    Recognise,
    /// Every input is data in the clear.
    Plain,
    /// Every input is a ciphertext or its text form.
    Ciphertext,
}

impl Form {
    /// The form that the options `--plain` and `--ciphertext` name.
    ///
    /// # Errors
    /// [`Error::Argument`] if both were given.
    pub fn of_options(plain: bool, ciphertext: bool) -> Result<Self, Error> {
        match (plain, ciphertext) {
            (true, true) => {
                Err(Error::Argument { name: "the input", want: "given either --plain or --ciphertext, not both" })
            }
            (true, false) => Ok(Self::Plain),
            (false, true) => Ok(Self::Ciphertext),
            (false, false) => Ok(Self::Recognise),
        }
    }

    /// The ciphertext in `bytes`, which may be in its text form. `None` if the bytes are data in the clear.
    ///
    /// # Errors
    /// [`Error::NotCiphertext`].
    pub fn ciphertext(self, bytes: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Error> {
        if !self.expects_ciphertext(bytes) {
            return Ok(None);
        }
        let file = if is_text_form(bytes) {
            let mut file = bytes.to_vec();
            let length = decode(&mut file, 0).ok_or_else(|| self.not_ciphertext())?;
            file.truncate(length);
            Cow::Owned(file)
        } else {
            Cow::Borrowed(bytes)
        };
        Ciphertext::parse(&file).map_err(|_| self.not_ciphertext())?;
        Ok(Some(file))
    }

    fn expects_ciphertext(self, bytes: &[u8]) -> bool {
        match self {
            Self::Recognise => Ciphertext::is_encrypted(bytes) || is_text_form(bytes),
            Self::Plain => false,
            Self::Ciphertext => true,
        }
    }

    fn not_ciphertext(self) -> Error {
        Error::NotCiphertext(self == Self::Ciphertext)
    }
}

/// One input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Data in the clear.
    Plain(&'a [u8]),
    /// A ciphertext.
    Encrypted(&'a [u8]),
}

/// All inputs of a run.
pub struct Inputs {
    body: LargeBuffer,
    /// Where each input is in `body`, and whether it is a ciphertext.
    parts: Vec<(Range<usize>, bool)>,
}

impl Inputs {
    /// Reads all sources, each up to `limit` bytes.
    ///
    /// # Errors
    /// [`Error::NotCiphertext`]; [`Error::Io`] without memory; those of [`Source::append_to_large`].
    pub fn read(sources: Vec<Source>, limit: u64, form: Form) -> Result<Self, Error> {
        // A byte more than each source has, so that its end is found without a larger buffer.
        let rooms = sources.iter().map(|source| source.length().unwrap_or(limit).min(limit).saturating_add(1));
        let total = rooms.fold(0, u64::saturating_add);
        let mut inputs = Self::with_capacity(usize::try_from(total).unwrap_or(0))?;
        for source in sources {
            let start = inputs.body.len();
            source.append_to_large(&mut inputs.body, limit)?;
            inputs.close(start, form)?;
        }
        Ok(inputs)
    }

    /// A single input.
    ///
    /// # Errors
    /// [`Error::NotCiphertext`]; [`Error::Io`] without memory.
    pub fn one(bytes: &[u8], form: Form) -> Result<Self, Error> {
        let mut inputs = Self::with_capacity(bytes.len())?;
        inputs.body.append(bytes).map_err(no_memory)?;
        inputs.close(0, form)?;
        Ok(inputs)
    }

    fn with_capacity(bytes: usize) -> Result<Self, Error> {
        Ok(Self { body: LargeBuffer::with_capacity(bytes).map_err(no_memory)?, parts: Vec::new() })
    }

    /// Several inputs, each of which is recognised.
    #[cfg(test)]
    pub(crate) fn recognised(list: &[&[u8]]) -> Self {
        let mut inputs = Self::with_capacity(0).unwrap();
        for bytes in list {
            let start = inputs.body.len();
            inputs.body.append(bytes).unwrap();
            inputs.close(start, Form::Recognise).unwrap();
        }
        inputs
    }

    /// Ends the input that begins at `start`, and decodes its text form.
    fn close(&mut self, start: usize, form: Form) -> Result<(), Error> {
        let bytes = self.body.get(start..).unwrap_or_default();
        let encrypted = form.expects_ciphertext(bytes);
        if encrypted {
            if is_text_form(bytes) {
                let length = decode(&mut self.body, start).ok_or_else(|| form.not_ciphertext())?;
                self.body.truncate(length);
            }
            Ciphertext::parse(self.body.get(start..).unwrap_or_default()).map_err(|_| form.not_ciphertext())?;
        }
        self.parts.push((start..self.body.len(), encrypted));
        Ok(())
    }

    /// The body of the request: all inputs, one after the other.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The number of inputs.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// The inputs, in order.
    pub fn iter(&self) -> impl Iterator<Item = Input<'_>> {
        self.parts.iter().map(|(range, encrypted)| {
            let bytes = self.body.get(range.clone()).unwrap_or_default();
            if *encrypted { Input::Encrypted(bytes) } else { Input::Plain(bytes) }
        })
    }
}

fn no_memory(error: io::Error) -> Error {
    Error::io("hold", Path::new("the input"), &error)
}

fn is_text_form(bytes: &[u8]) -> bool {
    bytes.starts_with(CAPE.as_bytes())
}

/// Replaces the text form that begins at `start` by the ciphertext, in the same buffer, and returns where the ciphertext
/// ends. White space at the end of the text is left out. `None` if the text is invalid; the bytes are then useless.
fn decode(bytes: &mut [u8], start: usize) -> Option<usize> {
    /// The characters that are decoded at a time. A multiple of four, so that they stand for whole bytes.
    const PIECE: usize = 32 << 10;
    let end = start + bytes.get(start..)?.trim_ascii_end().len();
    let (mut read, mut write) = (start + CAPE.len(), start);
    let mut piece = vec![0; PIECE];
    while read < end {
        let text = bytes.get(read..end.min(read + PIECE))?;
        let length = BASE64URL_NOPAD.decode_len(text.len()).ok()?;
        let decoded = piece.get_mut(..length)?;
        BASE64URL_NOPAD.decode_mut(text, decoded).ok()?;
        read += text.len();
        bytes.get_mut(write..write + length)?.copy_from_slice(decoded);
        write += length;
    }
    Some(write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use enclave_core::encoding::{cape_decode, cape_encode};

    /// How the bytes are taken: as `plain`, as `encrypted`, or the error's code.
    fn taken(bytes: &[u8], form: Form) -> &'static str {
        let inputs = Inputs::one(bytes, form);
        let borrowed = form.ciphertext(bytes).map(|file| file.map(Cow::into_owned));
        match &inputs {
            Ok(inputs) => match inputs.iter().next() {
                Some(Input::Plain(kept)) => {
                    assert_eq!((kept, borrowed.unwrap()), (bytes, None));
                    "plain"
                }
                Some(Input::Encrypted(file)) => {
                    assert_eq!(borrowed.unwrap().unwrap(), file);
                    "encrypted"
                }
                None => "none",
            },
            Err(error) => {
                assert_eq!(borrowed.as_ref().unwrap_err(), error);
                assert!(error.to_string().contains("--plain"), "{error}");
                assert!(error.to_string().contains("--ciphertext"), "{error}");
                error.code()
            }
        }
    }

    #[test]
    fn an_input_is_what_its_options_say_or_what_it_begins_with() {
        let file = sample::encrypted_file(b"y", 1);
        let text = format!("{}\n", cape_encode(&file));
        for form in [Form::Recognise, Form::Plain, Form::Ciphertext] {
            let [recognised, plain, encrypted] = match form {
                Form::Recognise => ["malformed", "plain", "encrypted"],
                Form::Plain => ["plain"; 3],
                Form::Ciphertext => ["malformed", "malformed", "encrypted"],
            };
            for bytes in [&b"cape:"[..], b"cape:?", b"cape:Q1BM VA", b"cape:\xff", b"cape:Q1BMVA", b"CPLT", b"CPLT\0\0"]
            {
                assert_eq!(taken(bytes, form), recognised, "{bytes:?} {form:?}");
            }
            for bytes in [&b""[..], b"cape", b"CPL", b"Cape:x", b" cape:x"] {
                assert_eq!(taken(bytes, form), plain, "{bytes:?} {form:?}");
            }
            for bytes in [&file, text.as_bytes()] {
                assert_eq!(taken(bytes, form), encrypted, "{form:?}");
            }
        }
        assert_eq!(Form::of_options(true, true).unwrap_err().code(), "bad-argument");
    }

    #[test]
    fn decodes_in_place_as_the_protocol_says() {
        for length in [0, 1, 2, 3, 4, 24_575, 24_576, 24_577, 100_000] {
            let file: Vec<u8> = (0..length).map(|at: usize| u8::try_from(at % 251).unwrap()).collect();
            for end in ["", "\n", " \r\n"] {
                let mut bytes = format!("before{}{end}", cape_encode(&file)).into_bytes();
                let ends = decode(&mut bytes, 6).unwrap();
                assert_eq!(bytes[..ends], [&b"before"[..], &file].concat(), "{length} {end:?}");
            }
        }
        for text in
            ["cape:A", "cape:AAAAA", "cape:AB", "cape:AA==", "cape:A\nAA", "cape:AA+/", "cape:AAA=", "cape: AAAA"]
        {
            assert!(cape_decode(text).is_err(), "{text}");
            assert_eq!(decode(&mut text.as_bytes().to_vec(), 0), None, "{text}");
        }
    }

    #[test]
    fn several_inputs_are_one_body() {
        let folder = tempfile::tempdir().unwrap();
        let file = sample::encrypted_file(b"y", 1);
        let contents = [b"plain".to_vec(), cape_encode(&file).into_bytes(), Vec::new(), file.clone()];
        let open = |(at, content): (usize, &Vec<u8>)| {
            let path = folder.path().join(at.to_string());
            std::fs::write(&path, content).unwrap();
            Source::open(&path).unwrap()
        };
        let inputs = Inputs::read(contents.iter().enumerate().map(open).collect(), 1 << 20, Form::Recognise).unwrap();
        let list: Vec<_> = inputs.iter().collect();
        assert_eq!(list, [Input::Plain(b"plain"), Input::Encrypted(&file), Input::Plain(b""), Input::Encrypted(&file)]);
        assert_eq!(inputs.body(), [&b"plain"[..], &file, &file].concat());
    }
}
