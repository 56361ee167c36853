//! `attest`.

use crate::cli::context::Context;
use crate::clock;
use crate::error::Error;
use crate::evidence;
use crate::values::Hex;
use serde_json::json;

pub(super) fn attest(context: &Context) -> Result<(), Error> {
    let session = context.connect()?;
    let (facts, claims) = (session.facts(), &session.evidence().claims);
    let limits = session.limits();
    let key = claims.kms.as_ref().map(|kms| kms.arn.text());
    let deployers = session.evidence().configuration.as_ref().and_then(|configuration| configuration.deployers);
    let mut fields = vec![
        ("Address", session.url().to_string()),
        ("Verified", format!("at {}", clock::date(facts.timestamp))),
        ("Enclave", facts.module_id.clone()),
        ("Root", evidence::root_name(session.root())),
    ];
    let pcrs = evidence::pcr_fields(&facts.pcrs);
    fields.extend(pcrs.iter().map(|(name, pcr)| (name.as_str(), pcr.clone())));
    fields.extend([
        ("Receipt Key", Hex(claims.receipt_key).to_string()),
        ("KMS Key", key.unwrap_or("none").to_owned()),
        ("Deployers", deployers.map_or("anyone".to_owned(), |digest| format!("list {}", Hex(digest)))),
        (
            "Limits",
            format!(
                "{} ms, memory {}, input {}, output {} bytes",
                limits.run, limits.memory, limits.input, limits.output
            ),
        ),
    ]);
    context.output.detail(&format!("All sessions together may reserve {} bytes of memory.", claims.memory));
    let object = json!({
        "url": session.url().to_string(),
        "verified": true,
        "connection": true,
        "timestamp": facts.timestamp.get(),
        "module_id": facts.module_id,
        "root": Hex(session.root_id()),
        "pcrs": evidence::pcrs_json(&facts.pcrs),
        "receipt_key": Hex(claims.receipt_key),
        "kms_key": key,
        "key_policy_checksum": claims.kms.as_ref().and_then(|kms| kms.policy).map(|digest| Hex(digest).to_string()),
        "deployers": deployers.map(|digest| Hex(digest).to_string()),
        "limits": {"run": limits.run, "memory": limits.memory, "input": limits.input, "output": limits.output},
        "session_memory": claims.memory,
    });
    context.output.fields(&fields, object)
}
