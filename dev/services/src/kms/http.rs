//! The part of HTTP/1.1 (RFC 9112) that the protocol of KMS needs: messages in sequence, each with a Content-Length.

use std::io::{self, ErrorKind, Read, Write};

/// The longest head, in bytes.
const MAX_HEAD: usize = 16_384;
/// The longest body, in bytes. A document and a ciphertext blob in base64 fit.
const MAX_BODY: usize = 1 << 20;
/// The largest number of headers.
const MAX_HEADERS: usize = 64;

/// A request. The names of headers are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method. KMS uses `POST`.
    pub method: String,
    /// The path. KMS uses `/`.
    pub path: String,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// All values of a header.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header. `None` if the header is absent or repeated.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers(name);
        let first = values.next();
        if values.next().is_some() { None } else { first }
    }
}

/// Reads requests or responses from a stream. It keeps bytes of the next message.
pub struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
}

/// The first line and the headers of a message.
struct Head<T> {
    line: T,
    headers: Vec<(String, String)>,
}

impl<S: Read + Write> Reader<S> {
    /// A reader at the start of a connection.
    pub fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The stream, for writing.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Reads the next request. `None` if the stream ends before it.
    ///
    /// # Errors
    /// `InvalidData` for a malformed or too large message, `UnexpectedEof` for a truncated one, and every error of the
    /// stream.
    pub fn request(&mut self) -> io::Result<Option<Request>> {
        let head = self.head(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| malformed())? else {
                return Ok(None);
            };
            let line = request.method.zip(request.path).map(|(method, path)| (method.to_string(), path.to_string()));
            Ok(Some((length, Head { line: line.ok_or_else(malformed)?, headers: owned(request.headers)? })))
        })?;
        let Some(Head { line: (method, path), headers }) = head else { return Ok(None) };
        let body = self.body(&headers)?;
        Ok(Some(Request { method, path, headers, body }))
    }

    /// Reads a response, and returns its status and body.
    ///
    /// # Errors
    /// Those of [`Reader::request`]. The end of the stream is `UnexpectedEof`.
    pub fn response(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let head = self.head(|bytes| {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(length) = response.parse(bytes).map_err(|_| malformed())? else {
                return Ok(None);
            };
            let line = response.code.ok_or_else(malformed)?;
            Ok(Some((length, Head { line, headers: owned(response.headers)? })))
        })?;
        let Head { line, headers } = head.ok_or(ErrorKind::UnexpectedEof)?;
        Ok((line, self.body(&headers)?))
    }

    fn head<T>(&mut self, parse: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>) -> io::Result<Option<T>> {
        loop {
            if let Some((length, head)) = parse(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed());
            }
            if self.more()? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    fn body(&mut self, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
        let mut lengths = headers.iter().filter(|(name, _)| name == "content-length");
        let length = match (lengths.next(), lengths.next()) {
            (None, _) => 0,
            (Some((_, length)), None) => length.parse().map_err(|_| malformed())?,
            _ => return Err(malformed()),
        };
        if length > MAX_BODY || headers.iter().any(|(name, _)| name == "transfer-encoding") {
            return Err(malformed());
        }
        while self.buffer.len() < length {
            if self.more()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Reads more bytes into the buffer. Returns their number, 0 at the end of the stream.
    fn more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 16_384];
        loop {
            match self.stream.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.buffer.extend_from_slice(&piece[..read]);
                    return Ok(read);
                }
            }
        }
    }
}

fn malformed() -> io::Error {
    ErrorKind::InvalidData.into()
}

fn owned(headers: &[httparse::Header<'_>]) -> io::Result<Vec<(String, String)>> {
    let each = headers.iter().map(|header| {
        let value = std::str::from_utf8(header.value).map_err(|_| malformed())?;
        Ok((header.name.to_ascii_lowercase(), value.to_string()))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn request(text: &str) -> io::Result<Option<Request>> {
        Reader::new(Cursor::new(text.as_bytes().to_vec())).request()
    }

    #[test]
    fn reads_two_requests_in_sequence() {
        let text = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabPOST /x HTTP/1.1\r\n\r\n".to_vec();
        let mut reader = Reader::new(Cursor::new(text));
        let first = reader.request().unwrap().unwrap();
        assert_eq!((first.header("host"), first.body.as_slice()), (Some("h"), &b"ab"[..]));
        assert_eq!(reader.request().unwrap().unwrap().path, "/x");
        assert!(reader.request().unwrap().is_none());
    }

    #[test]
    fn rejects_malformed_oversized_and_truncated_requests() {
        for text in [
            "nonsense\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost",
            &format!("POST / HTTP/1.1\r\nA: {}", "a".repeat(40_000)),
        ] {
            assert!(request(text).is_err(), "{text:.60}");
        }
    }
}
