//! The form of the vectors: JSON, bytes in hexadecimal, and long values as changes of the first accepted case.

use serde_json::{Map, Value};

/// The results of a case, by name.
#[derive(Default)]
pub struct Output(Map<String, Value>);

impl Output {
    pub fn bytes(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.0.insert(name.into(), hex(bytes.as_ref()).into());
        self
    }

    pub fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// What an accepted case expects.
pub struct Values<'a>(&'a Map<String, Value>);

impl<'a> Values<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self(value.as_object().expect("out"))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub fn fixed<const N: usize>(&self, name: &str) -> [u8; N] {
        unhex(self.0[name].as_str().expect(name)).try_into().expect(name)
    }
}

/// The input of a case.
pub struct Input<'a> {
    values: &'a Value,
    first: &'a Value,
}

impl<'a> Input<'a> {
    pub fn new(values: &'a Value, first: &'a Value) -> Self {
        Self { values, first }
    }

    pub fn value(&self, name: &str) -> &'a Value {
        &self.values[name]
    }

    pub fn has(&self, name: &str) -> bool {
        !self.values[name].is_null()
    }

    pub fn text(&self, name: &str) -> &'a str {
        self.values[name].as_str().expect(name)
    }

    pub fn uint(&self, name: &str) -> u64 {
        self.values[name].as_u64().expect(name)
    }

    pub fn bool(&self, name: &str) -> bool {
        self.values[name].as_bool().expect(name)
    }

    /// Bytes. They are written out, or they are those of the first accepted case with a part replaced.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        match &self.values[name] {
            Value::String(text) => unhex(text),
            Value::Object(change) => {
                let first = unhex(self.first[name].as_str().expect(name));
                let count = |key: &str| usize::try_from(change[key].as_u64().expect(key)).unwrap();
                let put = unhex(change["put"].as_str().expect("put"));
                let end = first.len() - count("keep_end");
                [&first[..count("keep")], &put, &first[end..]].concat()
            }
            other => panic!("{name} is {other}"),
        }
    }

    pub fn fixed<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().expect(name)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "half a byte");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}
