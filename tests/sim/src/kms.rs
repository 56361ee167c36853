//! A connection to KMS: the emulator's answers, or those that a fault puts in their place.

use crate::faults::{Call, Fault};
use crate::run::Run;
use enclave_core::TransportError;
use enclave_core::encoding::Channel;
use serde_json::{Value, json};
use std::sync::Arc;

/// See the module. TLS is left out, so what TLS protects against is not tested here.
pub struct SimKms {
    run: Arc<Run>,
    session: usize,
    host: String,
    request: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl SimKms {
    /// A connection to `host`.
    pub fn new(run: &Arc<Run>, session: usize, host: &str) -> Self {
        Self { run: run.clone(), session, host: host.to_string(), request: Vec::new(), answer: None }
    }

    fn exchange(&mut self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.request);
        let action = text.lines().find_map(|line| line.strip_prefix("x-amz-target: TrentService."));
        let call = match action {
            Some("GenerateDataKey") => Call::GenerateDataKey,
            Some("Decrypt") => Call::Decrypt,
            _ => Call::ReadKey,
        };
        self.run.scheduler.yield_turn();
        self.run.take_time(call);
        let fault = self.run.faults.at(call);
        let answer = self.run.world.kms.exchange(&self.host, &self.request).expect("the emulator answers");
        let before = self.run.remember(call, answer.clone());
        let Some(fault) = fault else { return answer };
        match self.faulty(&answer, before, fault) {
            Some(faulty) => {
                self.run.hit(self.session, call, fault);
                faulty
            }
            None => answer,
        }
    }

    /// The answer with this fault; `None` if the fault is impossible here. `before` is the previous answer to the same
    /// call.
    fn faulty(&self, answer: &[u8], before: Option<Vec<u8>>, fault: Fault) -> Option<Vec<u8>> {
        Some(match fault {
            Fault::Closed => answer[..self.run.faults.choose(65_536) * answer.len() / 65_536].to_vec(),
            Fault::OtherKeyId => with_member(answer, "KeyId", json!(self.run.world.arn.text().replace("0de", "0df")))?,
            Fault::Plaintext => {
                with_member(answer, "Plaintext", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))?
            }
            Fault::Garbage => response(200, "{\"KeyId\":"),
            Fault::Replayed => before?,
            Fault::AccessDenied => refusal(400, "AccessDeniedException"),
            Fault::Disabled => refusal(400, "DisabledException"),
            Fault::InvalidCiphertext => refusal(400, "InvalidCiphertextException"),
            Fault::Throttling => refusal(400, "ThrottlingException"),
            Fault::InternalError => refusal(500, "KMSInternalException"),
            Fault::ExpiredToken => refusal(400, "ExpiredTokenException"),
            Fault::UnknownError => refusal(400, "SomethingElseException"),
            _ => return None,
        })
    }
}

fn response(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn refusal(status: u16, name: &str) -> Vec<u8> {
    response(status, &json!({ "__type": name, "message": "no" }).to_string())
}

/// The answer with one member of its JSON replaced or added.
fn with_member(answer: &[u8], member: &str, value: Value) -> Option<Vec<u8>> {
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let mut body: Value = serde_json::from_slice(&answer[body..]).ok()?;
    body.as_object_mut()?.insert(member.to_string(), value);
    Some(response(200, &body.to_string()))
}

impl Channel for SimKms {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.exchange(),
        };
        let count = buffer.len().min(answer.len());
        buffer[..count].copy_from_slice(&answer[..count]);
        answer.drain(..count);
        self.answer = Some(answer);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.request.extend_from_slice(bytes);
        Ok(())
    }
}
