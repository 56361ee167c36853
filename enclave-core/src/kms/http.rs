//! One HTTP/1.1 exchange (RFC 9112): a request as it is signed and sent, a response of a length known beforehand.

use super::sigv4;
use crate::config::Arn;
use crate::parent::Credentials;
use crate::platform::Channel;
use crate::{Error, Part, error::Down};
use alloc::format;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest head of a response, in bytes.
pub const MAX_HEAD: usize = 16_384;
/// The longest body of a response, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// The most header fields in a response.
const MAX_FIELDS: usize = 64;

const MALFORMED: Error = Error::Malformed(Part::Kms);

/// A response.
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Zeroizing<Vec<u8>>,
}

/// The request for `TrentService.ACTION`, signed at `now` (milliseconds since 1970).
pub fn request(arn: &Arn, action: &str, body: &str, credentials: &Credentials, now: u64) -> Vec<u8> {
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

/// Sends a request and reads its response: a head of at most [`MAX_HEAD`], a body of at most [`MAX_BODY`] whose
/// length the head says, nothing behind it. Other codings than none are refused: KMS has no need of them.
pub fn exchange(channel: &mut impl Channel, request: &[u8]) -> Result<Response, Error> {
    channel.write(request)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let head_end = loop {
        // The end may have come in two pieces.
        let searched = bytes.len().saturating_sub(3);
        more(channel, &mut bytes)?;
        let tail = bytes.get(searched..).unwrap_or_default();
        if let Some(at) = tail.windows(4).position(|end| end == b"\r\n\r\n") {
            break searched + at + 4;
        }
        if bytes.len() > MAX_HEAD {
            return Err(Error::TooLarge(Part::Kms));
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

/// Reads some more; an end here is never orderly.
fn more(channel: &mut impl Channel, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let mut buffer = [0; 4096];
    let count = channel.read(&mut buffer)?;
    match buffer.get(..count) {
        None | Some([]) => Err(Down::Closed.into()),
        Some(read) => {
            bytes.extend_from_slice(read);
            Ok(())
        }
    }
}

/// Status and content-length of a whole head.
fn parse_head(head: &[u8]) -> Result<(u16, usize), Error> {
    if head.len() > MAX_HEAD {
        return Err(Error::TooLarge(Part::Kms));
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    // The parser takes a line feed alone for the end of a line; two readers could then see two responses.
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
    if length > MAX_BODY {
        return Err(Error::TooLarge(Part::Kms));
    }
    Ok((response.code.ok_or(MALFORMED)?, length))
}

/// Digits and nothing else.
fn decimal(digits: &[u8]) -> Result<usize, Error> {
    let digits = core::str::from_utf8(digits).map_err(|_| MALFORMED)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MALFORMED);
    }
    digits.parse().map_err(|_| MALFORMED)
}
