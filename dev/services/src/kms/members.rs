//! The members of a request's JSON body, with their types and limits.

use super::refusal::{Exception, Refusal};
use serde_json::{Map, Value};

/// A member that must be a string of 1 to `longest` bytes. `None` if it is absent or null.
///
/// # Errors
/// `ValidationException`.
pub fn text<'a>(body: &'a Map<String, Value>, name: &str, longest: usize) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= longest => Ok(Some(text)),
        Some(_) => Err(Refusal::new(Exception::Validation, format!("{name} is not a string of 1 to {longest} bytes"))),
    }
}

/// The member KeyId: the id or the ARN of a key (AWS KMS API Reference). `None` if it is absent or null.
///
/// # Errors
/// `ValidationException`.
pub fn key_id(body: &Map<String, Value>) -> Result<Option<&str>, Refusal> {
    text(body, "KeyId", 2048)
}

/// A member that must be present.
///
/// # Errors
/// `ValidationException`.
pub fn needed<T>(value: Option<T>, name: &str) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::new(Exception::Validation, format!("{name} is missing")))
}

/// A member that must be base64 of 1 to `longest` bytes, decoded. `None` if it is absent or null.
///
/// # Errors
/// `ValidationException`.
pub fn blob(body: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let wrong = || Refusal::new(Exception::Validation, format!("{name} is not base64 of 1 to {longest} bytes"));
    let Some(text) = text(body, name, longest.div_ceil(3) * 4)? else { return Ok(None) };
    let bytes = data_encoding::BASE64.decode(text.as_bytes()).map_err(|_| wrong())?;
    if bytes.is_empty() || bytes.len() > longest { Err(wrong()) } else { Ok(Some(bytes)) }
}
