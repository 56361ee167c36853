//! A client of the KMS, for tests and for programs that set up a development enclave.

use super::http::{Reader, Request};
use super::principal::Principal;
use super::refusal::Refusal;
use super::sigv4::{Scope, authorization};
use super::tls;
use crate::net::Address;
use crate::{Clock, Error, date};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// A client that calls a KMS as one principal in one region.
#[derive(Clone)]
pub struct Client {
    address: Address,
    region: String,
    principal: &'static Principal,
    config: Arc<ClientConfig>,
}

impl Client {
    /// A client of the KMS at `address`. `root` is the root certificate of its TLS, in DER.
    ///
    /// # Errors
    /// [`Error::Tls`] if `root` is not a certificate.
    pub fn new(address: &Address, root: &[u8], region: &str, principal: &'static Principal) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(root.to_vec()))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address: address.clone(), region: region.to_string(), principal, config: Arc::new(config) })
    }

    /// The same client as another principal.
    pub fn acting_as(&self, principal: &'static Principal) -> Self {
        Self { principal, ..self.clone() }
    }

    /// The same client in another region.
    pub fn within(&self, region: &str) -> Self {
        Self { region: region.to_string(), ..self.clone() }
    }

    /// Calls one operation.
    ///
    /// # Errors
    /// [`Error::Kms`] if KMS refuses, [`Error::Connection`], [`Error::InvalidAnswer`], [`Error::Address`] for an
    /// invalid region, [`Error::Tls`], [`Error::Clock`].
    pub fn call(&self, operation: &str, body: &Value) -> Result<Value, Error> {
        self.call_at(operation, body, Clock::Machine.now()?)
    }

    /// Calls one operation with a request that is signed at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// Those of [`Client::call`].
    pub fn call_at(&self, operation: &str, body: &Value, now: u64) -> Result<Value, Error> {
        let host = tls::host_of(&self.region);
        let amz_date = date::amz_date(now);
        let headers = [
            ("content-type", "application/x-amz-json-1.1".to_string()),
            ("host", host.clone()),
            ("x-amz-date", amz_date.clone()),
            ("x-amz-target", format!("TrentService.{operation}")),
        ];
        let signed = headers.each_ref().map(|(name, _)| *name);
        let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        let body = body.to_string().into_bytes();
        let mut request = Request { method: "POST".to_string(), path: "/".to_string(), headers, body };
        let scope = Scope { region: &self.region, service: "kms", amz_date: &amz_date };
        let authorization = authorization(&request, &signed, self.principal, &scope);
        request.headers.push(("authorization".to_string(), authorization));
        self.send(&host, &request)
    }

    fn send(&self, host: &str, request: &Request) -> Result<Value, Error> {
        let stream = self.address.connect()?;
        stream.set_timeout(Some(Duration::from_secs(30)))?;
        let name = ServerName::try_from(host.to_string()).map_err(|_| Error::Address(host.to_string()))?;
        let connection = ClientConnection::new(self.config.clone(), name)?;
        let mut reader = Reader::new(StreamOwned::new(connection, stream));
        let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
        for (name, value) in &request.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", request.body.len()));
        reader.stream().write_all(&[text.as_bytes(), &request.body].concat())?;
        reader.stream().flush()?;
        let (status, body) = reader.response()?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| Error::InvalidAnswer)?;
        if status == 200 {
            return Ok(body);
        }
        let member = |names: [&str; 2]| names.iter().find_map(|name| body[name].as_str()).unwrap_or_default();
        let (name, message) = (member(["__type", "code"]).to_string(), member(["message", "Message"]).to_string());
        Err(Error::Kms(Refusal { status, name, message }))
    }
}
