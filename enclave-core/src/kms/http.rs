//! One HTTP/1.1 exchange (RFC 9112): a signed request, and a response whose length its head states.

use crate::encoding::Channel;
use crate::error::TransportError;
use crate::kms::arn::Arn;
use crate::kms::sigv4;
use crate::parent::Credentials;
use crate::time::UnixMillis;
use crate::{Error, MessageKind};
use alloc::format;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest head of a response, in bytes.
pub const MAX_KMS_HEAD: usize = 16_384;
/// The longest body of a response, in bytes.
pub const MAX_KMS_BODY: usize = 1 << 20;
/// The most header fields in a response.
const MAX_FIELDS: usize = 64;

const MALFORMED: Error = Error::Malformed(MessageKind::Kms);

/// A response.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// The request for `TrentService.ACTION`, signed at `now`.
pub fn request(arn: &Arn, action: &str, body: &str, credentials: &Credentials, now: UnixMillis) -> Vec<u8> {
    let (host, date) = (arn.kms_host(), sigv4::date(now));
    let target = format!("TrentService.{action}");
    let mut headers =
        Vec::from([("content-type", "application/x-amz-json-1.1"), ("host", host.as_str()), ("x-amz-date", &date)]);
    if !credentials.session_token.is_empty() {
        headers.push(("x-amz-security-token", &credentials.session_token));
    }
    headers.push(("x-amz-target", &target));
    let authorization = sigv4::authorization(credentials, &date, arn.region(), "kms", &headers, body.as_bytes());
    let length = format!("{}", body.len());
    headers.extend([("authorization", authorization.as_str()), ("content-length", &length), ("connection", "close")]);

    let mut request = Vec::from(b"POST / HTTP/1.1\r\n");
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    request
}

/// Sends a request and reads its response: a head of at most [`MAX_KMS_HEAD`] bytes, then a body of the length that the
/// head states, at most [`MAX_KMS_BODY`] bytes, and nothing more. Content and transfer codings are unsupported; KMS uses
/// none.
///
/// # Errors
/// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Kms`]; [`Error::Transport`].
pub fn exchange(channel: &mut impl Channel, request: &[u8]) -> Result<Response, Error> {
    channel.write(request)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let head_end = loop {
        // The end of the head may arrive in two pieces.
        let searched = bytes.len().saturating_sub(3);
        more(channel, &mut bytes)?;
        let tail = bytes.get(searched..).unwrap_or_default();
        if let Some(at) = tail.windows(4).position(|end| end == b"\r\n\r\n") {
            break searched + at + 4;
        }
        if bytes.len() > MAX_KMS_HEAD {
            return Err(Error::TooLarge(MessageKind::Kms));
        }
    };
    let (head, _) = bytes.split_at_checked(head_end).ok_or(MALFORMED)?;
    let (status, length) = parse_head(head)?;
    let end = head_end.checked_add(length).ok_or(MALFORMED)?;
    while bytes.len() < end {
        more(channel, &mut bytes)?;
    }
    if bytes.len() > end {
        return Err(MALFORMED);
    }
    Ok(Response { status, body: Zeroizing::new(bytes.split_off(head_end)) })
}

/// Reads at least one more byte. The end of the connection is an error here.
fn more(channel: &mut impl Channel, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let mut buffer = [0; 4096];
    let count = channel.read(&mut buffer)?;
    match buffer.get(..count) {
        None | Some([]) => Err(TransportError::Closed.into()),
        Some(read) => {
            bytes.extend_from_slice(read);
            Ok(())
        }
    }
}

/// The status code and content-length of a complete head.
fn parse_head(head: &[u8]) -> Result<(u16, usize), Error> {
    if head.len() > MAX_KMS_HEAD {
        return Err(Error::TooLarge(MessageKind::Kms));
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    // httparse accepts a line that ends with a line feed alone. Another reader could then see another response.
    let lines_end = head.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n"));
    let complete = response.parse(head) == Ok(httparse::Status::Complete(head.len()));
    if !lines_end || !complete || response.version != Some(1) {
        return Err(MALFORMED);
    }
    let mut length = None;
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("transfer-encoding") || field.name.eq_ignore_ascii_case("content-encoding") {
            return Err(MALFORMED);
        }
        if field.name.eq_ignore_ascii_case("content-length") && length.replace(decimal(field.value)?).is_some() {
            return Err(MALFORMED);
        }
    }
    let length = length.ok_or(MALFORMED)?;
    if length > MAX_KMS_BODY {
        return Err(Error::TooLarge(MessageKind::Kms));
    }
    Ok((response.code.ok_or(MALFORMED)?, length))
}

/// A number written in decimal digits alone.
fn decimal(digits: &[u8]) -> Result<usize, Error> {
    let digits = core::str::from_utf8(digits).map_err(|_| MALFORMED)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MALFORMED);
    }
    digits.parse().map_err(|_| MALFORMED)
}
